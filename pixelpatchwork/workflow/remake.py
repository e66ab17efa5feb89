"""Pictures that the image store has lost or that were altered, made again from what is left: nothing is paid."""

from __future__ import annotations

from collections.abc import Iterable

from PIL.Image import Image as Picture

from pixelpatchwork.domain.attention import picture_key as check_key
from pixelpatchwork.domain.edits import image_id_of
from pixelpatchwork.domain.errors import ImageMissing
from pixelpatchwork.domain.image_keys import picture_key, thumbnail_key
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Edit, Hit, Image
from pixelpatchwork.domain.patch import assert_kept, composite, plan_frame
from pixelpatchwork.domain.pictures import (
    THUMBNAIL_TYPE,
    PictureError,
    png_bytes,
    read_png,
    sha256_hex,
    thumbnail,
)
from pixelpatchwork.workflow.paint import raw_key
from pixelpatchwork.workflow.services import Services


def remake_picture(image: Image, services: Services) -> None:
    """Lays what the editor painted over the seed once more, and keeps it where that gives the very same bytes.

    An altered picture in its place is kept under another key. Raises ImageMissing where the bytes differ, or the seed
    or the editor's picture is lost, too; PictureError and KeptPixelsChanged where these are no pictures of the right
    shape.
    """
    seed_image = services.store.image(image.seed_image_id) if image.seed_image_id else None
    if seed_image is None or image.raw_path is None or image.mask_rle is None:
        raise ImageMissing(f"{image.s3_path} is the first seed: nothing is left from which to make it again.")
    seed = _read(seed_image.s3_path, services)
    mask = Mask.from_rle(image.mask_rle, size=seed.size)
    frame = plan_frame(seed.size, mask.box, services.editor.limits)
    picture = composite(seed, mask, frame, _read(image.raw_path, services))
    assert_kept(seed, picture, mask)
    data = png_bytes(picture)
    if sha256_hex(data) != image.sha256:
        raise ImageMissing(
            f"{image.s3_path} was made again and is not what was recorded, so it was not kept: the editor's limits, "
            "or the program, have changed since. Restore it from a backup."
        )
    _put_back(image.s3_path, data, image.sha256, services)


def _put_back(key: str, data: bytes, digest: str, services: Services) -> None:
    """Puts the picture in its place. What was there instead is kept: nobody knows yet how it came there."""
    images = services.images
    if images.put(key, data, content_type="image/png"):
        return
    there = images.get(key)
    if sha256_hex(there) != digest:
        images.put(altered_key(key, there), there, content_type="application/octet-stream")
        images.replace(key, data, content_type="image/png")


def altered_key(key: str, data: bytes) -> str:
    """Where a picture is kept that stood in another's place: outside the folders in which pictures are looked for."""
    return f"altered/{sha256_hex(data)[:20]}/{key}"


def _read(key: str, services: Services) -> Picture:
    """A picture from which another is made. Raises ImageMissing; PictureError, which names it."""
    try:
        return read_png(services.images.get(key))
    except PictureError as error:
        raise PictureError(f"{key} is no picture that can be read. Restore it from a backup.") from error


def remake_thumbnail(image: Image, services: Services) -> None:
    """Makes the thumbnail from the picture, where that is the recorded one. Raises ImageMissing, PictureError."""
    data = services.images.get(image.s3_path)
    if sha256_hex(data) != image.sha256:
        raise ImageMissing(f"{image.thumbnail_path} is not made: {image.s3_path} is not what was recorded.")
    small = thumbnail(read_png(data))
    if not services.images.put(image.thumbnail_path, small, content_type=THUMBNAIL_TYPE) and not is_readable(
        services.images.get(image.thumbnail_path)
    ):
        services.images.replace(image.thumbnail_path, small, content_type=THUMBNAIL_TYPE)


def is_readable(data: bytes) -> bool:
    """Whether these bytes are a picture."""
    try:
        read_png(data)
    except PictureError:
        return False
    return True


def known_keys(images: Iterable[Image], edits: Iterable[Edit], hits: Iterable[Hit]) -> frozenset[str]:
    """Every key for which there is a reason on record: images, edits at whatever step, attention checks."""
    known: set[str] = set()
    for image in images:
        known |= {key for key in (image.s3_path, image.thumbnail_path, image.raw_path) if key is not None}
    for edit in edits:
        image_id = image_id_of(edit)
        known |= {raw_key(edit), picture_key(image_id), thumbnail_key(image_id)}
    known |= {check_key(check) for hit in hits for check in hit.checks}
    return frozenset(known)
