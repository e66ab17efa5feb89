"""The study's pictures over HTTP, for the workers' pages: what `/pictures/...` answers beside a served marketplace.

Only pictures that are meant to be seen are given out. An editor's raw picture may show what moderation or the mask
keeps from the study, so its keys are answered as if there were nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from pixelpatchwork.domain.errors import ImageStoreError
from pixelpatchwork.domain.ports import ImageStore

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/pictures/"
CONTENT_TYPES = {"full/": "image/png", "thumbnails/": "image/jpeg"}
"""The folders that are given out, and what is in them."""

_HEADERS = {
    # A picture never changes under its key. The HIT's frame has an opaque origin, so any origin may read it.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}


class PictureSite:
    """A WSGI application: pictures below `/pictures/`, everything else is answered by `site`."""

    def __init__(self, site: WSGIApplication, images: ImageStore) -> None:
        self._site = site
        self._images = images

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        if not environ.get("PATH_INFO", "").startswith(PREFIX):
            return self._site(environ, start_response)
        try:
            response = self._picture(Request(environ))
        except HTTPException as error:
            return error(environ, start_response)
        return response(environ, start_response)

    def _picture(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(valid_methods=["GET", "HEAD"])
        key = request.path.removeprefix(PREFIX)
        content_type = next((kind for folder, kind in CONTENT_TYPES.items() if key.startswith(folder)), None)
        if content_type is None:
            raise NotFound
        try:
            data = self._images.get(key)
        except ImageStoreError:
            raise NotFound from None
        return Response(data, headers=_HEADERS, content_type=content_type)
