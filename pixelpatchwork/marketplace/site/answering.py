"""Pages whose Content-Security-Policy differs from the site's usual one."""

from __future__ import annotations

from flask import make_response
from werkzeug import Response


def with_policy(page: str, policy: str, status: int = 200) -> Response:
    """The page under this policy."""
    response: Response = make_response(page, status)
    response.headers["Content-Security-Policy"] = policy
    return response
