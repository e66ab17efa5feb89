"""The HTTP status of each refusal that a worker can meet."""

from __future__ import annotations

from pixelpatchwork.marketplace.work import Refusal

_STATUS = {
    Refusal.NO_HIT: 404,
    Refusal.NOT_YOURS: 404,
    Refusal.NOT_QUALIFIED: 403,
    Refusal.BLOCKED: 403,
    Refusal.SUSPENDED: 403,
}
_CONFLICT = 409


def status_of(refusal: Refusal) -> int:
    """404, 403, or 409 where the wish came too late."""
    return _STATUS.get(refusal, _CONFLICT)
