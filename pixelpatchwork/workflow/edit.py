"""Edits: from a judged prompt to a stored image, paid for at most once unless its outcome was lost.

The ledger goes PLANNED -> SUBMITTED -> RAW_STORED -> DONE. SUBMITTED is committed before the request goes out, and
the editor's picture is stored before anything is done with it; so a run that stops in between is taken up without
paying again, or, where nobody can tell what became of the request, with one more try.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Event, Thread

from PIL.Image import Image as Picture

from pixelpatchwork.domain.edits import image_id_of, next_attempt, previous_attempt
from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
    ImageMissing,
    KeptPixelsChanged,
    LeaseLost,
    StoreError,
)
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import OPEN_EDITS, Edit, EditState, Image, ImageId, RoundState
from pixelpatchwork.domain.patch import (
    Frame,
    assert_kept,
    composite,
    drift,
    plan_frame,
    provider_image,
    provider_mask,
)
from pixelpatchwork.domain.pictures import (
    THUMBNAIL_TYPE,
    PictureError,
    png_bytes,
    read_png,
    sha256_hex,
    thumbnail,
)
from pixelpatchwork.domain.ports import EditRequest, EditResult
from pixelpatchwork.workflow.services import MaySpend, Progress, Services

SHAPE_TOLERANCE = 0.02
"""How far width / height of an editor's picture may be off: more would be stretched, and fit nowhere."""
UNKNOWN_OUTCOME = "The program stopped, or the connection broke, before the editor's answer was kept."


@dataclass(frozen=True, kw_only=True)
class EditSummary:
    """What became of the edits in one run. `stopped` says why the queue was left before its end, if it was."""

    made: int = 0
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    stopped: str | None = None


def run_edits(services: Services, *, owner: str, may_spend: MaySpend, progress: Progress) -> EditSummary:
    """Works off the edits that wait, `editor.parallel` at a time, until none is left or the editor stops."""
    waiting = _waiting(services)
    if not waiting:
        return EditSummary()
    worst_case = services.editor.worst_case_usd * len(waiting)
    if worst_case and not may_spend(worst_case, f"{len(waiting)} edits with {services.editor.model}"):
        return EditSummary(waiting=len(waiting), stopped="The edits wait for your permission to spend.")
    queue = _Queue(services=services, owner=owner, progress=progress, total=len(waiting))
    workers = min(services.editor.parallel, len(waiting))
    with _heartbeat(services, owner), ThreadPoolExecutor(max_workers=workers) as pool:
        for future in [pool.submit(queue.work_off) for _ in range(workers)]:
            future.result()
    return queue.summary(waiting=len(_waiting(services)))


