"""Edits: the queue of them, worked off by several threads and shared with other collectors.

How one edit is made stands in `paint.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from pixelpatchwork.domain.errors import EditorBusy, EditorStopped, LeaseLost, NoRoomForEdit, StoreError
from pixelpatchwork.domain.model import EditState, RoundState
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.workflow.allowance import Allowance
from pixelpatchwork.workflow.paint import Bench
from pixelpatchwork.workflow.services import MaySpend, Progress, Services, Stops, never

NOT_ALLOWED = "The edits wait for your permission to spend."
USED_UP = "What you allowed to be spent is used up. To go on with what waits, run: ppw collect"
ENDING = "The program is to end: no other edit was begun."


@dataclass(frozen=True, kw_only=True)
class EditSummary:
    """What became of the edits in one run. `stopped` says why the queue was left before its end, if it was."""

    made: int = 0
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    stopped: str | None = None


def run_edits(
    services: Services,
    *,
    owner: str,
    may_spend: MaySpend | Allowance,
    progress: Progress,
    stops: Stops = never,
) -> EditSummary:
    """Works off the edits that wait, `editor.parallel` at a time, until none is left or the editor stops.

    Of edits that cost money, `may_spend` is asked for all together; an allowance is counted down by each request.
    Once `stops`, no request is begun; those that are out are waited for.
    """
    waiting = _waiting(services)
    if not waiting:
        return EditSummary()
    each_usd = services.editor.worst_case_usd
    allowance = _allowance(services, waiting, may_spend) if each_usd else None
    if allowance is not None and allowance.left < each_usd:
        reason = USED_UP if isinstance(may_spend, Allowance) else NOT_ALLOWED
        return EditSummary(waiting=waiting, stopped=reason)
    queue = _Queue(
        services=services,
        owner=owner,
        progress=progress,
        total=waiting,
        allowance=allowance,
        stops=stops,
    )
    workers = min(services.editor.parallel, waiting)
    with _heartbeat(services, owner):
        _work_off(queue, workers)
        while queue.may_find_room():
            _work_off(queue, workers)
    return queue.summary(waiting=_waiting(services))


def _work_off(queue: _Queue, workers: int) -> None:
    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for future in [pool.submit(queue.work_off) for _ in range(workers)]:
                future.result()
        finally:
            queue.stop.set()  # Ctrl-C lets the edits that are under way end, and begins no other


def _allowance(services: Services, waiting: int, may_spend: MaySpend | Allowance) -> Allowance:
    """What the edits may cost in all: what is left, or what is allowed now; nothing where it is not."""
    if isinstance(may_spend, Allowance):
        return may_spend
    worst_case = services.editor.worst_case_usd * waiting
    is_allowed = may_spend(worst_case, f"{counted(waiting, 'edit')} with {services.editor.model}")
    return Allowance(worst_case if is_allowed else Usd(0))


def _waiting(services: Services) -> int:
    """How many edits want work, in all rounds that are not closed."""
    rounds = [one for one in services.store.rounds() if one.state is not RoundState.CLOSED]
    return sum(services.store.remaining(one.round_id).edits for one in rounds)


@contextmanager
def _heartbeat(services: Services, owner: str) -> Iterator[None]:
    """Keeps the leases of this run alive, however long an edit takes; they end soon after the run does."""
    lease, over = services.rules.edit_lease, Event()

    def beat() -> None:
        while not over.wait(lease.total_seconds() / 3):
            # A database that is away for a moment costs nothing yet; a lease that is lost is found out when the
            # edit is to be moved on.
            with suppress(StoreError):
                services.store.renew_leases(owner=owner, now=services.clock.now(), lease=lease)

    thread = Thread(target=beat, name="lease heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass(kw_only=True)
class _Queue:
    """The threads' common state: what was done, and whether to stop.

    `allowance` is what the requests may cost, None where they cost nothing.
    """

    services: Services
    owner: str
    progress: Progress
    total: int
    allowance: Allowance | None
    stops: Stops
    ends: Counter[EditState] = field(default_factory=Counter)
    reason: str | None = None
    lacks_room: bool = False
    settled: int = 0
    stop: Event = field(default_factory=Event)

    def work_off(self) -> None:
        """Takes edit after edit until there is none, or the editor says stop."""
        bench = Bench(services=self.services, owner=self.owner, spend=self._spend)
        rules, store, clock = self.services.rules, self.services.store, self.services.clock
        while not (self.stop.is_set() or self.stops()):
            edit = store.claim_edit(owner=self.owner, now=clock.now(), lease=rules.edit_lease)
            if edit is None:
                return
            try:
                self.ends[bench.work(edit)] += 1
            except LeaseLost:
                pass  # this run was taken for dead; whoever has the edit now goes on with what was kept of it
            except (EditorBusy, EditorStopped) as error:
                self.lacks_room = isinstance(error, NoRoomForEdit)
                if self.lacks_room and self.allowance is not None:
                    self.allowance.give_back(self.services.editor.worst_case_usd)
                self._stop(str(error))
            except BaseException:
                self.stop.set()
                raise
            finally:
                store.release_edit(edit.edit_key, owner=self.owner, at=clock.now())
            self.progress("Painting", min(sum(self.ends.values()), self.total), self.total)

    def _spend(self) -> None:
        """Counts a request that may be billed. Raises EditorStopped where none is to go out any more."""
        if self.stops():
            raise EditorStopped(ENDING)
        if self.allowance is not None and not self.allowance.take(self.services.editor.worst_case_usd):
            raise EditorStopped(USED_UP)

    def _stop(self, reason: str) -> None:
        self.reason = reason
        self.stop.set()

    def may_find_room(self) -> bool:
        """Whether to begin again: a budget had no room while other edits might yet cost all that was reserved for them.

        They have ended since, at what they really cost.
        """
        ended, self.settled = self.ends.total() > self.settled, self.ends.total()
        if not (self.lacks_room and ended):
            return False
        self.lacks_room, self.reason = False, None
        self.stop.clear()
        return True

    def summary(self, *, waiting: int) -> EditSummary:
        return EditSummary(
            made=self.ends[EditState.DONE],
            failed=self.ends[EditState.FAILED],
            unknown=self.ends[EditState.UNKNOWN],
            waiting=waiting,
            stopped=self.reason,
        )
