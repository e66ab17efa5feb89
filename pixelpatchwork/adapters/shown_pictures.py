"""Whether a marketplace that is served elsewhere shows the study's pictures, as it does where both share a folder.

A page names such a picture by a path alone, so workers' browsers ask the marketplace for it.
"""

from __future__ import annotations

from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pixelpatchwork.domain.errors import ImageMissing

SECONDS = 10
"""How long the marketplace may take to answer."""


class _Stay(HTTPRedirectHandler):
    """Follows nobody: what is asked is whether the picture is here."""

    def redirect_request(self, *_how: Any, **_more: Any) -> None:
        """No request: the redirect counts as the answer."""


def require_shown(site: str, path: str) -> None:
    """Asks for the head of one picture. Raises ImageMissing where the answer is another one.

    Where there is no answer at all, that is the marketplace's trouble, and said of it.
    """
    try:
        answer = _answer(urljoin(site, path))
    except (OSError, HTTPException):
        return
    if answer is not None:
        raise ImageMissing(
            f"Workers would see no pictures: {site} answers {path} with {answer}. A marketplace that is served from"
            " another folder does not have these. Give their public https address as `images_url`, or keep them"
            " in s3://BUCKET/PREFIX (`images`)."
        )


def _answer(url: str) -> str | None:
    """What is answered in place of a picture, or None where it is one."""
    try:
        with build_opener(_Stay).open(Request(url, method="HEAD"), timeout=SECONDS) as response:  # noqa: S310  # the settings take http(s) only
            kind: str = response.headers.get_content_type()
    except HTTPError as error:
        with error:
            return str(error.code)
    return None if kind.startswith("image/") else kind
