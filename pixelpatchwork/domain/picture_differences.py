"""Where a study's records and its image store disagree. Compares; asks nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pixelpatchwork.domain.differences import Difference, Kind
from pixelpatchwork.domain.model import Image, ImageId


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What the image store has: the SHA-256 (hex) of each picture on record that is there, and all keys.

    `known` are the keys for which there is a reason in the records, also those of edits that are not at their end.
    `damaged` are thumbnails that are there and no pictures, `made` the images of edits that are done.
    """

    digests: Mapping[str, str]
    keys: frozenset[str]
    known: frozenset[str]
    damaged: frozenset[str] = frozenset()
    made: frozenset[ImageId] = frozenset()


def picture_differences(images: Iterable[Image], pictures: Pictures) -> tuple[Difference, ...]:
    """Everything in which the records and the image store disagree: image by image, then what nobody asked for."""
    recorded = tuple(images)
    return (
        *(difference for image in recorded for difference in _image(image, pictures)),
        *_forgotten(pictures.made - {image.image_id for image in recorded}),
        *(
            Difference(kind=Kind.ORPHAN, subject=key, text=f"Nothing on record asks for the picture {key}.")
            for key in sorted(pictures.keys - pictures.known)
        ),
    )


def _image(image: Image, pictures: Pictures) -> Iterator[Difference]:
    digest = pictures.digests.get(image.s3_path)
    raw_is_there = image.raw_path is not None and image.raw_path in pictures.keys
    if digest is None:
        yield Difference(
            kind=Kind.PICTURE_MISSING,
            subject=image.s3_path,
            text=f"The picture of image {image.image_id} is missing: {image.s3_path}."
            + ("" if raw_is_there else " Restore it from a backup."),
            repair="makes it again from what the editor painted, and keeps it where it is the same"
            if raw_is_there
            else None,
        )
    elif digest != image.sha256:
        yield Difference(
            kind=Kind.PICTURE_ALTERED,
            subject=image.s3_path,
            text=f"The picture {image.s3_path} is not the one that was recorded (its SHA-256 differs)."
            + ("" if raw_is_there else " Restore it from a backup."),
            repair="makes it again from what the editor painted, and puts it in its place where it is the same; what "
            "is there now is kept under altered/"
            if raw_is_there
            else None,
        )
    from_picture = "makes it from the picture" if digest == image.sha256 or raw_is_there else None
    if image.thumbnail_path not in pictures.keys:
        yield Difference(
            kind=Kind.THUMBNAIL_MISSING,
            subject=image.thumbnail_path,
            text=f"The thumbnail of image {image.image_id} is missing: {image.thumbnail_path}.",
            repair=from_picture,
        )
    elif image.thumbnail_path in pictures.damaged:
        yield Difference(
            kind=Kind.THUMBNAIL_DAMAGED,
            subject=image.thumbnail_path,
            text=f"The thumbnail {image.thumbnail_path} is no picture that can be read.",
            repair=from_picture,
        )
    if image.raw_path is not None and not raw_is_there:
        text = (
            f"What the editor painted for image {image.image_id} is missing: {image.raw_path}. "
            "Restore it from a backup."
        )
        yield Difference(kind=Kind.RAW_MISSING, subject=image.raw_path, text=text)


def _forgotten(images: Iterable[ImageId]) -> Iterator[Difference]:
    for image_id in sorted(images):
        text = (
            f"The image {image_id} was made, and the records have lost it: its edit is done. "
            "Restore the database from a backup."
        )
        yield Difference(kind=Kind.IMAGE_FORGOTTEN, subject=image_id, text=text)
