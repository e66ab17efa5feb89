"""Who is signed in, and whether a form really came from the site.

The session is a signed cookie that scripts cannot read. It holds how often its worker had signed out when it began;
signing out counts on, so a copy of an older cookie opens nothing. Forms carry a token that only the session knows; a
page of another origin, a HIT's frame included, can neither read it nor guess it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, g, request, session

from pixelpatchwork.marketplace import people
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.market import Market

_WORKER = "worker"
_NAME = "name"
_CSRF = "csrf"
_PANEL = "panel"
_JOINED = "joined_at"
_SEES_FROM = "sees_from"
_EPOCH = "session_epoch"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One coming of a panel's participant: from which panel, and when by the marketplace's clock.

    He sees what happened from `sees_from` on: 0 where the panel signs its links, which proves that he is who he was.
    """

    panel: str
    joined_at: Millis
    sees_from: Millis


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The worker of this session, and how he came where a panel sent him."""

    worker_id: str
    name: str
    visit: Visit | None

    @property
    def sees_from(self) -> Millis:
        """From when on his pages show what happened to him; 0 for everything."""
        return 0 if self.visit is None else self.visit.sees_from

    @property
    def panel(self) -> str | None:
        """The panel that sent him, or None."""
        return None if self.visit is None else self.visit.panel


def current() -> SignedIn | None:
    """Who is signed in, or None. The database is asked once a request."""
    if _WORKER not in session:
        return None
    if _EPOCH not in g:
        g.session_epoch = _epoch_of(session[_WORKER])
    if g.session_epoch is None or session.get(_EPOCH) != g.session_epoch:
        return None
    return SignedIn(worker_id=session[_WORKER], name=session[_NAME], visit=_visit())


def current_worker_id() -> str | None:
    """The worker's id, or None."""
    worker = current()
    return None if worker is None else worker.worker_id


def start(worker_id: str, name: str, *, visit: Visit | None = None) -> None:
    """Signs in; whatever the session held before is gone, so nobody can prepare a session for somebody else."""
    session.clear()
    g.session_epoch = _epoch_of(worker_id)
    session[_EPOCH] = g.session_epoch
    session[_WORKER] = worker_id
    session[_NAME] = name
    if visit is not None:
        session[_PANEL] = visit.panel
        session[_JOINED] = visit.joined_at
        session[_SEES_FROM] = visit.sees_from
    session.permanent = True


def end() -> None:
    """Signs out, in every browser: cookies cannot be called back, so all that were given before stop counting."""
    worker_id = current_worker_id()
    if worker_id is not None:
        _market().write(lambda moment: people.end_sessions(moment, worker_id))
    session.clear()


def show_nobody() -> None:
    """Shows the rest of this request as to a visitor, for its database may be what went wrong."""
    g.setdefault(_EPOCH, None)


def csrf_token() -> str:
    """The token for this session's forms."""
    if _CSRF not in session:
        session[_CSRF] = secrets.token_urlsafe(24)
    return str(session[_CSRF])


def check_csrf() -> None:
    """Ends the request with 400 unless the form carries the session's token."""
    sent = request.form.get("csrf_token", "")
    if not hmac.compare_digest(sent.encode(), str(session.get(_CSRF, "")).encode()) or not sent:
        abort(400, "This form is too old. Go back, reload the page, and send it again.")


def local_path(target: str | None) -> str:
    """`target` where it is a path of this site, and `/` for anything that would lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(target)
    harmless = not parts.scheme and not parts.netloc and target.isprintable() and "\\" not in target
    return target if harmless else "/"


def template_context() -> dict[str, Any]:
    """What every template may use."""
    return {"worker": current(), "csrf_token": csrf_token}


def _visit() -> Visit | None:
    if _PANEL not in session:
        return None
    joined_at = session[_JOINED]
    return Visit(panel=session[_PANEL], joined_at=joined_at, sees_from=session.get(_SEES_FROM, joined_at))


def _epoch_of(worker_id: str) -> int | None:
    return _market().read(lambda moment: people.session_epoch(moment, worker_id))


def _market() -> Market:
    market: Market = current_app.extensions["marketplace"]
    return market
