"""What the workflows rely on in the crowd: the gateway against a whole marketplace, in process and over sockets.

Workers do the HITs through the marketplace's site, by the markup that it documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from pixelpatchwork.adapters.mturk import MTurkCrowd, mturk_client
from pixelpatchwork.crowd.browser import CrowdTrouble, Form, Page, WsgiBrowser
from pixelpatchwork.domain.errors import CrowdError, DecidedElsewhere, HitExists, HitGone, InsufficientFunds
from pixelpatchwork.domain.model import AssignmentId, HitId, Token
from pixelpatchwork.domain.ports import HitRequest, HitTypeSpec
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running

ACCESS_KEY, SECRET_KEY = "AKIACONTRACTTESTTEST", "contract-test-secret"
QUESTION = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
    'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><head><title>Paint</title></head><body>'
    '<form><input name="prompt"></form></body></html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>'
)
SPEC = HitTypeSpec(
    title="Repaint a patch",
    description="Mask a part and say what to paint",
    keywords="art, image",
    reward_usd=Decimal("0.15"),
    assignment_duration=timedelta(minutes=20),
    auto_approval_delay=timedelta(days=3),
)


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def move(self, **span: int) -> None:
        self.time += timedelta(**span)


class Worker:
    """Somebody at the marketplace's site."""

    def __init__(self, app: Flask, name: str) -> None:
        self._browser = WsgiBrowser(app)
        page = self._browser.get("/signin")
        self._browser.submit(form_of(page, "form.signin"), {"name": name})

    def accept(self, hit_id: str) -> Page:
        """The page of the accepted assignment."""
        return self._browser.submit(form_of(self._browser.get(f"/hits/{hit_id}"), "form.accept"), {})

    def hand_in(self, work: Page, prompt: str) -> AssignmentId:
        """Fills in the frame of an accepted assignment."""
        frame = work.soup.select_one("iframe.work")
        assert frame is not None
        given = {name: values[0] for name, values in parse_qs(urlsplit(str(frame["src"])).query).items()}
        form = Form(
            action=f"{given['turkSubmitTo']}/mturk/externalSubmit",
            method="post",
            fields={"assignmentId": given["assignmentId"]},
            tag=frame,
        )
        self._browser.submit(form, {"prompt": prompt})
        return AssignmentId(given["assignmentId"])

    def do(self, hit_id: str, prompt: str = "a red door") -> AssignmentId:
        """Accepts and hands in."""
        return self.hand_in(self.accept(hit_id), prompt)


def form_of(page: Page, selector: str) -> Form:
    form = page.form(selector)
    assert form is not None, f"no {selector} on {page.url}"
    return form


@dataclass(frozen=True, kw_only=True)
class Fair:
    """A marketplace with its requester."""

    app: Flask
    crowd: MTurkCrowd
    clock: HandClock

    def request(self, index: int = 0, **chosen: object) -> HitRequest:
        plain = HitRequest(
            hit_type_id=self.crowd.ensure_hit_type(SPEC),
            token=Token(f"token-{index}"),
            annotation=f"study:1:generation:{index}",
            question=QUESTION,
            max_assignments=3,
            lifetime=timedelta(hours=24),
        )
        return replace(plain, **chosen)  # type: ignore[arg-type]  # the tests choose

    def publish(self, index: int = 0, **chosen: object) -> HitId:
        return self.crowd.create_hit(self.request(index, **chosen))


@pytest.fixture(params=["embedded", "served"])
def fair(request: pytest.FixtureRequest) -> Iterator[Fair]:
    clock = HandClock()
    app = create_app(
        Hosting(
            database_url="sqlite://",
            clock=clock.now,
            requesters={ACCESS_KEY: SECRET_KEY},
            secret_key="a secret",
        )
    )
    if request.param == "embedded":
        yield Fair(app=app, crowd=crowd_at("http://turk.test", app), clock=clock)
        return
    with running(app) as url:
        yield Fair(app=app, crowd=crowd_at(url), clock=clock)


def crowd_at(url: str, app: Flask | None = None, *, secret_key: str = SECRET_KEY) -> MTurkCrowd:
    client = mturk_client(
        endpoint_url=url, access_key=ACCESS_KEY, secret_key=secret_key, max_connections=8, attempts=2
    )
    if app is not None:
        attach(client, app)
    return MTurkCrowd(client)


