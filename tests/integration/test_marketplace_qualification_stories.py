"""Any story of workers who ask for qualifications and a requester who decides leaves one truth in the tables."""

from __future__ import annotations

import itertools
from contextlib import ExitStack, suppress

from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from pixelpatchwork.marketplace import people, qualifying, schema
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.qualifying import QualifyingRefusedError, RequestStatus
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.tables import qualification_request
from tests.support.marketplace import bench

WORKERS = st.sampled_from(["AANN", "ABEN"])
OPEN = {RequestStatus.STARTED, RequestStatus.SUBMITTED}
RETRY_S = 100


class QualificationStory(RuleBasedStateMachine):
    """Two workers and one type that allows another try after a while; refusals are part of the story."""

    @initialize(auto=st.booleans())
    def open_market(self, *, auto: bool) -> None:
        self.stack = ExitStack()
        self.bench = self.stack.enter_context(bench())
        self.market: Market = self.bench.app.extensions["marketplace"]
        for worker in ("AANN", "ABEN"):
            new = people.NewWorker(worker_id=worker, name=worker)
            self.market.write(lambda moment, new=new: people.remember(moment, new))
        made = self.bench.client.create_qualification_type(
            Name="N",
            Description="D",
            QualificationTypeStatus="Active",
            RetryDelayInSeconds=RETRY_S,
            AutoGranted=auto,
        )
        self.type_id = made["QualificationType"]["QualificationTypeId"]
        self.requests: list[str] = []

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    @rule(worker=WORKERS)
    def ask(self, worker: str) -> None:
        with suppress(QualifyingRefusedError):
            attempt = self.market.write(lambda moment: qualifying.begin(moment, self.type_id, worker))
            self.requests.append(attempt.request_id)

    @rule(worker=WORKERS, pick=st.integers(0, 9))
    def hand_in(self, worker: str, pick: int) -> None:
        answer = answer_xml([("q", "a")])
        with suppress(QualifyingRefusedError):
            self.market.write(lambda moment: qualifying.hand_in(moment, self.pick(pick), worker, answer))

    @rule(
        verb=st.sampled_from(["accept", "reject", "grant", "revoke", "block", "unblock"]),
        worker=WORKERS,
        pick=st.integers(0, 9),
    )
    def decide(self, verb: str, worker: str, pick: int) -> None:
        client, chosen = self.bench.client, self.pick(pick)
        key = {"QualificationTypeId": self.type_id, "WorkerId": worker}
        commands = {
            "accept": lambda: client.accept_qualification_request(
                QualificationRequestId=chosen, IntegerValue=pick
            ),
            "reject": lambda: client.reject_qualification_request(QualificationRequestId=chosen),
            "grant": lambda: client.associate_qualification_with_worker(**key, IntegerValue=pick),
            "revoke": lambda: client.disassociate_qualification_from_worker(**key),
            "block": lambda: client.create_worker_block(WorkerId=worker, Reason="R"),
            "unblock": lambda: client.delete_worker_block(WorkerId=worker),
        }
        with suppress(ClientError):
            commands[verb]()

    @rule(test=st.booleans())
    def change(self, *, test: bool) -> None:
        with suppress(ClientError):
            self.bench.client.update_qualification_type(
                QualificationTypeId=self.type_id, QualificationTypeStatus="Active" if test else "Inactive"
            )

    @rule(seconds=st.integers(1, 120))
    def wait(self, seconds: int) -> None:
        self.bench.clock.advance(seconds=seconds)

    def pick(self, number: int) -> str:
        return self.requests[number % len(self.requests)] if self.requests else "3NONE"

    @invariant()
    def the_tables_agree(self) -> None:
        if hasattr(self, "bench"):
            listed = self.bench.client.list_qualification_requests(MaxResults=100)["NumResults"]
            self.market.read(lambda moment: self.check(moment, listed))

    def check(self, moment: Moment, listed: int) -> None:
        rows = moment.connection.execute(select(qualification_request)).all()
        for row in rows:
            assert (row.open_for == row.worker_id) == (row.status in OPEN)
            assert (row.decided_at is None) == (row.status in OPEN)
        held = {row.worker_id for row in moment.connection.execute(select(schema.qualification))}
        assert {row.worker_id for row in rows if row.status == RequestStatus.GRANTED} <= held
        asked = sorted((row.worker_id, row.started_at) for row in rows)
        for (one, earlier), (other, later) in itertools.pairwise(asked):
            assert one != other or later - earlier >= RETRY_S * 1000
        assert listed == sum(row.status == RequestStatus.SUBMITTED for row in rows)


TestQualificationStory = QualificationStory.TestCase
TestQualificationStory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
