"""Puts the site's pages together: routes, headers, and refusals as pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Flask, render_template, request
from flask.sessions import SecureCookieSessionInterface

from pixelpatchwork.marketplace.clock import utc_now
from pixelpatchwork.marketplace.limits import Throttle, TooManyError
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.site import formats, policies, sessions
from pixelpatchwork.marketplace.site.account import AccountPages
from pixelpatchwork.marketplace.site.dashboard import DashboardPages
from pixelpatchwork.marketplace.site.frame import FramePages
from pixelpatchwork.marketplace.site.hits import HitPages
from pixelpatchwork.marketplace.site.joining import JoinPages
from pixelpatchwork.marketplace.site.messages import MessagePages
from pixelpatchwork.marketplace.site.qualifications import QualificationPages
from pixelpatchwork.marketplace.site.refusals import status_of
from pixelpatchwork.marketplace.site.resetting import ResetPages
from pixelpatchwork.marketplace.site.signin import SignInPages
from pixelpatchwork.marketplace.site.work import WorkPages
from pixelpatchwork.marketplace.ways_in import OPEN_TO_ALL, WaysIn
from pixelpatchwork.marketplace.work import MOST_HELD, WorkRefusedError


class SecureWhereTls(SecureCookieSessionInterface):
    """Marks the session's cookie `Secure` exactly where the browser came over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """True for a request over TLS (as a trusted proxy on this machine may say)."""
        del app
        return request.is_secure


_MAX_FORM_BYTES = 128 * 1024


@dataclass(frozen=True)
class Site:
    """The workers' site of one marketplace.

    `clock` is the time of day, by which attempts are counted. `most_held` is how many assignments one worker may hold.
    """

    market: Market
    ways_in: WaysIn = OPEN_TO_ALL
    clock: Callable[[], datetime] = utc_now
    most_held: int = MOST_HELD

    def blueprint(self) -> Blueprint:
        """All pages, the frame's included, as a Flask blueprint."""
        pages = Blueprint(
            "site", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
        )
        throttle = Throttle(market=self.market, clock=self.clock, limits=self.ways_in.limits)
        HitPages(market=self.market, throttle=throttle, most_held=self.most_held).add_to(pages)
        for part in (WorkPages, DashboardPages, MessagePages, AccountPages, QualificationPages, ResetPages):
            part(self.market).add_to(pages)
        SignInPages(market=self.market, throttle=throttle, signup=self.ways_in.signup).add_to(pages)
        JoinPages(market=self.market, throttle=throttle, panels=self.ways_in.panels).add_to(pages)
        pages.before_request(_bound_the_body)
        pages.after_request(policies.protect)
        pages.register_error_handler(WorkRefusedError, _refuse)
        pages.register_error_handler(TooManyError, _slow_down)
        pages.app_context_processor(sessions.template_context)
        formats.add_to(pages)
        pages.register_blueprint(FramePages(self.market, throttle).blueprint())
        return pages


def _refuse(error: WorkRefusedError) -> tuple[str, int]:
    page = render_template("site/refusal.html", reason=error.refusal.value)
    return page, status_of(error.refusal)


def _bound_the_body() -> None:
    """The site's own forms are small. The frame allows answers more, at the submit itself."""
    if request.blueprint == "site":
        request.max_content_length = _MAX_FORM_BYTES
        request.max_form_memory_size = _MAX_FORM_BYTES


def _slow_down(error: TooManyError) -> tuple[str, int, dict[str, str]]:
    page = render_template("site/refusal.html", reason=str(error))
    return page, 429, {"Retry-After": str(error.retry_after_s)}
