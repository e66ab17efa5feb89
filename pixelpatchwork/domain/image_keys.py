"""Pictures' ids and keys: the same rules for every image store, so that a study can move between them."""

from __future__ import annotations

import re

from pixelpatchwork.domain.errors import ImageStoreError
from pixelpatchwork.domain.model import ImageId

LONGEST_KEY = 512
"""Characters. S3 takes 1,024 bytes, prefix included."""

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def checked_key(key: str) -> str:
    """`key`, where it is one: names of `A-Za-z0-9._-` joined by `/`, none of them starting with a dot.

    So no key leaves the store's root (`..`, a leading `/`, a backslash), and none names a hidden file.
    Raises ImageStoreError.
    """
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise ImageStoreError(
            f"{key[:80]!r} cannot be the key of a picture. Use a-z, 0-9, '.', '_', '-' and '/'."
        )
    return key


def image_id_from(digest: str) -> ImageId:
    """The id that follows from a sha256 in hex: its first 20 characters."""
    return ImageId(digest[:20])


def picture_key(image_id: ImageId) -> str:
    """Where an image's picture stands in the image store."""
    return f"full/{image_id}.png"


def thumbnail_key(image_id: ImageId) -> str:
    """Where an image's thumbnail stands in the image store."""
    return f"thumbnails/{image_id}.jpg"
