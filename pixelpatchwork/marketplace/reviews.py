"""Review policies at work: applied to every answer as it comes in, and to a HIT when it becomes reviewable.

`apply` runs at the end of a transaction, over what happened in it, so that a review is there exactly where what it
reviews was committed. What a policy found and did is kept in the order in which it happened and never changed. An
action that cannot be taken is kept as failed, with its code; it never spoils the worker's submit.

Source: the API reference, "Review Policies" and ListReviewPolicyResultsForHIT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select

from pixelpatchwork.marketplace import schema, verdicts
from pixelpatchwork.marketplace.answers import read_answers
from pixelpatchwork.marketplace.clock import SECOND
from pixelpatchwork.marketplace.errors import ApiError, RequestError
from pixelpatchwork.marketplace.moment import HitEvent, Moment
from pixelpatchwork.marketplace.notifications import EventType
from pixelpatchwork.marketplace.records import change_hit, find_assignment, find_hit
from pixelpatchwork.marketplace.review_policies import (
    Agreement,
    Answers,
    Extension,
    Verdict,
    percent_correct,
    read_known_answers,
    read_plurality,
)
from pixelpatchwork.marketplace.states import AssignmentStatus, HitState, HitStatus, IllegalMoveError
from pixelpatchwork.marketplace.tables import review_entry, review_policy

KNOWN_ANSWER_SCORE = "KnownAnswerScore"
_HANDED_IN = (AssignmentStatus.SUBMITTED, AssignmentStatus.APPROVED, AssignmentStatus.REJECTED)


class Level(StrEnum):
    """What a policy reviews."""

    ASSIGNMENT = "Assignment"
    HIT = "HIT"


class Kind(StrEnum):
    """What an entry says."""

    RESULT = "result"
    ACTION = "action"


_PARAMETER = {Level.ASSIGNMENT: "AssignmentReviewPolicy", Level.HIT: "HITReviewPolicy"}
_LEVEL_OF: Mapping[str, Level] = {
    EventType.ASSIGNMENT_SUBMITTED: Level.ASSIGNMENT,
    EventType.HIT_REVIEWABLE: Level.HIT,
}


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What a result or an action is about."""

    type: Level
    id: str


def check_policies(request: Mapping[str, Any]) -> None:
    """Raises ParameterValidationError where a request to create a HIT brings a policy that cannot be applied."""
    if "AssignmentReviewPolicy" in request:
        read_known_answers(request["AssignmentReviewPolicy"])
    if "HITReviewPolicy" in request:
        read_plurality(request["HITReviewPolicy"])


def remember_policies(moment: Moment, hit_id: str, request: Mapping[str, Any]) -> None:
    """Keeps the policies that a HIT was created with."""
    rows = [
        {"hit_id": hit_id, "level": level.value, "policy": json.dumps(request[name])}
        for level, name in _PARAMETER.items()
        if name in request
    ]
    if rows:
        moment.connection.execute(insert(review_policy), rows)


