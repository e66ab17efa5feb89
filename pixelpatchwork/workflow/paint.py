"""One edit: from a judged prompt to a stored image, paid for at most once unless its outcome was lost.

The ledger goes PLANNED -> SUBMITTED -> RAW_STORED -> DONE. SUBMITTED, with what the edit can cost at most, is committed
right before the request goes out, and the editor's picture is stored before anything is done with it. So a run that
stops in between is taken up without paying again, or, where nobody can tell what became of the request, with one more
try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from PIL.Image import Image as Picture

from pixelpatchwork.domain.edits import image_id_of, moved, next_attempt, previous_attempt
from pixelpatchwork.domain.errors import (
    BudgetExceeded,
    EditorBusy,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
    ImageMissing,
    KeptPixelsChanged,
    NoRoomForEdit,
)
from pixelpatchwork.domain.image_keys import picture_key, thumbnail_key
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Edit, EditState, Image, ImageId
from pixelpatchwork.domain.money import Usd
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
from pixelpatchwork.domain.ports import EditRequest
from pixelpatchwork.workflow.services import Services

SHAPE_TOLERANCE = 0.02
"""How far width / height of an editor's picture may be off: more would be stretched, and fit nowhere."""
UNKNOWN_OUTCOME = "The program stopped, or the connection broke, before the editor's answer was kept."


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """One edit's picture geometry."""

    seed: Picture
    mask: Mask
    frame: Frame


