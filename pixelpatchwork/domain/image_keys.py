"""What a picture's key may be: the same rule for every image store, so that a study can move between them."""

from __future__ import annotations

import re

from pixelpatchwork.domain.errors import ImageStoreError

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
