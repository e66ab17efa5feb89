"""Taking a round off the market: every HIT of it, also those of which the records do not know yet."""

from __future__ import annotations

from dataclasses import dataclass

from pixelpatchwork.domain.errors import CrowdError, HitGone
from pixelpatchwork.domain.model import Hit, HitState, Round
from pixelpatchwork.domain.plan import annotation_prefix
from pixelpatchwork.workflow.parallel import each
from pixelpatchwork.workflow.services import Progress, Services, no_progress


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """What became of a round's open HITs. `failures` say why some are still on the market."""

    expired: int = 0
    failures: tuple[str, ...] = ()


def withdraw(round_: Round, services: Services, progress: Progress = no_progress) -> Withdrawn:
    """Expires every HIT of a cancelled round; what workers are at may still be submitted. Safe to run again.

    One HIT that fails does not hold up the others.
    """
    unknown = settle_unpublished(round_, services)
    hits = [hit for hit in services.store.hits(round_.round_id) if hit.state is HitState.OPEN]
    failures = list(unknown)
    calls = each(lambda hit: _expire(hit, services), hits, workers=services.rules.parallel_calls)
    for done, (_, failure) in enumerate(calls, start=1):
        failures += [] if failure is None else [failure]
        progress("Taking HITs off the market", done, len(hits))
    return Withdrawn(expired=len(hits) - (len(failures) - len(unknown)), failures=tuple(failures))


def settle_unpublished(round_: Round, services: Services) -> tuple[str, ...]:
    """Finds out which of a cancelled round's HITs without an id were published, and closes the others.

    A run that published may have stopped before it noted a HIT. Gives why that could not be found out, if so.
    """
    unknown = [hit for hit in services.store.hits(round_.round_id) if hit.hit_id is None]
    if not unknown:
        return ()
    prefix = annotation_prefix(services.study().study_id, round_.round_id)
    try:
        there = {hit.annotation: hit for hit in services.crowd.hits(prefix)}
    except CrowdError as error:
        return (str(error),)
    now = services.clock.now()
    for hit in unknown:
        found = there.get(hit.annotation)
        if found is not None:
            services.store.mark_hit_open(hit.token, found.hit_id, expires_at=found.expires_at, at=now)
    never = [hit.token for hit in unknown if hit.annotation not in there]
    services.store.mark_hits_closed(never, at=now)
    return ()


def _expire(hit: Hit, services: Services) -> str | None:
    """Why it failed, or None."""
    if hit.hit_id is None:
        return None
    try:
        services.crowd.expire(hit.hit_id)
    except HitGone:
        return None
    except CrowdError as error:
        return str(error)
    return None
