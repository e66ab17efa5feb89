"""What goes wrong, as a page of the site: whoever meets it is a person who wants to get on."""

from __future__ import annotations

from flask import Response, render_template
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace.site import policies, sessions

_FAULT = 500
_IN_OUR_WORDS = {
    404: "There is no such page here.",
    405: "Nothing can be done here in this way. Go back, reload the page, and try again.",
    413: "That is more than can be sent here.",
    _FAULT: "Something went wrong here. It is not your fault. Wait a minute, go back, and try again.",
}


def page_of(error: HTTPException) -> Response | HTTPException:
    """The page for an error, with the headers that belong to it; a redirection stays what it is."""
    status = error.code or _FAULT
    if status < 400:
        return error
    if status >= _FAULT:
        sessions.show_nobody()
    response = Response(render_template("site/refusal.html", reason=reason_of(error)), status)
    response.headers.extend(header for header in error.get_headers() if header[0] != "Content-Type")
    return policies.protect(response)


def reason_of(error: HTTPException) -> str:
    """What to tell: the words of who refused it, or ours in place of the framework's."""
    if error.description and error.description != type(error).description:
        return error.description
    return _IN_OUR_WORDS.get(error.code or _FAULT) or error.description or "Something is wrong."