# ---- publishing -----------------------------------------------------------------------------------------


def test_equal_hit_types_are_one(fair: Fair) -> None:
    first = fair.crowd.ensure_hit_type(SPEC)

    assert fair.crowd.ensure_hit_type(SPEC) == first
    assert fair.crowd.ensure_hit_type(replace(SPEC, reward_usd=Decimal("0.20"))) != first


def test_a_published_hit_is_found_by_its_id_and_by_its_annotation(fair: Fair) -> None:
    hit_id = fair.publish()
    fair.publish(1, annotation="another study")

    found = fair.crowd.hit(hit_id)

    assert found.annotation == "study:1:generation:0"
    assert found.max_assignments == 3
    assert found.expires_at == fair.clock.now() + timedelta(hours=24)
    assert not found.is_finished
    assert list(fair.crowd.hits("study:")) == [found]


def test_publishing_holds_the_reward_and_the_fee(fair: Fair) -> None:
    before = fair.crowd.balance()

    fair.publish()

    assert before - fair.crowd.balance() == 3 * (Decimal("0.15") + Decimal("0.03"))


def test_a_used_token_names_the_hit_that_is_there(fair: Fair) -> None:
    hit_id = fair.publish()

    with pytest.raises(HitExists) as caught:
        fair.publish()

    assert (caught.value.token, caught.value.hit_id) == ("token-0", hit_id)
    assert len(list(fair.crowd.hits("study:"))) == 1


def test_of_two_that_publish_at_once_one_is_told_of_the_other(fair: Fair) -> None:
    request = fair.request()

    def publish(_: int) -> tuple[str, str | None]:
        try:
            return "published", fair.crowd.create_hit(request)
        except HitExists as error:
            return "exists", error.hit_id

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(publish, range(4)))

    assert sorted(word for word, _ in outcomes) == ["exists", "exists", "exists", "published"]
    assert len({hit_id for _, hit_id in outcomes}) == 1


def test_too_little_money_is_its_own_error(fair: Fair) -> None:
    dear = fair.crowd.ensure_hit_type(replace(SPEC, reward_usd=Decimal("5000.00")))

    with pytest.raises(InsufficientFunds):
        fair.publish(hit_type_id=dear)


def test_a_question_that_is_none_is_refused_in_words(fair: Fair) -> None:
    with pytest.raises(CrowdError, match="refused CreateHITWithHITType"):
        fair.publish(question="<p>no question</p>")


def test_more_than_a_page_of_hits_is_listed_once_each(fair: Fair) -> None:
    request = fair.request()
    published = {
        fair.crowd.create_hit(replace(request, token=Token(f"token-{index}"))) for index in range(103)
    }

    listed = [hit.hit_id for hit in fair.crowd.hits("study:")]

    assert len(listed) == 103
    assert set(listed) == published


# ---- collecting -----------------------------------------------------------------------------------------


def test_an_answer_comes_back_with_its_worker_and_its_times(fair: Fair) -> None:
    hit_id = fair.publish()
    worker = Worker(fair.app, "Ada")
    accepted_at = fair.clock.now()
    work = worker.accept(hit_id)
    fair.clock.move(minutes=3)
    assignment_id = worker.hand_in(work, "a <red> door & a cat")

    (answer,) = fair.crowd.assignments(hit_id)

    assert answer.assignment_id == assignment_id
    assert answer.hit_id == hit_id
    assert answer.worker_id.startswith("A")
    assert "a &lt;red&gt; door &amp; a cat" in answer.answer
    assert (answer.accepted_at, answer.submitted_at) == (accepted_at, fair.clock.now())
    assert answer.submitted_at.tzinfo is UTC
    assert (answer.is_approved, answer.is_rejected) == (False, False)


def test_more_than_a_page_of_answers_is_read_once_each_earliest_first(fair: Fair) -> None:
    hit_id = fair.publish(max_assignments=105)
    handed_in = []
    for number in range(105):
        handed_in.append(Worker(fair.app, f"Worker {number}").do(hit_id))
        fair.clock.move(seconds=1)

    assert [answer.assignment_id for answer in fair.crowd.assignments(hit_id)] == handed_in


def test_a_hit_is_finished_once_all_have_handed_in(fair: Fair) -> None:
    hit_id = fair.publish(max_assignments=1)

    Worker(fair.app, "Ada").do(hit_id)

    assert fair.crowd.hit(hit_id).is_finished


