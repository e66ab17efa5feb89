"""Qualification requirements: who may see, preview and accept a HIT.

The comparators and guarded actions are those of the API's QualificationRequirement. A requirement is met by a
qualification that was granted and compares well; `DoesNotExist` and `NotIn` are met by having none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from sqlalchemy import select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError, does_not_exist
from pixelpatchwork.marketplace.records import Moment

MASTERS = frozenset(["2F1QJWKUDD8XADTFD2Q0G6UTO95ALH", "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"])
_SYSTEM_TYPES = MASTERS | frozenset(
    ["00000000000000000040", "000000000000000000L0", "00000000000000000071", "00000000000000000060"]
)
_NO_VALUE = frozenset(["Exists", "DoesNotExist"])
_MANY_VALUES = frozenset(["In", "NotIn"])
_ORDERED: Mapping[str, Callable[[int, int], bool]] = {
    "LessThan": lambda score, bound: score < bound,
    "LessThanOrEqualTo": lambda score, bound: score <= bound,
    "GreaterThan": lambda score, bound: score > bound,
    "GreaterThanOrEqualTo": lambda score, bound: score >= bound,
    "EqualTo": lambda score, bound: score == bound,
    "NotEqualTo": lambda score, bound: score != bound,
}
_MOST_VALUES = 15


class Guard(IntEnum):
    """What a worker wants to do; a requirement guards its own action and every later one."""

    DISCOVER = 0
    PREVIEW = 1
    ACCEPT = 2


_FIRST_GUARDED = {
    "DiscoverPreviewAndAccept": Guard.DISCOVER,
    "PreviewAndAccept": Guard.PREVIEW,
    "Accept": Guard.ACCEPT,
}


def check_requirements(moment: Moment, requirements: Sequence[Mapping[str, Any]]) -> None:
    """Raises where a requirement names a type that does not exist, or values that do not fit its comparator."""
    for requirement in requirements:
        _check_values(requirement)
        type_id = requirement["QualificationTypeId"]
        if type_id in _SYSTEM_TYPES:
            raise RequestError(
                "OperationNotSupported",
                f"The system qualification {type_id} is not offered yet. Use a qualification type of your own.",
            )
        columns = schema.qualification_type.c
        known = select(columns.number).where(columns.qualification_type_id == type_id)
        if moment.connection.execute(known).one_or_none() is None:
            raise does_not_exist("QualificationType", type_id)


def requirements_of(moment: Moment, hit_type_id: str) -> str:
    """The requirements of a HIT type that exists, as JSON."""
    columns = schema.hit_type.c
    found = moment.connection.execute(select(columns.requirements).where(columns.hit_type_id == hit_type_id))
    return str(found.scalar_one())


def meets(moment: Moment, requirements: str, worker_id: str | None, guard: Guard) -> bool:
    """True where a worker (None: nobody signed in) may do this to a HIT with these requirements (as JSON)."""
    guarded = [
        requirement for requirement in json.loads(requirements) if _first_guarded(requirement) <= guard
    ]
    if not guarded:
        return True
    scores = {} if worker_id is None else _scores(moment, worker_id, guarded)
    return all(_met(requirement, scores.get(requirement["QualificationTypeId"])) for requirement in guarded)


def needs_masters(requirements: str) -> bool:
    """True where a HIT asks for Masters, which costs more."""
    return any(requirement["QualificationTypeId"] in MASTERS for requirement in json.loads(requirements))


def _first_guarded(requirement: Mapping[str, Any]) -> Guard:
    """`RequiredToPreview` is the older way to say `PreviewAndAccept`."""
    older = "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"
    return _FIRST_GUARDED[requirement.get("ActionsGuarded", older)]


def _check_values(requirement: Mapping[str, Any]) -> None:
    if requirement.get("LocaleValues"):
        raise ParameterValidationError("LocaleValues", "...", "Only the locale qualification takes locales.")
    values = requirement.get("IntegerValues", [])
    if not _fits(requirement["Comparator"], len(values)):
        why = "Exists and DoesNotExist take none, In and NotIn up to 15, every other comparator one."
        raise ParameterValidationError("IntegerValues", values, why)


def _fits(comparator: str, count: int) -> bool:
    if comparator in _NO_VALUE:
        return count == 0
    if comparator in _MANY_VALUES:
        return 1 <= count <= _MOST_VALUES
    return count == 1


def _scores(moment: Moment, worker_id: str, requirements: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    columns = schema.qualification.c
    rows = moment.connection.execute(
        select(columns.qualification_type_id, columns.value).where(
            columns.worker_id == worker_id,
            columns.status == "Granted",
            columns.qualification_type_id.in_([item["QualificationTypeId"] for item in requirements]),
        )
    )
    return {row.qualification_type_id: row.value for row in rows}


def _met(requirement: Mapping[str, Any], score: int | None) -> bool:
    comparator: str = requirement["Comparator"]
    if score is None:
        return comparator in {"DoesNotExist", "NotIn"}
    if comparator in _NO_VALUE:
        return comparator == "Exists"
    values: Sequence[int] = requirement["IntegerValues"]
    if comparator in _MANY_VALUES:
        return (score in values) == (comparator == "In")
    return _ORDERED[comparator](score, values[0])
