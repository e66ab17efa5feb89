"""Puts the site's pages together: routes, headers, and refusals as pages."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask, Response, render_template, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.site import formats, sessions
from pixelpatchwork.marketplace.site.dashboard import DashboardPages
from pixelpatchwork.marketplace.site.frame import FramePages
from pixelpatchwork.marketplace.site.hits import HitPages
from pixelpatchwork.marketplace.site.refusals import status_of
from pixelpatchwork.marketplace.site.signin import SignInPages
from pixelpatchwork.marketplace.site.work import WorkPages
from pixelpatchwork.marketplace.work import WorkRefusedError

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SecureWhereTls(SecureCookieSessionInterface):
    """Marks the session's cookie `Secure` exactly where the browser came over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """True for a request over TLS (as a trusted proxy on this machine may say)."""
        del app
        return request.is_secure


@dataclass(frozen=True)
class Site:
    """The workers' site of one marketplace."""

    market: Market

    def blueprint(self) -> Blueprint:
        """All pages, the frame's included, as a Flask blueprint."""
        pages = Blueprint(
            "site", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
        )
        for part in (HitPages, WorkPages, DashboardPages, SignInPages):
            part(self.market).add_to(pages)
        pages.after_request(_protect)
        pages.register_error_handler(WorkRefusedError, _refuse)
        pages.register_error_handler(HTTPException, _fail)
        pages.context_processor(sessions.template_context)
        formats.add_to(pages)
        pages.register_blueprint(FramePages(self.market).blueprint())
        return pages


def _protect(response: Response) -> Response:
    """Nobody frames the site, nothing of it runs from elsewhere, and no proxy keeps a worker's page."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype in {"text/html", "application/json"}:
        response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(error: WorkRefusedError) -> tuple[str, int]:
    page = render_template("site/refusal.html", reason=error.refusal.value)
    return page, status_of(error.refusal)


def _fail(error: HTTPException) -> tuple[str, int] | HTTPException:
    if error.code is None or error.code < 400:
        return error
    page = render_template("site/refusal.html", reason=error.description or "Something is wrong.")
    return page, error.code
