"""What a worker has done and earned."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template
from werkzeug import Response

from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.site import queries, sessions


@dataclass(frozen=True)
class DashboardPages:
    """`/dashboard`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the route."""
        pages.add_url_rule("/dashboard", "dashboard", self.show, methods=["GET"])

    def show(self) -> Response | str:
        """The worker's own history and earnings."""
        worker_id = sessions.current_worker_id()
        if worker_id is None:
            return redirect("/signin?next=/dashboard", 303)
        jobs, earned = self.market.read(
            lambda moment: (queries.history(moment, worker_id), queries.earnings(moment, worker_id))
        )
        return render_template("site/dashboard.html", jobs=jobs, earned=earned)
