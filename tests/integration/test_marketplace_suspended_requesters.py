"""A requester whom the operator suspends: his calls are refused, his HITs are off the site, workers lose nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pixelpatchwork.marketplace import requesters
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.market import Market
from tests.support.marketplace import TRANSPORTS, Bench, bench, refusal


@pytest.fixture(params=TRANSPORTS)
def market(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as found:
        yield found


def inside(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def suspend(market: Bench) -> None:
    inside(market).write(lambda moment: requesters.suspend(moment, "Requester"))


def reinstate(market: Bench) -> None:
    inside(market).write(lambda moment: requesters.reinstate(moment, "Requester"))


def test_every_call_is_refused_with_the_modelled_error_until_he_is_reinstated(market: Bench) -> None:
    hit_id = market.hit()
    suspend(market)
    for call in (
        market.client.get_account_balance,
        lambda: market.client.get_hit(HITId=hit_id),
        lambda: market.client.delete_hit(HITId=hit_id),
        market.hit,
    ):
        with refusal("PermissionDeniedException", "This requester account is suspended."):
            call()

    reinstate(market)
    assert market.get(hit_id)["HITStatus"] == "Assignable"


def test_his_hits_and_qualifications_are_off_the_site_meanwhile(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        hit_id = market.hit(Title="Paint a kite")
        market.client.create_qualification_type(
            Name="Painter", Description="d", QualificationTypeStatus="Active"
        )
        ann = market.worker("Ann")
        form = ann.page(f"/hits/{hit_id}").select_one("form.accept")
        assert form is not None
        hidden = {str(field["name"]): str(field["value"]) for field in form.select("input[type=hidden]")}
        suspend(market)

        for page in ("/", "/qualifications"):
            assert "Paint" not in str(ann.page(page).select_one("main"))
        statuses = [ann.browser.get(f"/{part}/{hit_id}").status_code for part in ("hits", "frame")]
        assert [*statuses, ann.browser.post(str(form["action"]), data=hidden).status_code] == [404] * 3
        anonymous = market.app.test_client()
        assert anonymous.get(f"/hits/{hit_id}").status_code == 404

        reinstate(market)
        assert "Paint a kite" in ann.browser.get("/").text
        ann.work(hit_id)


def test_who_is_at_work_may_finish_and_is_paid_when_the_time_comes(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, hit_id = market.worker("Ann"), market.hit(AutoApprovalDelayInSeconds=60)
        assignment_id = ann.accept(hit_id)
        suspend(market)

        assert ann.browser.get(f"/hits/{hit_id}").status_code == 200
        frame = f"/frame/{hit_id}?assignmentId={assignment_id}"
        assert ann.browser.get(frame).status_code == 200
        assert ann.post_answer(assignment_id, {"prompt": "a kite"}).status_code == 200
        assert ann.browser.get(f"/assignments/{assignment_id}/done").status_code == 200
        market.clock.advance(minutes=2)
        assert "0.15" in ann.page("/dashboard").text
        assert inside(market).read(lambda moment: list(audit(moment.connection))) == []


def test_who_has_given_a_hit_back_does_not_see_it_any_more() -> None:
    with bench() as market:
        ann, hit_id = market.worker("Ann"), market.hit()
        assignment_id = ann.accept(hit_id)
        ann.send(f"/assignments/{assignment_id}", "form.return")
        suspend(market)

        assert ann.browser.get(f"/hits/{hit_id}").status_code == 404


def test_other_requesters_go_on() -> None:
    with bench() as market:
        here = inside(market)
        here.write(lambda moment: requesters.add(moment, here.secret_key, "Vision Lab", 10_00))
        hit_id = market.hit()
        here.write(lambda moment: requesters.suspend(moment, "vision lab"))

        states = {one.name: one.suspended_at is None for one in here.read(requesters.every)}
        assert states == {"Requester": True, "Vision Lab": False}
        market.worker("Ann").work(hit_id)
