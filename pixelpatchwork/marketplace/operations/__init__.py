"""The requester's operations, one noun per file.

An operation is a function from a checked request to the members of its answer. It registers itself under its name
in the API; `offered` is what the wire looks them up in. Operations that change nothing say so, and run without
taking the database's write lock.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.operations import (
    account,
    assignments,
    bonuses,
    files,
    hit_lists,
    hit_type_changes,
    hit_types,
    hits,
    notifications,
    qualification_requests,
    qualification_types,
    qualifications,
    review_results,
    workers,
)
from pixelpatchwork.marketplace.operations.registry import Call, Operation, offered

__all__ = [
    "Call",
    "Operation",
    "account",
    "assignments",
    "bonuses",
    "files",
    "hit_lists",
    "hit_type_changes",
    "hit_types",
    "hits",
    "notifications",
    "offered",
    "qualification_requests",
    "qualification_types",
    "qualifications",
    "review_results",
    "workers",
]
