"""What browsers may do with a page: the site's headers, and a Content-Security-Policy for each kind of foreign content.

A requester's page is foreign code, so its policy starts with `sandbox`: its origin is opaque even if somebody opens
it outside the frame. Some browsers match 'self' against that opaque origin, hence the site's own origin by name.
"""

from __future__ import annotations

from flask import Response, request

from pixelpatchwork.marketplace.site.neighbours import is_loopback

_SITE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{media}; connect-src 'self'; "
    "{media_src}frame-src 'self'{frames}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PICTURES = "img-src 'self' {origin} https: data: blob:{nearby}; "
_NEARBY = " http://127.0.0.1:* http://localhost:*"
_PAGE = (
    "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'{script}; "
    "style-src 'unsafe-inline'; font-src data:; media-src 'self' {origin} https: data: blob:; "
    + _PICTURES
    + "form-action 'self' {origin}; base-uri 'none'; frame-ancestors 'self'"
)
_FORM = (
    "sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "script-src {origin}/static/; style-src {origin}/static/; media-src https:; "
    + _PICTURES
    + "form-action 'self' {origin}; base-uri 'none'; frame-ancestors 'self'"
)
_RESULT = "sandbox; default-src 'none'; style-src 'self' {origin}; base-uri 'none'; frame-ancestors 'self'"


def protect(response: Response) -> Response:
    """Nobody frames the site, nothing of it runs from elsewhere, and no proxy keeps a worker's page."""
    response.headers.setdefault("Content-Security-Policy", site())
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype in {"text/html", "application/json"}:
        response.headers["Cache-Control"] = "no-store"
    return response


def site() -> str:
    """For the site's own pages: nothing runs or loads from elsewhere."""
    return _SITE.format(media="", media_src="", frames="")


def site_with_external_frame(origin: str) -> str:
    """For a page that frames a requester's server, which may lead on to other servers over TLS."""
    return _SITE.format(media="", media_src="", frames=f" https: {origin}")


def site_with_media() -> str:
    """For a page that shows a qualification test, whose pictures may come from elsewhere."""
    return _SITE.format(media=" https:", media_src="media-src https:; ", frames="")


def page(script: str = "") -> str:
    """For an HTMLQuestion's page; `script` is the path of one script of ours that it may load."""
    return _PAGE.format(origin=_origin(), nearby=_nearby(), script=f" {_origin()}{script}" if script else "")


def form() -> str:
    """For a QuestionForm, which the marketplace renders itself."""
    return _FORM.format(origin=_origin(), nearby=_nearby())


def result() -> str:
    """For the page after a submit. It holds nothing but a sentence, so it may stand in any frame."""
    return _RESULT.format(origin=_origin())


def _nearby() -> str:
    """Other servers of this machine, where the site itself was asked for on it: elsewhere they are the worker's own."""
    return _NEARBY if is_loopback(request.host) else ""


def _origin() -> str:
    return request.host_url.rstrip("/")
