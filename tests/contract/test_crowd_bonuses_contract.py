"""What paying bonuses relies on in the crowd: the gateway against a whole marketplace, in process and over sockets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from flask import Flask

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.crowd.browser import Form, Page, WsgiBrowser
from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere, HitGone, InsufficientFunds
from pixelpatchwork.domain.model import AssignmentId, HitId, Token, WorkerId
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec, PaidBonus, SubmittedAssignment
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running

ACCESS_KEY, SECRET_KEY = "AKIABONUSCONTRACTTEST", "bonus-contract-secret"
REASON = "Your picture is the winner of Day 1. Thank you!"
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><head><title>Paint</title></head><body>'
    '<form><input name="prompt"></form></body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>'
)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Fair:
    """A marketplace, its requester, and one approved assignment."""

    def __init__(self, crowd: MTurkCrowd, app: Flask, clock: Hands) -> None:
        self.crowd, self.clock = crowd, clock
        self.answer = _answered(crowd, app)
        crowd.approve(self.answer.assignment_id)

    def send(self, token: str = "token-1", amount: str = "0.50", reason: str = REASON) -> None:
        self.crowd.send_bonus(
            self.answer.assignment_id,
            self.answer.worker_id,
            token=Token(token),
            amount_usd=Usd(amount),
            reason=reason,
        )

    def paid(self) -> list[PaidBonus]:
        return list(self.crowd.bonuses(self.answer.assignment_id))


def _answered(crowd: MTurkCrowd, app: Flask) -> SubmittedAssignment:
    spec = HitTypeSpec(
        title="Repaint a patch",
        description="Mask a part and say what to paint",
        keywords="art",
        reward_usd=Usd("0.15"),
        assignment_duration=timedelta(minutes=20),
        auto_approval_delay=timedelta(days=3),
    )
    hit_id = crowd.create_hit(
        HitRequest(
            hit_type_id=crowd.ensure_hit_type(spec),
            token=Token("the HIT"),
            annotation="study:1:generation:0",
            question=QUESTION,
            max_assignments=1,
            lifetime=timedelta(hours=24),
        )
    )
    browser = WsgiBrowser(app)
    browser.submit(_form(browser.get("/signin"), "form.signin"), {"name": "Ada"})
    work = browser.submit(_form(browser.get(f"/hits/{hit_id}"), "form.accept"), {})
    frame = work.soup.select_one("iframe.work")
    assert frame is not None
    query = browser.get(work.link(str(frame["src"]))).query
    target = Form(
        action=f"{query['turkSubmitTo']}/mturk/externalSubmit",
        method="post",
        fields={"assignmentId": query["assignmentId"]},
        tag=frame,
    )
    browser.submit(target, {"prompt": "a red door"})
    (answer,) = crowd.assignments(hit_id)
    return answer


def _form(page: Page, selector: str) -> Form:
    form = page.form(selector)
    assert form is not None, f"no {selector} on {page.url}"
    return form


@pytest.fixture(params=["embedded", "served"])
def fair(request: pytest.FixtureRequest) -> Iterator[Fair]:
    clock = Hands()
    app = create_app(
        Hosting(
            database_url="sqlite://",
            clock=clock.now,
            requesters={ACCESS_KEY: SECRET_KEY},
            secret_key="a secret",
            random=Random(1),
        )
    )
    if request.param == "embedded":
        yield Fair(_crowd_at("http://turk.test", app), app, clock)
        return
    with running(app) as url:
        yield Fair(_crowd_at(url), app, clock)


def _crowd_at(url: str, app: Flask | None = None) -> MTurkCrowd:
    client = mturk_client(
        endpoint_url=url, access_key=ACCESS_KEY, secret_key=SECRET_KEY, max_connections=8, attempts=2
    )
    if app is not None:
        attach(client, app)
    return MTurkCrowd(client)


def test_a_bonus_is_listed_with_its_assignment_amount_and_reason(fair: Fair) -> None:
    assert fair.paid() == []

    fair.send()

    expected = PaidBonus(
        assignment_id=fair.answer.assignment_id,
        amount_usd=Usd("0.50"),
        reason=REASON,
        paid_at=fair.clock.now(),
    )
    assert fair.paid() == [expected]


def test_a_bonus_costs_a_fee_of_a_fifth(fair: Fair) -> None:
    before = fair.crowd.balance()
    fair.send(amount="0.50")
    assert before - fair.crowd.balance() == Usd("0.60")


def test_a_used_token_pays_nothing_for_24_hours_and_says_so(fair: Fair) -> None:
    fair.send()
    fair.clock.time += timedelta(hours=23, minutes=59)
    with pytest.raises(CrowdError, match="has already been processed"):
        fair.send()
    assert len(fair.paid()) == 1


def test_after_24_hours_only_the_list_tells_that_a_bonus_was_paid(fair: Fair) -> None:
    fair.send()
    fair.clock.time += timedelta(hours=24, seconds=1)
    assert len(fair.paid()) == 1
    fair.send()
    assert len(fair.paid()) == 2


def test_more_than_a_page_of_bonuses_is_listed_once_each(fair: Fair) -> None:
    for number in range(103):
        fair.send(token=f"token-{number}", amount="0.01", reason=f"Number {number}")
    assert [bonus.reason for bonus in fair.paid()] == [f"Number {number}" for number in range(103)]


def test_a_bonus_beyond_the_balance_is_its_own_error(fair: Fair) -> None:
    for number in range(8):
        fair.send(token=f"token-{number}", amount="1000.00")
    with pytest.raises(InsufficientFunds):
        fair.send(token="one more", amount="1000.00")
    assert len(fair.paid()) == 8


def test_a_worker_who_did_not_do_the_assignment_gets_nothing(fair: Fair) -> None:
    with pytest.raises(CrowdError):
        fair.crowd.send_bonus(
            fair.answer.assignment_id,
            WorkerId("A1SOMEBODYELSE"),
            token=Token("token-1"),
            amount_usd=Usd("0.50"),
            reason=REASON,
        )
    assert fair.paid() == []


def test_bonuses_of_an_assignment_that_does_not_exist_cannot_be_listed(fair: Fair) -> None:
    with pytest.raises(DecidedElsewhere, match="does not know it any more"):
        list(fair.crowd.bonuses(AssignmentId("3NOSUCHASSIGNMENT")))


def test_bonuses_of_a_hit_are_those_of_its_assignments(fair: Fair) -> None:
    assert list(fair.crowd.bonuses_of_hit(fair.answer.hit_id)) == []
    fair.send()
    fair.send(token="token-2", amount="0.10", reason="And thanks.")
    assert list(fair.crowd.bonuses_of_hit(fair.answer.hit_id)) == fair.paid()
    with pytest.raises(HitGone):
        list(fair.crowd.bonuses_of_hit(HitId("3NOSUCHHIT")))
