"""Banning: a user's pictures and votes count no more, and the marketplace keeps him from the HITs."""

from __future__ import annotations

from dataclasses import dataclass

from pixelpatchwork.domain.errors import CrowdError, PatchworkError
from pixelpatchwork.domain.model import User, UserId
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.workflow.services import Services

WHY = "Banned from this study by the requester."
"""What the marketplace keeps with a block; workers do not read it."""


@dataclass(frozen=True, kw_only=True)
class Banned:
    """Who was banned or let back. The ban stands whatever the marketplace said: `block_failure`, None for success."""

    user_id: UserId
    username: str
    is_banned: bool
    block_failure: str | None


def ban(services: Services, named: str, *, is_banned: bool) -> Banned:
    """Bans the user of this id or artist name, or lets him back. Safe to run again, which also repeats the block.

    Raises PatchworkError where nobody has that name, or several have.
    """
    found = find_user(services.store, named)
    store, now = services.store, services.clock.now()
    flags = services.rules.judgement.hide_at_flags
    store.set_banned(found.user_id, is_banned=is_banned, at=now, hide_at_flags=flags)
    return Banned(
        user_id=found.user_id,
        username=found.username,
        is_banned=is_banned,
        block_failure=_block(services, found, is_blocked=is_banned),
    )


def find_user(store: Store, named: str) -> User:
    """The user of an id, or of an artist name in whatever case. Raises PatchworkError."""
    everybody = store.users()
    for user in everybody:
        if user.user_id == named:
            return user
    found = [user for user in everybody if user.username.casefold() == named.strip().casefold()]
    if not found:
        raise PatchworkError(f"Nobody here is {named!r}. Run: ppw users list")
    if len(found) > 1:
        ids = ", ".join(user.user_id for user in found)
        raise PatchworkError(f"Several users are called {found[0].username}; give one of the ids: {ids}")
    return found[0]


def _block(services: Services, user: User, *, is_blocked: bool) -> str | None:
    try:
        if is_blocked:
            services.crowd.block(user.worker_id, reason=WHY)
        else:
            services.crowd.unblock(user.worker_id, reason=WHY)
    except CrowdError as error:
        return str(error)
    return None
