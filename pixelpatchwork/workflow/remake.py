"""Pictures that the image store has lost, made again from what is left: nothing is paid, and nothing is replaced."""

from __future__ import annotations

from collections.abc import Iterable

from pixelpatchwork.domain.attention import picture_key as check_key
from pixelpatchwork.domain.edits import image_id_of
from pixelpatchwork.domain.errors import ImageMissing
from pixelpatchwork.domain.image_keys import picture_key, thumbnail_key
from pixelpatchwork.domain.mask import Mask
from pixelpatchwork.domain.model import Edit, Hit, Image
from pixelpatchwork.domain.patch import assert_kept, composite, plan_frame
from pixelpatchwork.domain.pictures import THUMBNAIL_TYPE, png_bytes, read_png, sha256_hex, thumbnail
from pixelpatchwork.workflow.paint import raw_key
from pixelpatchwork.workflow.services import Services


def remake_picture(image: Image, services: Services) -> None:
    """Lays what the editor painted over the seed once more, and keeps it where that gives the very same bytes.

    Raises ImageMissing where it does not, or the seed or the editor's picture is lost, too; PictureError and
    KeptPixelsChanged where these are no pictures of the right shape.
    """
    seed_image = services.store.image(image.seed_image_id) if image.seed_image_id else None
    if seed_image is None or image.raw_path is None or image.mask_rle is None:
        raise ImageMissing(f"{image.s3_path} is the first seed: nothing is left from which to make it again.")
    seed = read_png(services.images.get(seed_image.s3_path))
    mask = Mask.from_rle(image.mask_rle, size=seed.size)
    frame = plan_frame(seed.size, mask.box, services.editor.limits)
    picture = composite(seed, mask, frame, read_png(services.images.get(image.raw_path)))
    assert_kept(seed, picture, mask)
    data = png_bytes(picture)
    if sha256_hex(data) != image.sha256:
        raise ImageMissing(
            f"{image.s3_path} was made again and is not what was recorded, so it was not kept: the editor's limits, "
            "or the program, have changed since. Restore it from a backup."
        )
    services.images.put(image.s3_path, data, content_type="image/png")


def remake_thumbnail(image: Image, services: Services) -> None:
    """Makes the thumbnail from the picture. Raises ImageMissing, PictureError."""
    picture = read_png(services.images.get(image.s3_path))
    services.images.put(image.thumbnail_path, thumbnail(picture), content_type=THUMBNAIL_TYPE)


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
