"""The qualifications that a marketplace itself knows of a worker: his record, where he lives, what he was admitted to.

They are computed from the tables whenever somebody asks, so they can never lag behind. `Adult` and `Masters` cannot be
computed: whoever runs the marketplace grants them as rows of `qualification`, under their system ids.

Source: the API reference, "QualificationRequirement", "Using Custom, System-Assigned, and Master Qualification Types".
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.states import AssignmentStatus

# Below this many submitted answers one rejection would weigh too much: the percentage counts as 100 (API reference).
_FEW_SUBMISSIONS = 100


class SystemType(StrEnum):
    """The ids that the API gives to the system's own types. Masters has another id in the sandbox."""

    APPROVED_HITS = "00000000000000000040"
    ADULT = "00000000000000000060"
    LOCALE = "00000000000000000071"
    APPROVED_PERCENT = "000000000000000000L0"
    MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
    SANDBOX_MASTERS = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"


MASTERS = frozenset([SystemType.MASTERS, SystemType.SANDBOX_MASTERS])

# (name, description) as the lists of types show them.
DESCRIPTIONS: Mapping[SystemType, tuple[str, str]] = {
    SystemType.APPROVED_HITS: (
        "Worker_NumberHITsApproved",
        "How many of the worker's answers were approved.",
    ),
    SystemType.ADULT: (
        "Worker_Adult",
        "The worker is of age and agreed to see what not everybody wants to see.",
    ),
    SystemType.LOCALE: (
        "Worker_Locale",
        "The country, and where known the subdivision, that the worker named.",
    ),
    SystemType.APPROVED_PERCENT: (
        "Worker_PercentAssignmentsApproved",
        f"The share of the worker's judged answers that was approved; 100 below {_FEW_SUBMISSIONS} answers.",
    ),
    SystemType.MASTERS: ("Masters", "The marketplace's operator vouches for the worker."),
    SystemType.SANDBOX_MASTERS: ("Masters", "The marketplace's operator vouches for the worker."),
}


@dataclass(frozen=True, kw_only=True)
class Locale:
    """Where a worker lives: ISO 3166 country, and a part of it where known."""

    country: str
    subdivision: str | None = None

    def lies_in(self, region: Locale) -> bool:
        """True where this place is that region or a part of it."""
        return self.country == region.country and region.subdivision in {None, self.subdivision}


Value = int | Locale


def is_system_type(qualification_type_id: str) -> bool:
    """True for an id that belongs to the system."""
    return qualification_type_id in DESCRIPTIONS


class Standing:
    """What one worker (None: nobody signed in) has at one moment; each part is read once, when first asked for."""

    def __init__(self, moment: Moment, worker_id: str | None) -> None:
        self._moment = moment
        self._worker_id = worker_id

    def value(self, qualification_type_id: str) -> Value | None:
        """The value of a qualification, or None where the worker does not have it."""
        if self._worker_id is None:
            return None
        if qualification_type_id == SystemType.APPROVED_HITS:
            return self._counts.get(AssignmentStatus.APPROVED, 0)
        if qualification_type_id == SystemType.APPROVED_PERCENT:
            return self._approved_percent()
        if qualification_type_id == SystemType.LOCALE:
            return self._locale
        names = MASTERS if qualification_type_id in MASTERS else {qualification_type_id}
        return next((self._granted[name] for name in names if name in self._granted), None)

    def _approved_percent(self) -> int:
        approved = self._counts.get(AssignmentStatus.APPROVED, 0)
        decided = approved + self._counts.get(AssignmentStatus.REJECTED, 0)
        submitted = decided + self._counts.get(AssignmentStatus.SUBMITTED, 0)
        return 100 if submitted < _FEW_SUBMISSIONS or decided == 0 else approved * 100 // decided

    @functools.cached_property
    def _counts(self) -> Mapping[str, int]:
        columns = schema.assignment.c
        statement = (
            select(columns.status, func.count())
            .where(columns.worker_id == self._worker_id)
            .group_by(columns.status)
        )
        return {status: int(count) for status, count in self._moment.connection.execute(statement)}

    @functools.cached_property
    def _granted(self) -> Mapping[str, int]:
        columns = schema.qualification.c
        statement = select(columns.qualification_type_id, columns.value).where(
            columns.worker_id == self._worker_id, columns.status == "Granted"
        )
        rows = self._moment.connection.execute(statement)
        return {row.qualification_type_id: row.value for row in rows}

    @functools.cached_property
    def _locale(self) -> Locale | None:
        columns = schema.worker.c
        statement = select(columns.country, columns.subdivision).where(columns.worker_id == self._worker_id)
        row = self._moment.connection.execute(statement).one_or_none()
        if row is None or row.country is None:
            return None
        return Locale(country=row.country, subdivision=row.subdivision)
