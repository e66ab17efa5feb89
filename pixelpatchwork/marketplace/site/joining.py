"""Participants whom a recruiting panel sends, and how they get back to it.

The panel's link only opens a page with a button: signing in changes something, so it takes a form with a token. The way
back is an address of the operator's settings and nothing that came with a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import people
from pixelpatchwork.marketplace.clock import Millis
from pixelpatchwork.marketplace.ids import participant_id
from pixelpatchwork.marketplace.limits import Attempt, Throttle
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.people import NewWorker
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import addresses, queries, sessions
from pixelpatchwork.marketplace.site.countries import US_STATES, countries, read_country, read_state
from pixelpatchwork.marketplace.site.sessions import Visit
from pixelpatchwork.marketplace.suspensions import SUSPENDED, is_worker_suspended
from pixelpatchwork.marketplace.ways_in import Panel

_NAME = "Participant"


@dataclass(frozen=True, kw_only=True)
class JoinPages:
    """`/join/PANEL` and `/complete`."""

    market: Market
    throttle: Throttle
    panels: Mapping[str, Panel]

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/join/<panel>", "join", self.show, methods=["GET"])
        pages.add_url_rule("/join/<panel>", "join_now", self.join, methods=["POST"])
        pages.add_url_rule("/complete", "complete", self.complete, methods=["GET"])

    def show(self, panel: str) -> str:
        """Greets a participant. Known or not, he sees the same page: it must not tell who took part."""
        external_id = self._external_id(panel, request.args)
        return render_template(
            "site/join.html",
            panel=panel,
            parameter=self.panels[panel].parameter,
            external_id=external_id,
            signature=request.args.get("sig", ""),
            countries=countries(),
            states=sorted(US_STATES),
        )

    def join(self, panel: str) -> Response:
        """Signs the participant in, and up where he is new. Counted before it is known which of the two it is."""
        sessions.check_csrf()
        external_id = self._external_id(panel, request.form)
        worker_id = participant_id(self.market.secret_key, panel, external_id)
        self.throttle.count(Attempt.JOIN_FROM, addresses.client())
        self.throttle.count(Attempt.JOIN_AS, worker_id)
        newcomer = _newcomer(worker_id)
        joined_at = self.market.write(lambda moment: _join(moment, newcomer, panel, external_id))
        sees_from = 0 if self.panels[panel].secret else _seen_before(worker_id, joined_at)
        sessions.start(worker_id, _NAME, visit=Visit(panel=panel, joined_at=joined_at, sees_from=sees_from))
        return redirect("/", 303)

    def complete(self) -> Response:
        """Leads a participant who has handed something in back to his panel, to the configured address only.

        What counts is what he handed in since he came: a panel pays for each time it sends him.
        """
        worker = sessions.current()
        if worker is None:
            return redirect("/signin", 303)
        visit = worker.visit
        if visit is None or visit.panel not in self.panels:
            abort(404, "You did not come through a panel, so there is none to go back to.")
        if not self.market.read(
            lambda moment: queries.has_handed_in(moment, worker.worker_id, visit.joined_at)
        ):
            abort(409, "Hand in at least one task first. Then you can complete.")
        return redirect(self.panels[visit.panel].complete_url, 303)

    def _external_id(self, name: str, fields: Mapping[str, str]) -> str:
        panel = self.panels.get(name)
        if panel is None:
            abort(404, "There is no such panel here. Follow the link that you were given.")
        external_id = fields.get(panel.parameter, "")
        if not panel.accepts(external_id):
            abort(400, f"The link has no usable {panel.parameter}. Follow the link that your panel gave you.")
        if not panel.vouches(external_id, fields.get("sig", "")):
            abort(403, "The link is not signed as it should be. Follow the link that your panel gave you.")
        return external_id


def _seen_before(worker_id: str, joined_at: Millis) -> Millis:
    """From when on a participant sees his work whose link proves nothing: a browser that was his goes on seeing it."""
    before = sessions.current()
    return joined_at if before is None or before.worker_id != worker_id else before.sees_from


def _join(moment: Moment, newcomer: NewWorker, panel: str, external_id: str) -> Millis:
    people.join(moment, newcomer, panel, external_id)
    if is_worker_suspended(moment, newcomer.worker_id):
        abort(403, SUSPENDED)
    return moment.now


def _newcomer(worker_id: str) -> NewWorker:
    country = read_country(request.form.get("country"))
    state = read_state(country, request.form.get("state"))
    return NewWorker(worker_id=worker_id, name=_NAME, country=country, subdivision=state)
