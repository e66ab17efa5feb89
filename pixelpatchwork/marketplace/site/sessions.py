"""Who is signed in, and whether a form really came from the site.

The session is a signed cookie that scripts cannot read. Forms carry a token that only the session knows; a page of
another origin, a HIT's frame included, can neither read it nor guess it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import abort, request, session

_WORKER = "worker"
_NAME = "name"
_CSRF = "csrf"
_PANEL = "panel"


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The worker of this session."""

    worker_id: str
    name: str
    panel: str | None


def current() -> SignedIn | None:
    """Who is signed in, or None."""
    if _WORKER not in session:
        return None
    return SignedIn(worker_id=session[_WORKER], name=session[_NAME], panel=session.get(_PANEL))


def current_worker_id() -> str | None:
    """The worker's id, or None."""
    worker = current()
    return None if worker is None else worker.worker_id


def start(worker_id: str, name: str, *, panel: str | None = None) -> None:
    """Signs in; whatever the session held before is gone, so nobody can prepare a session for somebody else."""
    session.clear()
    session[_WORKER] = worker_id
    session[_NAME] = name
    if panel is not None:
        session[_PANEL] = panel
    session.permanent = True


def end() -> None:
    """Signs out."""
    session.clear()


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