def _waiting(services: Services) -> list[Edit]:
    rounds = [one for one in services.store.rounds() if one.state is not RoundState.CLOSED]
    return [edit for one in rounds for edit in services.store.edits(one.round_id) if edit.state in OPEN_EDITS]


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
    """The threads' common state: what was done, and whether to stop."""

    services: Services
    owner: str
    progress: Progress
    total: int
    ends: Counter[EditState] = field(default_factory=Counter)
    reason: str | None = None
    stop: Event = field(default_factory=Event)

    def work_off(self) -> None:
        """Takes edit after edit until there is none, or the editor says stop."""
        bench = _Bench(services=self.services, owner=self.owner)
        rules, store, clock = self.services.rules, self.services.store, self.services.clock
        while not self.stop.is_set():
            edit = store.claim_edit(owner=self.owner, now=clock.now(), lease=rules.edit_lease)
            if edit is None:
                return
            try:
                self.ends[bench.work(edit)] += 1
            except LeaseLost:
                pass  # this run was taken for dead; whoever has the edit now goes on with what was kept of it
            except (EditorBusy, EditorStopped) as error:
                self._stop(str(error))
            except BaseException:
                self.stop.set()
                raise
            finally:
                store.release_edit(edit.edit_key, owner=self.owner, at=clock.now())
            self.progress("Painting", min(sum(self.ends.values()), self.total), self.total)

    def _stop(self, reason: str) -> None:
        self.reason = reason
        self.stop.set()

    def summary(self, *, waiting: int) -> EditSummary:
        return EditSummary(
            made=self.ends[EditState.DONE],
            failed=self.ends[EditState.FAILED],
            unknown=self.ends[EditState.UNKNOWN],
            waiting=waiting,
            stopped=self.reason,
        )


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """One edit's picture geometry."""

    seed: Picture
    mask: Mask
    frame: Frame


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """Where one edit after the other is made. Gives the state in which each one ends."""

    services: Services
    owner: str

    def work(self, edit: Edit) -> EditState:
        """Takes one edit to its end. Raises EditorBusy or EditorStopped where it has to wait instead."""
        canvas = self._canvas(edit)
        raw = self._raw(edit)
        if raw is None and edit.state is not EditState.PLANNED:
            return self._give_up(edit, UNKNOWN_OUTCOME)
        try:
            return self._finish(edit, canvas, raw or self._paint(edit, canvas))
        except EditOutcomeUnknown as error:
            return self._give_up(edit, str(error))
        except (EditRefused, EditRejected, PictureError, KeptPixelsChanged) as error:
            self._mark(edit, EditState.FAILED, message=str(error))
            return EditState.FAILED

    def _canvas(self, edit: Edit) -> _Canvas:
        seed = self._seed(edit.seed_image_id)
        mask = Mask.from_rle(edit.mask_rle, size=seed.size)
        return _Canvas(
            seed=seed, mask=mask, frame=plan_frame(seed.size, mask.box, self.services.editor.limits)
        )

    def _seed(self, image_id: ImageId) -> Picture:
        image = self.services.store.image(image_id)
        if image is None:
            raise ImageMissing(f"The database has no image {image_id}. Restore it from a backup.")
        return read_png(self.services.images.get(image.s3_path))

    def _raw(self, edit: Edit) -> bytes | None:
        """The editor's picture, where an earlier run got as far as keeping it.

        The answer to an attempt that had been given up may have come after all; then the next need not be made.
        """
        attempt = previous_attempt(edit) if edit.state is EditState.PLANNED else edit
        if attempt is None or not self.services.images.exists(_raw_key(attempt)):
            return None
        return self.services.images.get(_raw_key(attempt))

    def _paint(self, edit: Edit, canvas: _Canvas) -> bytes:
        """Commits that the request goes out, sends it, and keeps the answer before looking at it."""
        request = _request(edit, canvas)
        self._mark(edit, EditState.SUBMITTED)
        try:
            result = self.services.editor.edit(request)
        except (EditorBusy, EditorStopped) as error:
            self._mark(edit, EditState.PLANNED, message=str(error))
            raise
        self.services.images.put(_raw_key(edit), result.image, content_type=_content_type(result.image))
        self._mark(edit, EditState.RAW_STORED, result=result)
        return result.image

    def _finish(self, edit: Edit, canvas: _Canvas, raw: bytes) -> EditState:
        painted = _painted(raw, canvas.frame)
        picture = composite(canvas.seed, canvas.mask, canvas.frame, painted)
        assert_kept(canvas.seed, picture, canvas.mask)
        image = self._keep(edit, picture)
        self.services.store.finish_edit(
            edit.edit_key,
            image,
            owner=self.owner,
            drift=drift(canvas.seed, canvas.mask, canvas.frame, painted),
            at=self.services.clock.now(),
        )
        return EditState.DONE

    def _keep(self, edit: Edit, picture: Picture) -> Image:
        data = png_bytes(picture)
        image_id = image_id_of(edit)
        image = Image(
            image_id=image_id,
            s3_path=picture_key(image_id),
            thumbnail_path=thumbnail_key(image_id),
            raw_path=_raw_key(edit),
            sha256=sha256_hex(data),
            prompt_text=edit.prompt,
            created_at=self.services.clock.now(),
            creator_id=edit.creator_id,
            day=self.services.current_day().date,
            seed_image_id=edit.seed_image_id,
            mask_rle=edit.mask_rle,
            width=picture.width,
            height=picture.height,
            editor=edit.editor,
        )
        self.services.images.put(image.s3_path, data, content_type="image/png")
        self.services.images.put(image.thumbnail_path, thumbnail(picture), content_type=THUMBNAIL_TYPE)
        return image

    def _give_up(self, edit: Edit, reason: str) -> EditState:
        """The outcome is unknown: the edit stays so, and one more try is planned where it is the first."""
        self._mark(edit, EditState.UNKNOWN, message=reason)
        again = next_attempt(edit, at=self.services.clock.now())
        if again is not None:
            self.services.store.add_edit(again)
        return EditState.UNKNOWN

    def _mark(
        self, edit: Edit, state: EditState, *, message: str | None = None, result: EditResult | None = None
    ) -> None:
        self.services.store.mark_edit(
            edit.edit_key,
            state,
            owner=self.owner,
            at=self.services.clock.now(),
            message=message,
            cost_usd=result.cost_usd if result else None,
            usage=result.usage if result else None,
        )


def picture_key(image_id: ImageId) -> str:
    """Where an image's picture stands in the image store."""
    return f"full/{image_id}.png"


def thumbnail_key(image_id: ImageId) -> str:
    """Where an image's thumbnail stands in the image store."""
    return f"thumbnails/{image_id}.jpg"


def _raw_key(edit: Edit) -> str:
    return f"raw/{edit.edit_key}"


def _request(edit: Edit, canvas: _Canvas) -> EditRequest:
    width, height = canvas.frame.canvas
    return EditRequest(
        image_png=png_bytes(provider_image(canvas.seed, canvas.frame)),
        mask_png=png_bytes(provider_mask(canvas.mask, canvas.frame)),
        width=width,
        height=height,
        prompt=edit.prompt,
        edit_key=edit.edit_key,
        safety_identifier=sha256(edit.creator_id.encode()).hexdigest(),
    )


def _painted(raw: bytes, frame: Frame) -> Picture:
    """The editor's picture. Raises EditRejected where its shape is another than what was asked for."""
    picture = read_png(raw)
    asked, came = frame.canvas[0] / frame.canvas[1], picture.width / picture.height
    if abs(came / asked - 1) > SHAPE_TOLERANCE:
        width, height = frame.canvas
        raise EditRejected(
            f"The editor was asked for {width} x {height} pixels and sent {picture.width} x {picture.height}."
        )
    return picture


def _content_type(data: bytes) -> str:
    """What an editor's answer is, by its first bytes; anything else is kept as bytes for a look at it later."""
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if data[8:12] == b"WEBP" else "application/octet-stream"
