"""Beginning a study: its record, its first seed and Day 1."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pixelpatchwork.domain.errors import AlreadyRecorded
from pixelpatchwork.domain.image_keys import image_id_from, picture_key, thumbnail_key
from pixelpatchwork.domain.model import Day, Image, Study
from pixelpatchwork.domain.pictures import png_bytes, read_seed, reduced, sha256_hex, thumbnail
from pixelpatchwork.domain.ports import ImageStore, Store

PHOTOGRAPH = "photograph"
"""What stands as the editor of a first seed."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a study begins with. `seed` is the photograph's file as it came, `max_side` in pixels."""

    study: Study
    seed: bytes
    max_side: int
    caption: str
    timezone: ZoneInfo


def begin_study(beginning: Beginning, *, store: Store, images: ImageStore, now: datetime) -> bool:
    """Records the study and opens Day 1; True where that was new. Safe to run again after a stop in between.

    Raises:
        SeedError: the seed is no picture that can be used, or too thin to be reduced; nothing has been stored.
    """
    if store.current_day() is not None:
        return False
    seed, day = _first_seed(beginning, images, now)
    with suppress(AlreadyRecorded):  # an earlier run stopped before it opened Day 1
        store.create_study(beginning.study)
    try:
        store.open_first_day(day, seed)
    except AlreadyRecorded:
        return False  # another run was faster
    return True


def _first_seed(beginning: Beginning, images: ImageStore, now: datetime) -> tuple[Image, Day]:
    """The seed as RGB pixels, which are the truth from here on, whatever the photograph's format was."""
    picture = reduced(read_seed(beginning.seed), longest=beginning.max_side)
    data = png_bytes(picture)
    image_id = image_id_from(sha256_hex(data))
    day = Day(date=now.astimezone(beginning.timezone).date(), number=1, seed_image_id=image_id)
    image = Image(
        image_id=image_id,
        s3_path=picture_key(image_id),
        thumbnail_path=thumbnail_key(image_id),
        raw_path=None,
        sha256=sha256_hex(data),
        prompt_text=beginning.caption,
        created_at=now,
        creator_id=None,
        day=day.date,
        seed_image_id=None,
        mask_rle=None,
        width=picture.width,
        height=picture.height,
        editor=PHOTOGRAPH,
    )
    images.put(image.s3_path, data, content_type="image/png")
    images.put(image.thumbnail_path, thumbnail(picture), content_type="image/jpeg")
    return image, day
