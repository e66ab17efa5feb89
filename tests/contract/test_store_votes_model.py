"""Votes against a model in plain Python: whatever arrives, in whatever order, the counts follow from the rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pixelpatchwork.adapters.database import open_store
from pixelpatchwork.domain.model import AssignmentId, Choice, ImageId, Vote
from tests.support.records import NOW, VOTING, assignment, ballot_id, begin_voting, usable, vote

IMAGES = (ImageId("boat"), ImageId("cat"), ImageId("sea"))
VOTERS = 4
choices = st.builds(
    lambda on, choice, flagged, own: (on, choice, flagged, own),
    st.sampled_from(IMAGES),
    st.sampled_from(Choice),
    st.booleans(),
    st.booleans(),
)
ballots = st.tuples(st.integers(1, VOTERS), st.lists(choices, max_size=4))


@dataclass
class Model:
    """What the records should say."""

    judged: set[str] = field(default_factory=set)
    votes: dict[tuple[str, str], Vote] = field(default_factory=dict)

    def judge(self, assignment_id: str, votes: list[Vote]) -> None:
        if assignment_id in self.judged:
            return
        self.judged.add(assignment_id)
        for one in votes:
            self.votes.setdefault((one.user_id, one.image_id), one)

    def counts(self, image_id: str) -> tuple[int, int, int]:
        counted = [one for one in self.votes.values() if one.image_id == image_id and not one.is_own]
        return (
            sum(one.choice is Choice.UP for one in counted),
            sum(one.choice is Choice.DOWN for one in counted),
            sum(one.flagged for one in counted),
        )


class VotesMachine(RuleBasedStateMachine):
    """Judges ballots in batches, with repeats within and between them."""

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store("sqlite://")
        self.model = Model()
        self.handed_in = 0
        begin_voting(self.store, *IMAGES, users=VOTERS)

    @rule(batch=st.lists(ballots, max_size=3))
    def judge(self, batch: list[tuple[int, list[tuple[str, Choice, bool, bool]]]]) -> None:
        """A batch of ballots, each a user's first one or one more."""
        judgements = []
        for voter, opinions in batch:
            key = self.hand_in(voter)
            votes = [
                replace(vote(voter, on, choice, flagged=flagged, is_own=own), assignment_id=key)
                for on, choice, flagged, own in opinions
            ]
            judgements.append(usable(key, votes=votes))
        self.store.record_judgements(judgements, at=NOW)
        for one in sorted(judgements, key=lambda judgement: judgement.assignment_id):
            self.model.judge(one.assignment_id, list(one.votes))

    @rule(voter=st.integers(1, VOTERS), opinions=st.lists(choices, max_size=3))
    def judge_again(self, voter: int, opinions: list[tuple[str, Choice, bool, bool]]) -> None:
        """A judgement on an answer that may be judged already."""
        votes = [
            vote(voter, on, choice, flagged=flagged, is_own=own) for on, choice, flagged, own in opinions
        ]
        self.store.record_judgements([usable(ballot_id(voter), votes=votes)], at=NOW)
        self.model.judge(ballot_id(voter), votes)

    def hand_in(self, voter: int) -> AssignmentId:
        self.handed_in += 1
        key = AssignmentId(f"more-{self.handed_in:05}")
        self.store.add_assignments([assignment(key, voter, round_id=VOTING)])
        return key

    @invariant()
    def counts_follow_from_votes(self) -> None:
        found = {
            image.image_id: (image.upvotes, image.downvotes, image.flags) for image in self.store.images()
        }
        assert {name: found[name] for name in IMAGES} == {name: self.model.counts(name) for name in IMAGES}
        assert set(self.store.votes()) == set(self.model.votes.values())

    def teardown(self) -> None:
        self.store.close()


TestVotes = VotesMachine.TestCase
TestVotes.settings = settings(max_examples=15, stateful_step_count=12)