def policies_of(moment: Moment, hit_ids: set[str]) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(hit id, level) -> policy."""
    statement = select(review_policy).where(review_policy.c.hit_id.in_(hit_ids))
    rows = moment.connection.execute(statement)
    return {(row.hit_id, row.level): json.loads(row.policy) for row in rows}


def apply(moment: Moment) -> None:
    """Reviews what was submitted and what became reviewable in this transaction."""
    reviewable = {event.hit_id for event in moment.events if event.event_type in _LEVEL_OF}
    policies = policies_of(moment, reviewable) if reviewable else {}
    if not policies:
        return
    for event in list(moment.events):
        level = _LEVEL_OF.get(event.event_type)
        policy = None if level is None else policies.get((event.hit_id, level))
        if level is not None and policy is not None:
            review = _Review(moment, event, level)
            review.known_answers(policy) if level is Level.ASSIGNMENT else review.plurality(policy)


class _Review:
    """One application of one policy."""

    def __init__(self, moment: Moment, event: HitEvent, level: Level) -> None:
        self._moment = moment
        self._event = event
        self._level = level
        self._hit = _Subject(type=Level.HIT, id=event.hit_id)
        self._action_id = moment.ids.mint()

    def known_answers(self, policy: Mapping[str, Any]) -> None:
        """Scores the assignment that was just submitted."""
        rules = read_known_answers(policy)
        subject = _Subject(type=Level.ASSIGNMENT, id=str(self._event.assignment_id))
        answers = self._answers_of(schema.assignment.c.assignment_id == subject.id)
        correct = rules.correct(answers[subject.id])
        for question, is_right in correct.items():
            self._result(subject, "KnownAnswerCorrect", str(int(is_right)), question)
        score = percent_correct(correct)
        self._result(subject, KNOWN_ANSWER_SCORE, str(score))
        reviewed = f"Reviewed known answers: {sum(correct.values())} of {len(correct)} correct"
        self._action(subject, "review", "Succeeded", reviewed)
        self._judge(subject, rules.verdict, score)
        self._extend(rules.extension, score)

    def plurality(self, policy: Mapping[str, Any]) -> None:
        """Compares all assignments of a HIT; one that was extended meanwhile is not reviewable yet."""
        hit = find_hit(self._moment, self._event.hit_id, lock=True)
        if hit is None or hit.state.status(self._moment.now) is not HitStatus.REVIEWABLE:
            return
        rules = read_plurality(policy)
        answers = self._regarded(
            disregard_rejected=rules.disregard_rejected, disregard_below=rules.disregard_below
        )
        if not answers:
            return
        agreement = rules.compare(answers)
        self._tell_agreement(rules.questions, agreement)
        for assignment_id in answers:
            subject = _Subject(type=Level.ASSIGNMENT, id=assignment_id)
            self._judge(subject, rules.verdict, agreement.worker_score(assignment_id))
        self._extend(rules.extension, agreement.hit_score)

    def _regarded(self, *, disregard_rejected: bool, disregard_below: int | None) -> dict[str, Answers]:
        columns = schema.assignment.c
        statuses = [status.value for status in _HANDED_IN]
        if disregard_rejected:
            statuses.remove(AssignmentStatus.REJECTED)
        answers = self._answers_of((columns.hit_id == self._event.hit_id) & columns.status.in_(statuses))
        below = set() if disregard_below is None else self._scored_below(disregard_below)
        return {key: value for key, value in answers.items() if key not in below}

    def _scored_below(self, score: int) -> set[str]:
        columns = review_entry.c
        statement = select(columns.subject_id, columns.text).where(
            columns.hit_id == self._event.hit_id,
            columns.kind == Kind.RESULT.value,
            columns.name == KNOWN_ANSWER_SCORE,
        )
        rows = self._moment.connection.execute(statement)
        return {row.subject_id for row in rows if int(row.text) < score}

    def _answers_of(self, condition: Any) -> dict[str, Answers]:
        statement = (
            select(schema.answer)
            .select_from(
                schema.answer.join(
                    schema.assignment, schema.answer.c.assignment_id == schema.assignment.c.assignment_id
                )
            )
            .where(condition)
            .order_by(schema.assignment.c.number)
        )
        rows = self._moment.connection.execute(statement)
        return {row.assignment_id: read_answers(row.answer) for row in rows}

    def _tell_agreement(self, questions: tuple[str, ...], agreement: Agreement) -> None:
        for question in questions:
            found = agreement.agreed.get(question)
            self._result(self._hit, "AgreedAnswerFound", str(found is not None).lower(), question)
            if found is not None:
                self._result(self._hit, "AgreedAnswer", ",".join(sorted(found[0])), question)
                self._result(self._hit, "AnswerAgreementScore", str(found[1]), question)
        for assignment_id, matches in agreement.matches.items():
            subject = _Subject(type=Level.ASSIGNMENT, id=assignment_id)
            right = sum(matches.values())
            score = agreement.worker_score(assignment_id)
            self._result(subject, "WorkerAgreementScore", str(score))
            self._result(subject, "PluralityAnswersCorrect", str(right))
            self._result(subject, "PluralityAnswersIncorrect", str(len(matches) - right))
        self._result(self._hit, "HitAgreementScore", str(agreement.hit_score))

    def _judge(self, subject: _Subject, verdict: Verdict, score: int) -> None:
        name = verdict.decides(score)
        if name == "approve":
            self._attempt(subject, name, lambda: self._approve(subject.id, verdict.approve_reason))
        elif name == "reject":
            self._attempt(subject, name, lambda: self._reject(subject.id, verdict.reject_reason))

    def _approve(self, assignment_id: str, reason: str | None) -> str:
        assignment = find_assignment(self._moment, assignment_id, lock=True)
        if assignment is None:
            raise LookupError(assignment_id)
        if assignment.status is AssignmentStatus.APPROVED:
            return "Already approved"
        verdicts.approve(self._moment, assignment, at=self._moment.now, feedback=reason)
        return "Approved"

    def _reject(self, assignment_id: str, reason: str) -> str:
        assignment = find_assignment(self._moment, assignment_id, lock=True)
        if assignment is None:
            raise LookupError(assignment_id)
        if assignment.status is AssignmentStatus.REJECTED:
            return "Already rejected"
        verdicts.reject(self._moment, assignment, feedback=reason)
        return "Rejected"

    def _extend(self, extension: Extension | None, score: int) -> None:
        if extension is not None and score < extension.below:
            self._attempt(self._hit, "extend", lambda: self._extend_hit(extension))

    def _extend_hit(self, extension: Extension) -> str:
        hit = find_hit(self._moment, self._event.hit_id, lock=True)
        if hit is None:
            raise LookupError(self._event.hit_id)
        if hit.state.max_assignments >= extension.most:
            return "Already extended as far as the policy allows"
        change_hit(self._moment, hit, self._longer(hit.state, extension))
        return "Extended"

    def _longer(self, state: HitState, extension: Extension) -> HitState:
        try:
            extended = state.extend(1)
        except IllegalMoveError as error:
            raise RequestError("InvalidMaximumAssignmentsIncrease", str(error)) from error
        latest = max(extended.expires_at, self._moment.now + extension.seconds * SECOND)
        return replace(extended, expires_at=latest)

    def _attempt(self, subject: _Subject, name: str, act: Callable[[], str]) -> None:
        """Takes an action in a savepoint; a refusal undoes all of it and is kept with its code."""
        told = len(self._moment.events)
        try:
            with self._moment.connection.begin_nested():
                outcome = act()
        except ApiError as error:
            del self._moment.events[told:]
            code = error.members.get("TurkErrorCode", error.type_name)
            self._action(subject, name, "Failed", error.message, error_code=code)
        else:
            self._action(subject, name, "Succeeded", outcome)

    def _result(self, subject: _Subject, name: str, text: str, question: str | None = None) -> None:
        self._write(
            Kind.RESULT,
            subject,
            {"action_id": self._action_id, "name": name, "text": text, "question_id": question},
        )

    def _action(
        self, subject: _Subject, name: str, status: str, text: str, *, error_code: str | None = None
    ) -> None:
        action_id = self._action_id if name == "review" else self._moment.ids.mint()
        values = {
            "action_id": action_id,
            "name": name,
            "text": text,
            "status": status,
            "error_code": error_code,
        }
        self._write(Kind.ACTION, subject, values)

    def _write(self, kind: Kind, subject: _Subject, values: Mapping[str, Any]) -> None:
        row = {
            "hit_id": self._event.hit_id,
            "level": self._level.value,
            "kind": kind.value,
            "subject_id": subject.id,
            "subject_type": subject.type.value,
            "at": self._moment.now,
            **values,
        }
        self._moment.connection.execute(insert(review_entry), row)
