"""What an example of an operation of the API may need: HITs that were done, qualifications that were granted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from pixelpatchwork.marketplace import qualifying
from pixelpatchwork.marketplace.market import Market
from tests.support.marketplace import Bench, Worker

TYPE = {"Title": "T", "Description": "D", "Reward": "0.10", "AssignmentDurationInSeconds": 60}
_NUMBERS = itertools.count()


class Story:
    """One requester's story; each method makes something new."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.client = bench.client

    def hit_type(self, **changes: Any) -> str:
        return str(self.client.create_hit_type(**TYPE | changes)["HITTypeId"])

    def submitted(self, **changes: Any) -> tuple[str, str, Worker]:
        """A HIT, its assignment, and who did it."""
        hit_id = self.bench.hit(**{"MaxAssignments": 1, "Title": f"Alone {next(_NUMBERS)}"} | changes)
        worker = self.bench.worker()
        return hit_id, worker.work(hit_id, colour="red"), worker

    def decided(self) -> tuple[str, str, Worker]:
        hit_id, assignment_id, worker = self.submitted()
        self.client.approve_assignment(AssignmentId=assignment_id)
        return hit_id, assignment_id, worker

    def type(self, **changes: Any) -> str:
        request = {
            "Name": f"Type {next(_NUMBERS)}",
            "Description": "Knows colours.",
            "QualificationTypeStatus": "Active",
        }
        made = self.client.create_qualification_type(**request | changes)
        return str(made["QualificationType"]["QualificationTypeId"])

    def requested(self) -> tuple[str, str, Worker]:
        """A type, a request for it, and whose."""
        type_id, worker = self.type(), self.bench.worker()
        market: Market = self.bench.app.extensions["marketplace"]
        attempt = market.write(lambda moment: qualifying.begin(moment, type_id, worker.worker_id))
        return type_id, attempt.request_id, worker

    def granted(self) -> tuple[str, Worker]:
        type_id, worker = self.type(), self.bench.worker()
        self.client.associate_qualification_with_worker(
            QualificationTypeId=type_id, WorkerId=worker.worker_id, IntegerValue=7
        )
        return type_id, worker


Example = Callable[[Story], None]
EXAMPLES: dict[str, Example] = {}


def example(name: str) -> Callable[[Example], Example]:
    """Registers a function as the example of an operation."""

    def add(function: Example) -> Example:
        EXAMPLES[name] = function
        return function

    return add
