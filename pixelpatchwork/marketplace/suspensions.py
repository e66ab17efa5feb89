"""Who may not act for now: workers and requesters whom whoever runs the marketplace has suspended.

A worker's suspension is asked for in the transaction of his act. Who accepts work has his row locked meanwhile, so a
suspension that comes at the same time waits, and then finds what he accepted: nobody is suspended and at work. A
requester's is read with his key, as each call is verified.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from pixelpatchwork.marketplace import schema
from pixelpatchwork.marketplace.errors import RequestError
from pixelpatchwork.marketplace.moment import Moment

SUSPENDED = "This account cannot be used at the moment. Ask whoever runs this marketplace."
"""What a suspended worker is told, and one who comes back to an account that was erased."""

_WORKER = select(schema.worker.c.suspended_at).where(schema.worker.c.worker_id == bindparam("who"))
_LOCK_WORKER = _WORKER.with_for_update()
_REQUESTER = select(schema.requester.c.suspended_at).where(
    schema.requester.c.requester_id == bindparam("who")
)


def is_worker_suspended(moment: Moment, worker_id: str, *, lock: bool = False) -> bool:
    """True for a suspended or erased worker; his row is locked until the transaction ends where asked for."""
    statement = _LOCK_WORKER if lock else _WORKER
    return moment.connection.execute(statement, {"who": worker_id}).scalar_one_or_none() is not None


def is_requester_suspended(moment: Moment, requester_id: str) -> bool:
    """True while the requester's calls are refused and his HITs are off the site."""
    return moment.connection.execute(_REQUESTER, {"who": requester_id}).scalar_one_or_none() is not None


def requester_suspended() -> RequestError:
    """The refusal of a suspended requester's call, of the modelled family RequestError."""
    return RequestError(
        "PermissionDeniedException",
        "This requester account is suspended. Ask whoever runs this marketplace.",
    )
