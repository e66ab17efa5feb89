"""Where a HIT's question is shown: the address of its frame, and what the frame may do.

The four parameters are Mechanical Turk's. An HTMLQuestion and a QuestionForm come from this site, in a sandbox with an
opaque origin. An ExternalQuestion comes from the requester's own server; it keeps the origin of that server, because
its own cookies and calls are its own business, and it is another origin than the site's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from pixelpatchwork.marketplace.questions import ExternalQuestion, FormQuestion, Question
from pixelpatchwork.marketplace.signing import SigningKeys
from pixelpatchwork.marketplace.site import policies

PREVIEW_ID = "ASSIGNMENT_ID_NOT_AVAILABLE"
_TICKET_LENGTH = 40
_OPAQUE = "allow-scripts allow-forms"
_FORM = f"{_OPAQUE} allow-popups allow-popups-to-escape-sandbox"
_PORTS = {"http": 80, "https": 443}
_EXTERNAL = f"{_OPAQUE} allow-popups allow-modals"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """An `iframe`. `height` in pixels; 0 fits the window. `policy` is that of the page around it."""

    src: str
    sandbox: str
    height: int
    policy: str


def preview_frame(question: Question, hit_id: str, host_url: str) -> Frame:
    """The frame of a HIT that nobody has accepted: its submit is refused."""
    query = {"assignmentId": PREVIEW_ID, "hitId": hit_id, "turkSubmitTo": host_url.rstrip("/")}
    return _frame(question, hit_id, query, host_url)


def work_frame(
    question: Question,
    *,
    hit_id: str,
    assignment_id: str,
    worker_id: str,
    keys: SigningKeys,
    host_url: str,
) -> Frame:
    """The frame of an accepted HIT, with the four parameters that Mechanical Turk gives."""
    query = {
        "assignmentId": assignment_id,
        "hitId": hit_id,
        "workerId": worker_id,
        "turkSubmitTo": submit_to(keys, assignment_id, host_url),
    }
    return _frame(question, hit_id, query, host_url)


def submit_to(keys: SigningKeys, assignment_id: str, host_url: str) -> str:
    """`turkSubmitTo` of an assignment, without a slash at its end: it holds what only the assignment's page knows."""
    return f"{host_url.rstrip('/')}/s/{keys.sign(_ticket(assignment_id), _TICKET_LENGTH)}"


def may_submit(keys: SigningKeys, assignment_id: str, signature: str) -> bool:
    """True for the signature in the `turkSubmitTo` of this assignment."""
    return keys.accepts(_ticket(assignment_id), signature, _TICKET_LENGTH)


def _ticket(assignment_id: str) -> str:
    return f"submit:{assignment_id}"


def _frame(question: Question, hit_id: str, query: Mapping[str, str], host_url: str) -> Frame:
    if isinstance(question, ExternalQuestion):
        return Frame(
            src=_with_query(question.url, query),
            sandbox=_external_sandbox(question, host_url),
            height=question.frame_height,
            policy=policies.site_with_external_frame(question.origin),
        )
    return Frame(
        src=f"/frame/{hit_id}?{urlencode(query)}",
        sandbox=_FORM if isinstance(question, FormQuestion) else _OPAQUE,
        height=question.frame_height,
        policy=policies.site(),
    )


def _external_sandbox(question: ExternalQuestion, host_url: str) -> str:
    """An "external" page of this very host would be the site itself: it gets no origin."""
    is_own = _door(question.url) == _door(host_url)
    return _EXTERNAL if is_own else f"{_EXTERNAL} allow-same-origin"


def _door(url: str) -> tuple[str, int]:
    """Host and port, the scheme's own port included."""
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return parts._replace(query=joined).geturl()
