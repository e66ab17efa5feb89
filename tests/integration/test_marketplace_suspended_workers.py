"""A worker whom the operator suspends: out at once, kept out, and paid for what he has handed in."""

from __future__ import annotations

import threading

import pytest

from pixelpatchwork.marketplace import work, workers
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.moment import Moment
from pixelpatchwork.marketplace.suspensions import SUSPENDED
from pixelpatchwork.marketplace.ways_in import SignUp
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError
from pixelpatchwork.marketplace.workers import WorkerError, WorkerState
from tests.support.marketplace import Bench, Worker, bench
from tests.support.marketplace_ways_in import PASSWORD, join, place, sign_in, sign_up, try_to_join, visitor


def inside(market: Bench) -> Market:
    found: Market = market.app.extensions["marketplace"]
    return found


def suspend(market: Bench, worker: Worker) -> int:
    return inside(market).write(lambda moment: workers.suspend(moment, worker.worker_id))


def reinstate(market: Bench, worker: Worker) -> None:
    inside(market).write(lambda moment: workers.reinstate(moment, worker.worker_id))


def test_all_sessions_end_at_once(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, ben = market.worker("Ann"), market.worker("Ben")
        elsewhere = market.worker("Ann")
        suspend(market, ann)

        statuses = [one.browser.get("/dashboard").status_code for one in (ann, elsewhere, ben)]
        assert statuses == [303, 303, 200]


def test_a_session_that_begins_while_he_is_being_suspended_opens_nothing() -> None:
    with bench() as market:
        ann = market.worker("Ann")
        suspend(market, ann)
        with ann.browser.session_transaction() as session:
            session["session_epoch"] += 1

        assert ann.browser.get("/dashboard").status_code == 303


def test_what_he_was_at_work_on_is_returned_for_others_and_he_cannot_submit_it(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, hit_id = market.worker("Ann"), market.hit(MaxAssignments=1)
        assignment_id = ann.accept(hit_id)
        target = ann.frame(assignment_id)["turkSubmitTo"].partition("://")[2].partition("/")[2]
        assert suspend(market, ann) == 1

        answer = {"assignmentId": assignment_id, "prompt": "a kite"}
        late = market.app.test_client().post(f"/{target}/mturk/externalSubmit", data=answer)
        assert (late.status_code, SUSPENDED in late.text) == (403, True)
        assert market.get(hit_id)["HITStatus"] == "Assignable"
        market.worker("Ben").work(hit_id)


def test_what_he_has_handed_in_stays_and_is_paid(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, hit_id = market.worker("Ann"), market.hit(MaxAssignments=2, AutoApprovalDelayInSeconds=3_600)
        first = ann.work(hit_id)
        second = market.hit(RequesterAnnotation="another", AutoApprovalDelayInSeconds=3_600)
        ann.work(second)
        worker_id = ann.worker_id
        suspend(market, ann)
        market.client.approve_assignment(AssignmentId=first)
        market.clock.advance(hours=2)

        found = inside(market).read(lambda moment: workers.record(moment, worker_id))
        assert (found.assignments, found.earned, found.worker.owed) == ({"Approved": 2}, 30, 30)
        assert inside(market).read(lambda moment: list(audit(moment.connection))) == []


def test_he_can_neither_sign_in_nor_accept_by_name(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann, hit_id = market.worker("Ann"), market.hit()
        worker_id = ann.worker_id
        suspend(market, ann)

        refused = visitor(market).send("/signin", "form.signin", name="Ann")
        assert (refused.status_code, SUSPENDED in refused.text) == (403, True)
        with pytest.raises(WorkRefusedError) as caught:
            inside(market).write(lambda moment: work.accept(moment, hit_id, worker_id))
        assert caught.value.refusal is Refusal.SUSPENDED


def test_with_a_password_only_who_knows_it_learns_of_the_suspension() -> None:
    with place(SignUp.PASSWORD) as market:
        ann = visitor(market)
        ann.send("/signup", "form.signin", name="Ann", password=PASSWORD)
        suspend(market, ann)

        right, wrong = sign_in(market, "Ann"), sign_in(market, "Ann", "a wrong password")
        assert (right.status_code, SUSPENDED in right.text) == (403, True)
        assert (wrong.status_code, SUSPENDED in wrong.text) == (403, False)
        assert sign_up(market, "Ann").status_code == 409


def test_a_suspended_participant_of_a_panel_is_refused_and_the_panels_page_does_not_tell() -> None:
    with place(SignUp.NAME) as market:
        participant = join(market, "00aa")
        suspend(market, participant)

        assert visitor(market).browser.get("/join/prolific?PROLIFIC_PID=00aa").status_code == 200
        refused = try_to_join(market, "00aa")
        assert (refused.status_code, SUSPENDED in refused.text) == (403, True)


def test_who_is_reinstated_signs_in_anew_and_works_on(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        ann = market.worker("Ann")
        copy = market.worker("Ann")
        suspend(market, ann)
        reinstate(market, ann)

        assert copy.browser.get("/dashboard").status_code == 303
        ann.sign_in()
        ann.work(market.hit())


def test_suspending_again_keeps_the_first_time_and_reinstating_again_does_no_harm() -> None:
    with bench() as market:
        ann = market.worker("Ann")
        worker_id = ann.worker_id
        for _ in range(2):
            suspend(market, ann)
            market.clock.advance(days=1)
        found = inside(market).read(lambda moment: workers.by_id(moment, worker_id))
        reinstate(market, ann)
        reinstate(market, ann)

        assert (found.state, found.suspended_at) == (WorkerState.SUSPENDED, found.signed_up_at)
        with pytest.raises(WorkerError, match="No worker of this id"):
            inside(market).write(lambda moment: workers.suspend(moment, "ANOBODY"))


def test_nobody_is_suspended_and_at_work_however_the_two_come_together(database_url: str) -> None:
    with bench(database_url=database_url) as market:
        here, ann, hit_id = inside(market), market.worker("Ann"), market.hit()
        worker_id = ann.worker_id
        suspending = threading.Thread(target=suspend, args=(market, ann))

        def accept_while_he_is_being_suspended(moment: Moment) -> None:
            work.accept(moment, hit_id, worker_id)
            suspending.start()
            suspending.join(0.5)

        here.write(accept_while_he_is_being_suspended)
        suspending.join()

        found = here.read(lambda moment: workers.record(moment, worker_id))
        assert (found.worker.state, found.assignments) == (WorkerState.SUSPENDED, {"Returned": 1})
        assert market.get(hit_id)["NumberOfAssignmentsAvailable"] == 2