# ---- paying ---------------------------------------------------------------------------------------------


def test_approving_twice_pays_once(fair: Fair) -> None:
    hit_id = fair.publish()
    assignment_id = Worker(fair.app, "Ada").do(hit_id)

    fair.crowd.approve(assignment_id)
    balance = fair.crowd.balance()
    fair.crowd.approve(assignment_id)

    assert fair.crowd.balance() == balance
    assert [answer.is_approved for answer in fair.crowd.assignments(hit_id)] == [True]


def test_what_time_has_approved_counts_as_approved(fair: Fair) -> None:
    hit_id = fair.publish()
    assignment_id = Worker(fair.app, "Ada").do(hit_id)
    fair.clock.move(days=4)

    fair.crowd.approve(assignment_id)

    assert [answer.is_approved for answer in fair.crowd.assignments(hit_id)] == [True]


def test_an_assignment_that_does_not_exist_cannot_be_approved(fair: Fair) -> None:
    with pytest.raises(DecidedElsewhere, match="does not know it any more"):
        fair.crowd.approve(AssignmentId("3NOSUCHASSIGNMENT"))


# ---- ending ---------------------------------------------------------------------------------------------


def test_an_expired_hit_takes_nobody_new(fair: Fair) -> None:
    hit_id = fair.publish()

    fair.crowd.expire(hit_id)

    assert fair.crowd.hit(hit_id).is_finished
    with pytest.raises((CrowdTrouble, AssertionError)):
        Worker(fair.app, "Ada").accept(hit_id)


def test_who_accepted_before_the_end_may_still_hand_in(fair: Fair) -> None:
    hit_id = fair.publish()
    ada = Worker(fair.app, "Ada")
    work = ada.accept(hit_id)

    fair.crowd.expire(hit_id)

    assert not fair.crowd.hit(hit_id).is_finished
    ada.hand_in(work, "just in time")
    assert fair.crowd.hit(hit_id).is_finished
    assert len(list(fair.crowd.assignments(hit_id))) == 1


def test_expiring_twice_is_success(fair: Fair) -> None:
    hit_id = fair.publish()

    fair.crowd.expire(hit_id)
    fair.crowd.expire(hit_id)

    assert fair.crowd.hit(hit_id).is_finished


def test_a_finished_hit_is_deleted_and_a_second_time_is_success(fair: Fair) -> None:
    hit_id = fair.publish(max_assignments=1)
    fair.crowd.approve(Worker(fair.app, "Ada").do(hit_id))

    fair.crowd.delete(hit_id)
    fair.crowd.delete(hit_id)
    fair.crowd.expire(hit_id)

    assert list(fair.crowd.hits("study:")) == []


def test_deleting_what_was_never_there_is_success(fair: Fair) -> None:
    fair.crowd.delete(HitId("3NOSUCHHIT"))


@pytest.mark.parametrize("is_expired", [False, True])
def test_a_hit_with_work_to_decide_is_not_deleted(fair: Fair, *, is_expired: bool) -> None:
    hit_id = fair.publish()
    Worker(fair.app, "Ada").do(hit_id)
    if is_expired:
        fair.crowd.expire(hit_id)

    with pytest.raises(CrowdError, match="refused DeleteHIT"):
        fair.crowd.delete(hit_id)


def test_a_hit_that_does_not_exist_is_reported(fair: Fair) -> None:
    with pytest.raises(HitGone, match="does not know it any more: Hit 3NOSUCHHIT does not exist"):
        fair.crowd.hit(HitId("3NOSUCHHIT"))


# ---- over a socket only ---------------------------------------------------------------------------------


def test_a_wrong_secret_is_refused_with_what_to_check() -> None:
    app = create_app(
        Hosting(database_url="sqlite://", requesters={ACCESS_KEY: SECRET_KEY}, secret_key="a secret")
    )
    with (
        running(app) as url,
        pytest.raises(CrowdError, match="Check PPW_MARKETPLACE_ACCESS_KEY_ID") as caught,
    ):
        crowd_at(url, secret_key="not the secret").balance()

    assert "not the secret" not in str(caught.value)


def test_another_web_server_is_no_marketplace() -> None:
    with running(Flask("another")) as url, pytest.raises(CrowdError, match="Check the setting `marketplace`"):
        crowd_at(url).balance()
