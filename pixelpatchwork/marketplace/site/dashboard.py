"""What a worker has done and earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import inbox, queries, sessions
from pixelpatchwork.marketplace.site.search import read_page


@dataclass(frozen=True, kw_only=True)
class _Record:
    """One page of a worker's history, and his totals, as of `now`. `unread` counts messages."""

    now: Millis
    jobs: Sequence[queries.Job]
    has_next: bool
    bonuses: Mapping[str, Sequence[queries.Bonus]]
    earned: queries.Earnings
    unread: int


@dataclass(frozen=True)
class DashboardPages:
    """`/dashboard`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the route."""
        pages.add_url_rule("/dashboard", "dashboard", self.show, methods=["GET"])

    def show(self) -> Response | str:
        """The worker's own history and earnings."""
        worker = sessions.current()
        if worker is None:
            return redirect("/signin?next=/dashboard", 303)
        number = read_page(request.args)
        record = self.market.read(lambda moment: _record(moment, worker, number))
        return render_template("site/dashboard.html", record=record, number=number, unread=record.unread)


def _record(moment: Moment, worker: sessions.SignedIn, number: int) -> _Record:
    worker_id, since = worker.worker_id, worker.sees_from
    found = queries.history(moment, worker_id, number, since)
    jobs = found[: queries.HISTORY_PAGE]
    return _Record(
        now=moment.now,
        jobs=jobs,
        has_next=len(found) > len(jobs),
        bonuses=queries.bonuses_of(moment, worker_id, jobs),
        earned=queries.earnings(moment, worker_id, since),
        unread=inbox.count_unread(moment, worker_id, since),
    )
