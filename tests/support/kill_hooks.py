"""Every call by which a process changes or reads the world outside, noted as it happens, and a death at one of them.

Installed in a child that is to be killed and nowhere else. The hooks sit at the lowest level that Python has: where
botocore and httpx2 hand a request to their connections, and where SQLAlchemy tells a driver to commit.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import httpx2
from botocore.httpsession import URLLib3Session
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

T = TypeVar("T")


class Moment(StrEnum):
    """When a process dies. After the answer of one call, nothing happens outside until the next: that is BEFORE it.

    DEED_DONE: the other side has done what it was asked, and its answer never reaches the program. END: the last
    answer has come, and everything that follows from it in the process has happened.
    """

    BEFORE = "before the call"
    DEED_DONE = "after the deed, before its answer"
    END = "after the last answer"


@dataclass(frozen=True, kw_only=True)
class Death:
    """The call at which a process dies, such as the 2nd `mturk ApproveAssignment`, and the moment.

    Counted by its name, for a commit of one thread and a call of another have no order that would be kept.
    """

    call: str
    nth: int
    moment: Moment


class Witness:
    """Notes every call in a file, one line each, and kills its own process at one of them."""

    def __init__(self, file: Path, death: Death | None) -> None:
        self._notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._death = death
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def around(self, call: str, deed: Callable[[], T]) -> T:
        """Does a deed, unless the process dies at it."""
        with self._lock:
            self._counts[call] += 1
            nth = self._counts[call]
            os.write(self._notes, f"{call}\n".encode())
        self._die_if(Death(call=call, nth=nth, moment=Moment.BEFORE))
        answer = deed()
        self._die_if(Death(call=call, nth=nth, moment=Moment.DEED_DONE))
        return answer

    def end(self) -> None:
        """The program has done all it had to do."""
        if self._death is not None and self._death.moment is Moment.END:
            self._die_if(self._death)

    def _die_if(self, now: Death) -> None:
        if self._death == now:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # until the kernel has done it


def supplant(owner: object, name: str, other: object) -> None:
    """Puts something else in the place of an attribute, in a child process that exists for this and ends with it."""
    setattr(owner, name, other)


def watch(witness: Witness) -> None:
    """From now on every external call of this process goes by the witness."""
    _watch_aws(witness)
    _watch_images_api(witness)
    _watch_commits(witness)
    _watch_definitions(witness)


def _watch_aws(witness: Witness) -> None:
    send = URLLib3Session.send

    def witnessed(session: Any, request: Any) -> Any:
        return witness.around(_aws_name(request), lambda: send(session, request))

    supplant(URLLib3Session, "send", witnessed)


def _aws_name(request: Any) -> str:
    """`mturk CreateHITWithHITType`, or `s3 PUT raw`: the method and the folder of the key."""
    target = request.headers.get("X-Amz-Target")
    if target is not None:
        text = target if isinstance(target, str) else target.decode()
        return f"mturk {text.rpartition('.')[2]}"
    folder = request.url.partition("?")[0].rpartition("/")[0].rpartition("/")[2]
    return f"s3 {request.method} {folder}"


def _watch_images_api(witness: Witness) -> None:
    handle = httpx2.HTTPTransport.handle_request

    def witnessed(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        what = f"images {request.url.path.rpartition('/')[2]}"
        return witness.around(what, lambda: handle(transport, request))

    supplant(httpx2.HTTPTransport, "handle_request", witnessed)


def _watch_commits(witness: Witness) -> None:
    """Commits of transactions that write; one that only reads leaves nothing that could be half done."""
    commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit
    writing: set[Any] = set()

    @event.listens_for(Engine, "commit")
    def about_to(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            writing.add(connection.connection.dbapi_connection)

    def witnessed(dialect: DefaultDialect, proxied: Any) -> None:
        if proxied.dbapi_connection not in writing:
            commit(dialect, proxied)
            return
        writing.discard(proxied.dbapi_connection)
        witness.around("database commit", lambda: commit(dialect, proxied))

    supplant(DefaultDialect, "do_commit", witnessed)


def _watch_definitions(witness: Witness) -> None:
    """MySQL commits with every statement that defines something."""
    execute: Callable[..., None] = DefaultDialect.do_execute

    def witnessed(dialect: DefaultDialect, cursor: Any, statement: str, *more: Any) -> None:
        word = statement.split(maxsplit=1)[0].upper()
        if dialect.name == "sqlite" or word not in {"CREATE", "ALTER", "DROP"}:
            execute(dialect, cursor, statement, *more)
        else:
            witness.around(f"database {word}", lambda: execute(dialect, cursor, statement, *more))

    supplant(DefaultDialect, "do_execute", witnessed)
