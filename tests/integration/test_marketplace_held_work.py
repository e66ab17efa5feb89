"""How many accepted HITs one worker may hold, and how often he may accept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bs4 import BeautifulSoup

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.limits import Attempt, Limit
from pixelpatchwork.marketplace.ways_in import WaysIn
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError
from tests.support.marketplace import MovableClock, bench


def test_a_worker_at_the_cap_is_told_what_to_do_and_may_go_on_after_handing_in_or_returning() -> None:
    with bench(most_held=2) as market:
        ann = market.worker()
        held, returned, third, fourth = (market.hit() for _ in range(4))
        first, second = ann.accept(held), ann.accept(returned)

        refused = ann.send(f"/hits/{third}", "form.accept")
        reason = BeautifulSoup(refused.text, "html.parser").select_one(".refusal")

        assert refused.status_code == 409
        assert reason is not None
        assert "Hand one in or return one" in reason.text
        assert market.get(third)["NumberOfAssignmentsPending"] == 0
        ann.post_answer(first, {"prompt": "kite"})
        assert ann.accept(third)
        ann.send(f"/assignments/{second}", "form.return")
        assert ann.accept(fourth)


def test_what_ran_out_of_time_is_held_no_longer() -> None:
    with bench(most_held=1) as market:
        ann = market.worker()
        ann.accept(market.hit(AssignmentDurationInSeconds=60))
        market.clock.advance(seconds=61)

        assert ann.accept(market.hit())


def test_another_worker_is_not_concerned() -> None:
    with bench(most_held=1) as market:
        hit_id = market.hit()

        assert market.worker().accept(hit_id)
        assert market.worker().accept(hit_id)


def test_two_windows_at_once_do_not_get_past_the_cap(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        market = found.app.extensions["marketplace"]
        worker_id = found.worker().worker_id
        hits = [found.hit() for _ in range(8)]

        def take(hit_id: str) -> work.Accepted | Refusal:
            try:
                accepted: work.Accepted = market.write(
                    lambda moment: work.accept(moment, hit_id, worker_id, most_held=3)
                )
            except WorkRefusedError as error:
                return error.refusal
            return accepted

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(take, hits))

        assert results.count(Refusal.HOLDS_TOO_MANY) == 5
        assert sum(found.get(hit_id)["NumberOfAssignmentsPending"] for hit_id in hits) == 3


def test_the_next_hit_is_not_given_beyond_the_cap_either() -> None:
    with bench(most_held=1) as market:
        ann = market.worker()
        type_id = market.get(market.hit())["HITTypeId"]
        for number in range(3):
            market.client.create_hit_with_hit_type(
                HITTypeId=type_id,
                LifetimeInSeconds=600,
                Question=market.get(market.client.list_hits()["HITs"][0]["HITId"])["Question"],
                RequesterAnnotation=str(number),
            )
        token = ann.page("/").select_one("form.accept-next input[name=csrf_token]")
        assert token is not None
        data = {"csrf_token": str(token["value"])}

        statuses = [ann.browser.post(f"/types/{type_id}/next", data=data).status_code for _ in range(2)]

        assert statuses == [303, 409]


def test_a_workers_tries_to_accept_are_counted_also_those_that_are_refused() -> None:
    time_of_day = MovableClock()
    limits = {Attempt.ACCEPT: Limit(most=3, seconds=60)}
    with bench(ways_in=WaysIn(limits=limits), signature_clock=time_of_day) as market:
        ann, ben = market.worker(), market.worker()
        taken, free = market.hit(MaxAssignments=1), market.hit()
        token = ann.page(f"/hits/{taken}").select_one("form.accept input[name=csrf_token]")
        assert token is not None
        ben.accept(taken)
        data = {"csrf_token": str(token["value"])}

        tries = [ann.browser.post(f"/hits/{taken}/accept", data=data) for _ in range(4)]

        assert [response.status_code for response in tries] == [409, 409, 409, 429]
        assert "Retry-After" in tries[-1].headers
        assert ann.browser.post(f"/hits/{free}/accept", data=data).status_code == 429
        assert ben.accept(free)
        time_of_day.advance(minutes=1)
        assert ann.browser.post(f"/hits/{free}/accept", data=data).status_code == 303
