"""Qualification requirements: who may see, preview and accept a HIT.

The comparators and guarded actions are those of the API's QualificationRequirement. A requirement is met by a
qualification that was granted and compares well; `DoesNotExist` and `NotIn` are met by having none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from sqlalchemy import select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.errors import ParameterValidationError, RequestError, does_not_exist
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.system_qualifications import (
    MASTERS,
    Locale,
    Standing,
    SystemType,
    Value,
    is_system_type,
)

_NO_VALUE = frozenset(["Exists", "DoesNotExist"])
_MANY_VALUES = frozenset(["In", "NotIn"])
_WITH_LOCALES = frozenset(["EqualTo", "NotEqualTo", "In", "NotIn"])
_MET_BY_NONE = frozenset(["DoesNotExist", "NotIn"])
_ORDERED: Mapping[str, Callable[[int, int], bool]] = {
    "LessThan": lambda score, bound: score < bound,
    "LessThanOrEqualTo": lambda score, bound: score <= bound,
    "GreaterThan": lambda score, bound: score > bound,
    "GreaterThanOrEqualTo": lambda score, bound: score >= bound,
    "EqualTo": lambda score, bound: score == bound,
    "NotEqualTo": lambda score, bound: score != bound,
}
_MOST_INTEGERS = 15
_MOST_LOCALES = 30
_COUNTRY = re.compile(r"[A-Z]{2}")
_SUBDIVISION = re.compile(r"[A-Z0-9]{2}")

Requirement = Mapping[str, Any]


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


def check_requirements(moment: Moment, requirements: Sequence[Requirement]) -> None:
    """Raises where values do not fit their comparator, or a type does not exist or is inactive."""
    for requirement in requirements:
        _check_values(requirement)
    statuses = _statuses(moment, requirements)
    for type_id in _own_types(requirements):
        if type_id not in statuses:
            raise does_not_exist("QualificationType", type_id)
        if statuses[type_id] != "Active":
            raise RequestError(
                "InvalidQualificationTypeState", "This operation can be called with a status of: Active"
            )


def types_exist(moment: Moment, requirements: str) -> bool:
    """True where no qualification type that these requirements (as JSON) name was deleted."""
    parsed = json.loads(requirements)
    return set(_own_types(parsed)) <= set(_statuses(moment, parsed))


def requirements_of(moment: Moment, hit_type_id: str) -> str:
    """The requirements of a HIT type that exists, as JSON."""
    columns = schema.hit_type.c
    found = moment.connection.execute(select(columns.requirements).where(columns.hit_type_id == hit_type_id))
    return str(found.scalar_one())


def meets(moment: Moment, requirements: str, worker_id: str | None, guard: Guard) -> bool:
    """True where a worker (None: nobody signed in) may do this to a HIT with these requirements (as JSON)."""
    return has_standing(Standing(moment, worker_id), requirements, guard)


def has_standing(standing: Standing, requirements: str, guard: Guard) -> bool:
    """`meets` for one worker and many HITs: what was read of the worker once serves for all of them."""
    return all(
        _met(requirement, standing.value(requirement["QualificationTypeId"]))
        for requirement in json.loads(requirements)
        if _first_guarded(requirement) <= guard
    )


def needs_masters(requirements: str) -> bool:
    """True where a HIT asks for Masters, which costs more."""
    return any(requirement["QualificationTypeId"] in MASTERS for requirement in json.loads(requirements))


def _own_types(requirements: Sequence[Requirement]) -> list[str]:
    """The types that requesters made, not the system's."""
    found = (requirement["QualificationTypeId"] for requirement in requirements)
    return [type_id for type_id in found if not is_system_type(type_id)]


def _statuses(moment: Moment, requirements: Sequence[Requirement]) -> Mapping[str, str]:
    wanted = _own_types(requirements)
    if not wanted:
        return {}
    columns = schema.qualification_type.c
    statement = select(columns.qualification_type_id, columns.status).where(
        columns.qualification_type_id.in_(wanted)
    )
    return {row.qualification_type_id: row.status for row in moment.connection.execute(statement)}


def _first_guarded(requirement: Requirement) -> Guard:
    """`RequiredToPreview` is the older way to say `PreviewAndAccept`."""
    older = "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"
    return _FIRST_GUARDED[requirement.get("ActionsGuarded", older)]


def _check_values(requirement: Requirement) -> None:
    is_locale = requirement["QualificationTypeId"] == SystemType.LOCALE
    name, other = ("LocaleValues", "IntegerValues") if is_locale else ("IntegerValues", "LocaleValues")
    if requirement.get(other):
        why = "The locale qualification takes LocaleValues, every other one IntegerValues."
        raise ParameterValidationError(other, "...", why)
    comparator, values = requirement["Comparator"], requirement.get(name, [])
    if is_locale:
        _check_locales(comparator, values)
    most = _MOST_LOCALES if is_locale else _MOST_INTEGERS
    if not _fits(comparator, len(values), most):
        why = f"Exists and DoesNotExist take none, In and NotIn up to {most}, every other comparator one."
        raise ParameterValidationError(name, values, why)


def _check_locales(comparator: str, values: Sequence[Mapping[str, str]]) -> None:
    if comparator not in _WITH_LOCALES | _NO_VALUE:
        raise ParameterValidationError("Comparator", comparator, "Locales are equal or not; none is less.")
    for value in values:
        subdivision = value.get("Subdivision")
        right = _COUNTRY.fullmatch(value["Country"]) and (
            subdivision is None or _SUBDIVISION.fullmatch(subdivision)
        )
        if not right:
            why = "Write the ISO 3166 codes in capitals, such as US, and WA for its part."
            raise ParameterValidationError("LocaleValues", "-".join(value.values()), why)


def _fits(comparator: str, count: int, most: int) -> bool:
    if comparator in _NO_VALUE:
        return count == 0
    if comparator in _MANY_VALUES:
        return 1 <= count <= most
    return count == 1


def _met(requirement: Requirement, value: Value | None) -> bool:
    comparator: str = requirement["Comparator"]
    if value is None:
        return comparator in _MET_BY_NONE
    if comparator in _NO_VALUE:
        return comparator == "Exists"
    if isinstance(value, Locale):
        return _met_by_locale(requirement, value)
    bounds: Sequence[int] = requirement["IntegerValues"]
    if comparator in _MANY_VALUES:
        return (value in bounds) == (comparator == "In")
    return _ORDERED[comparator](value, bounds[0])


def _met_by_locale(requirement: Requirement, place: Locale) -> bool:
    regions = [
        Locale(country=region["Country"], subdivision=region.get("Subdivision"))
        for region in requirement["LocaleValues"]
    ]
    inside = any(place.lies_in(region) for region in regions)
    return inside == (requirement["Comparator"] in {"EqualTo", "In"})