@dataclass(frozen=True, kw_only=True)
class _Raw:
    """The editor's picture as it came, and where it is kept."""

    key: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where one edit after the other is made.

    `spend` is called before each request that may be billed, and raises EditorStopped where no more is allowed.
    """

    services: Services
    owner: str
    spend: Callable[[], None]

    def work(self, edit: Edit) -> EditState:
        """Takes one edit to its end, and gives that. Raises EditorBusy or EditorStopped where it has to wait instead.

        An edit that was planned for another editor than today's becomes a new one: its image must not carry a wrong
        name.
        """
        if edit.state is EditState.PLANNED and not self._is_ours(edit):
            self._replace(edit, self._moved(edit), EditState.FAILED, "Planned again: the editor was changed.")
            return EditState.PLANNED
        raw = self._raw(edit)
        if raw is None and not self._may_submit(edit):
            return self._give_up(edit, UNKNOWN_OUTCOME)
        if not self._is_ours(edit):
            raise EditorStopped(
                f"An edit was begun with {edit.editor}, model {edit.model}, and its picture is there. "
                "Set the editor back in the settings until it is done."
            )
        if raw is not None and raw.key == raw_key(edit) and edit.state is EditState.PLANNED:
            self._mark(
                edit, EditState.RAW_STORED, cost_usd=self.services.editor.worst_case_usd
            )  # forgotten: the worst
        return self._make(edit, raw)

    def _make(self, edit: Edit, raw: _Raw | None) -> EditState:
        canvas = self._canvas(edit)
        try:
            return self._finish(edit, canvas, raw or self._paint(edit, canvas))
        except EditOutcomeUnknown as error:
            return self._give_up(edit, str(error))
        except (EditRefused, EditRejected) as error:
            self._mark(edit, EditState.FAILED, message=str(error), cost_usd=Usd(0))
        except (PictureError, KeptPixelsChanged) as error:
            self._mark(edit, EditState.FAILED, message=str(error))
        return EditState.FAILED

    def _is_ours(self, edit: Edit) -> bool:
        editor = self.services.editor
        return (edit.editor, edit.model, edit.parameters) == (editor.name, editor.model, editor.parameters)

    def _may_submit(self, edit: Edit) -> bool:
        """Whether a request may go out: none has, or one that costs nothing is simply made again."""
        is_free = self._is_ours(edit) and not self.services.editor.worst_case_usd
        return edit.state is EditState.PLANNED or (edit.state is EditState.SUBMITTED and is_free)

    def _moved(self, edit: Edit) -> Edit:
        editor = self.services.editor
        return moved(
            edit,
            editor=editor.name,
            model=editor.model,
            parameters=editor.parameters,
            at=self.services.clock.now(),
        )

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

    def _raw(self, edit: Edit) -> _Raw | None:
        """The editor's picture, where an earlier run got as far as keeping it.

        The answer to an attempt that had been given up may have come after all; then the next need not be made. Nor is
        one that stands as not begun in records that were restored from an older copy.
        """
        attempts = [previous_attempt(edit), edit] if edit.state is EditState.PLANNED else [edit]
        for key in (raw_key(attempt) for attempt in attempts if attempt is not None):
            if self.services.images.exists(key):
                return _Raw(key=key, data=self.services.images.get(key))
        return None

    def _paint(self, edit: Edit, canvas: _Canvas) -> _Raw:
        """Commits that the request goes out, sends it, and keeps the answer before looking at it."""

        def sending() -> None:
            self.spend()
            self._submit(edit)

        try:
            result = self.services.editor.edit(_request(edit, canvas), sending=sending)
        except (EditorBusy, EditorStopped) as error:
            self._mark(edit, EditState.PLANNED, message=str(error), cost_usd=Usd(0))
            raise
        raw = self._stored(raw_key(edit), result.image, content_type=_content_type(result.image))
        self.services.store.mark_edit(
            edit.edit_key,
            EditState.RAW_STORED,
            owner=self.owner,
            at=self.services.clock.now(),
            cost_usd=result.cost_usd,
            usage=result.usage,
            rates=result.rates,
        )
        return _Raw(key=raw_key(edit), data=raw)

    def _submit(self, edit: Edit) -> None:
        """Commits that a request goes out, and what it can cost. Raises NoRoomForEdit."""
        services = self.services
        try:
            services.store.submit_edit(
                edit.edit_key,
                worst_case_usd=services.editor.worst_case_usd,
                owner=self.owner,
                at=services.clock.now(),
                budget=services.rules.budget,
            )
        except BudgetExceeded as error:
            raise NoRoomForEdit(str(error)) from error

    def _stored(self, key: str, data: bytes, *, content_type: str) -> bytes:
        """What stands under `key` in the end: whoever came first is right."""
        images = self.services.images
        return data if images.put(key, data, content_type=content_type) else images.get(key)

    def _finish(self, edit: Edit, canvas: _Canvas, raw: _Raw) -> EditState:
        painted = _painted(raw.data, canvas.frame)
        picture = composite(canvas.seed, canvas.mask, canvas.frame, painted)
        assert_kept(canvas.seed, picture, canvas.mask)
        image = self._keep(edit, canvas, picture, raw_path=raw.key)
        self.services.store.finish_edit(
            edit.edit_key,
            image,
            owner=self.owner,
            drift=drift(canvas.seed, canvas.mask, canvas.frame, painted),
            at=self.services.clock.now(),
        )
        return EditState.DONE

    def _keep(self, edit: Edit, canvas: _Canvas, picture: Picture, *, raw_path: str) -> Image:
        """Stores the image and its thumbnail. Where an earlier run has stored it, that one is checked and stays."""
        image_id = image_id_of(edit)
        ours = png_bytes(picture)
        data = self._stored(picture_key(image_id), ours, content_type="image/png")
        if data != ours:
            assert_kept(canvas.seed, read_png(data), canvas.mask)
        self._stored(thumbnail_key(image_id), thumbnail(picture), content_type=THUMBNAIL_TYPE)
        return Image(
            image_id=image_id,
            s3_path=picture_key(image_id),
            thumbnail_path=thumbnail_key(image_id),
            raw_path=raw_path,
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

    def _give_up(self, edit: Edit, reason: str) -> EditState:
        """The outcome is unknown: the edit stays so, and one more try is planned where it is the first."""
        again = next_attempt(edit, at=self.services.clock.now())
        self._replace(edit, again, EditState.UNKNOWN, reason)
        return EditState.UNKNOWN

    def _replace(self, edit: Edit, again: Edit | None, state: EditState, reason: str) -> None:
        self.services.store.give_up_edit(
            edit.edit_key, again, state=state, owner=self.owner, at=self.services.clock.now(), message=reason
        )

    def _mark(
        self, edit: Edit, state: EditState, *, message: str | None = None, cost_usd: Usd | None = None
    ) -> None:
        self.services.store.mark_edit(
            edit.edit_key,
            state,
            owner=self.owner,
            at=self.services.clock.now(),
            message=message,
            cost_usd=cost_usd,
        )


def raw_key(edit: Edit) -> str:
    """Where the editor's picture of one attempt stands in the image store."""
    return f"raw/{edit.edit_key}"


def _request(edit: Edit, canvas: _Canvas) -> EditRequest:
    width, height = canvas.frame.canvas
    return EditRequest(
        image_png=png_bytes(provider_image(canvas.seed, canvas.frame), transient=True),
        mask_png=png_bytes(provider_mask(canvas.mask, canvas.frame)),
        width=width,
        height=height,
        prompt=edit.prompt,
        edit_key=edit.edit_key,
        safety_identifier=sha256(edit.creator_id.encode()).hexdigest(),
    )


def _painted(raw: bytes, frame: Frame) -> Picture:
    """The editor's picture. Raises PictureError where its shape is another than what was asked for."""
    picture = read_png(raw)
    asked, came = frame.canvas[0] / frame.canvas[1], picture.width / picture.height
    if abs(came / asked - 1) > SHAPE_TOLERANCE:
        width, height = frame.canvas
        raise PictureError(
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
