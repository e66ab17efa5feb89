"""Many at once, on SQLite and on a real MySQL server: the last slot goes to exactly one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from pixelpatchwork.marketplace import work
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.work import Refusal, WorkRefusedError
from tests.support.marketplace import Bench, bench, ledger_balances

CROWD = 16


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Runs the acts in threads that start together; an act's refusal stands in place of its result."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return act()
        except WorkRefusedError as error:
            return error.refusal
        except ClientError as error:
            return error.response["TurkErrorCode"]  # type: ignore[typeddict-item] # modelled, not in the stubs

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def accepting(market: Market, hit_id: str, worker_id: str) -> Callable[[], work.Accepted]:
    return lambda: market.write(lambda moment: work.accept(moment, hit_id, worker_id))


def core(found: Bench) -> Market:
    market = found.app.extensions["marketplace"]
    assert isinstance(market, Market)
    return market


def test_the_last_slot_goes_to_exactly_one_of_many(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        hit_id = found.hit(MaxAssignments=1)

        results = at_once([accepting(core(found), hit_id, f"AWORKER{number}") for number in range(CROWD)])

        assert sum(isinstance(result, work.Accepted) for result in results) == 1
        assert results.count(Refusal.NONE_FREE) == CROWD - 1
        assert found.get(hit_id)["NumberOfAssignmentsPending"] == 1


def test_a_worker_who_clicks_many_times_holds_one_assignment(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        hit_id = found.hit(MaxAssignments=9)

        results = at_once([accepting(core(found), hit_id, "AWORKER") for _ in range(8)])

        assert len({result.assignment_id for result in results}) == 1
        assert found.get(hit_id)["NumberOfAssignmentsAvailable"] == 8


def test_many_processes_that_create_with_one_token_make_one_hit(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        results = at_once([lambda: found.hit(UniqueRequestToken="day-1") for _ in range(8)])

        assert results.count("AWS.MechanicalTurk.HitAlreadyExists") == 7
        assert len(found.client.list_hits()["HITs"]) == 1


def test_equal_types_made_at_once_are_one_type(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        results = at_once([lambda: found.get(found.hit())["HITTypeId"] for _ in range(8)])

        assert len(set(results)) == 1


def test_an_approval_that_many_send_pays_once(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        (assignment_id,) = found.submitted(found.hit(MaxAssignments=1))

        results = at_once(
            [lambda: found.client.approve_assignment(AssignmentId=assignment_id) for _ in range(8)]
        )

        assert Counter(isinstance(result, dict) for result in results) == {True: 1, False: 7}
        assert found.balance() == ("9999.82", "0.00")


def test_whole_jobs_side_by_side_leave_counters_and_ledger_in_order(database_url: str) -> None:
    with bench(database_url=database_url) as found:
        market = core(found)
        hits = [found.hit(MaxAssignments=6) for _ in range(3)]

        def job(worker_id: str) -> int:
            for hit_id in hits:
                accepted = accepting(market, hit_id, worker_id)()
                market.write(
                    lambda moment, a=accepted: work.submit(
                        moment, a.assignment_id, answer_xml([("prompt", "kite")])
                    )
                )
                found.client.approve_assignment(AssignmentId=accepted.assignment_id)
            return len(hits)

        results = at_once([lambda name=f"AWORKER{number}": job(name) for number in range(6)])

        balances = market.read(ledger_balances)
        assert results == [3] * 6
        assert [found.get(hit_id)["NumberOfAssignmentsCompleted"] for hit_id in hits] == [6] * 3
        assert balances == (1_000_000 - 18 * 18, 0)
        assert found.balance() == ("9996.76", "0.00")
