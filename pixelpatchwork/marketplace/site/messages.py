"""What requesters wrote to a worker."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import inbox, sessions
from pixelpatchwork.marketplace.site.search import read_page


@dataclass(frozen=True)
class MessagePages:
    """`/messages`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/messages", "messages", self.show, methods=["GET"])
        pages.add_url_rule("/messages/read", "messages_read", self.mark_read, methods=["POST"])

    def show(self) -> Response | str:
        """The worker's messages, newest first."""
        worker = sessions.current()
        if worker is None:
            return redirect("/signin?next=/messages", 303)
        number = read_page(request.args)
        found, unread = self.market.read(lambda moment: _page(moment, worker, number))
        return render_template(
            "site/messages.html",
            messages=found[: inbox.PAGE_SIZE],
            has_next=len(found) > inbox.PAGE_SIZE,
            number=number,
            unread=unread,
        )

    def mark_read(self) -> Response:
        """The worker has seen them all."""
        sessions.check_csrf()
        worker = sessions.current()
        if worker is not None:
            self.market.write(lambda moment: inbox.mark_read(moment, worker.worker_id, worker.sees_from))
        return redirect("/messages", 303)


def _page(moment: Moment, worker: sessions.SignedIn, number: int) -> tuple[list[inbox.Message], int]:
    found = inbox.messages(moment, worker.worker_id, number, worker.sees_from)
    return list(found), inbox.count_unread(moment, worker.worker_id, worker.sees_from)
