"""Any story that requesters, workers and time can tell leaves the counters and the money in order."""

from __future__ import annotations

from contextlib import ExitStack, suppress

from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from pixelpatchwork.marketplace import schema, work
from pixelpatchwork.marketplace.answers import answer_xml
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment, find_hit
from pixelpatchwork.marketplace.work import WorkRefusedError
from tests.support.marketplace import bench, ledger_balances

WORKERS = st.sampled_from(["AANN", "ABEN", "ACEE"])


class MarketStory(RuleBasedStateMachine):
    """One HIT, three workers, a small purse; refusals are part of the story."""

    @initialize(slots=st.integers(1, 4))
    def open_market(self, slots: int) -> None:
        self.stack = ExitStack()
        self.bench = self.stack.enter_context(bench(opening_balance=2))
        self.market: Market = self.bench.app.extensions["marketplace"]
        self.hit_id = self.bench.hit(
            MaxAssignments=slots,
            Reward="0.10",
            LifetimeInSeconds=300,
            AssignmentDurationInSeconds=60,
            AutoApprovalDelayInSeconds=200,
        )
        self.assignments: list[str] = []

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    @rule(worker=WORKERS)
    def accept(self, worker: str) -> None:
        with suppress(WorkRefusedError):
            accepted = self.market.write(lambda moment: work.accept(moment, self.hit_id, worker))
            self.assignments.append(accepted.assignment_id)

    @rule(worker=WORKERS, pick=st.integers(0, 9))
    def give_back(self, worker: str, pick: int) -> None:
        with suppress(WorkRefusedError):
            self.market.write(lambda moment: work.give_back(moment, self.pick(pick), worker))

    @rule(pick=st.integers(0, 9))
    def submit(self, pick: int) -> None:
        with suppress(WorkRefusedError):
            self.market.write(
                lambda moment: work.submit(moment, self.pick(pick), answer_xml([("prompt", "kite")]))
            )

    @rule(
        verb=st.sampled_from(
            ["approve", "override", "reject", "extend", "expire", "prolong", "review", "delete"]
        ),
        pick=st.integers(0, 9),
    )
    def command(self, verb: str, pick: int) -> None:
        client, chosen = self.bench.client, self.pick(pick)
        commands = {
            "approve": lambda: client.approve_assignment(AssignmentId=chosen),
            "override": lambda: client.approve_assignment(AssignmentId=chosen, OverrideRejection=True),
            "reject": lambda: client.reject_assignment(AssignmentId=chosen, RequesterFeedback="No."),
            "extend": lambda: client.create_additional_assignments_for_hit(
                HITId=self.hit_id, NumberOfAdditionalAssignments=1 + pick
            ),
            "expire": lambda: client.update_expiration_for_hit(
                HITId=self.hit_id, ExpireAt=f"{2000 + pick}-01-01"
            ),
            "prolong": lambda: client.update_expiration_for_hit(
                HITId=self.hit_id, ExpireAt=self.bench.clock.now.replace(minute=pick)
            ),
            "review": lambda: client.update_hit_review_status(HITId=self.hit_id, Revert=pick > 4),
            "delete": lambda: client.delete_hit(HITId=self.hit_id),
        }
        with suppress(ClientError):
            commands[verb]()

    @rule(seconds=st.integers(1, 150))
    def wait(self, seconds: int) -> None:
        self.bench.clock.advance(seconds=seconds)

    def pick(self, number: int) -> str:
        return self.assignments[number % len(self.assignments)] if self.assignments else "3NONE"

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.market.read(self.check)

    def check(self, moment: Moment) -> None:
        hit = find_hit(moment, self.hit_id)
        assert hit is not None
        columns = schema.assignment.c
        rows = moment.connection.execute(select(columns.status, func.count()).group_by(columns.status))
        counted = {row[0]: row[1] for row in rows}
        state = hit.state
        assert state.pending == counted.get("Accepted", 0)
        assert state.undecided == counted.get("Submitted", 0)
        assert state.completed == counted.get("Approved", 0) + counted.get("Rejected", 0)
        requester = moment.connection.execute(select(schema.requester)).one()
        assert ledger_balances(moment) == (requester.available_cents, requester.held_cents)
        assert requester.available_cents >= 0
        assert requester.held_cents == hit.held_slots * 12 == state.slots_owed(moment.now) * 12
        assert requester.available_cents + requester.held_cents + 12 * counted.get("Approved", 0) == 200


TestMarketStory = MarketStory.TestCase
TestMarketStory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
