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
from pixelpatchwork.marketplace.ids import participant_id
from pixelpatchwork.marketplace.limits import Attempt, Throttle
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.people import NewWorker
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import addresses, queries, sessions
from pixelpatchwork.marketplace.site.countries import US_STATES, countries, read_country, read_state
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
        """Greets a participant; a new one is asked for his country."""
        external_id = self._external_id(panel, request.args)
        worker_id = participant_id(self.market.secret_key, panel, external_id)
        is_known = self.market.read(lambda moment: people.is_known(moment, worker_id))
        return render_template(
            "site/join.html",
            panel=panel,
            parameter=self.panels[panel].parameter,
            external_id=external_id,
            is_known=is_known,
            countries=countries(),
            states=sorted(US_STATES),
        )

    def join(self, panel: str) -> Response:
        """Signs the participant in, and up where he is new."""
        sessions.check_csrf()
        external_id = self._external_id(panel, request.form)
        worker_id = participant_id(self.market.secret_key, panel, external_id)
        if not self.market.read(lambda moment: people.is_known(moment, worker_id)):
            self.throttle.count(Attempt.SIGN_UP_FROM, addresses.client())
            newcomer = _newcomer(worker_id)
            self.market.write(lambda moment: people.join(moment, newcomer, panel, external_id))
        sessions.start(worker_id, _NAME, panel=panel)
        return redirect("/", 303)

    def complete(self) -> Response:
        """Leads a participant who has handed something in back to his panel, to the configured address only."""
        worker_id = sessions.current_worker_id()
        if worker_id is None:
            return redirect("/signin", 303)
        panel, has_worked = self.market.read(lambda moment: _standing(moment, worker_id))
        if panel is None or panel not in self.panels:
            abort(404, "You did not come through a panel, so there is none to go back to.")
        if not has_worked:
            abort(409, "Hand in at least one task first. Then you can complete.")
        return redirect(self.panels[panel].complete_url, 303)

    def _external_id(self, name: str, fields: Mapping[str, str]) -> str:
        panel = self.panels.get(name)
        if panel is None:
            abort(404, "There is no such panel here. Follow the link that you were given.")
        external_id = fields.get(panel.parameter, "")
        if not panel.accepts(external_id):
            abort(400, f"The link has no usable {panel.parameter}. Follow the link that your panel gave you.")
        return external_id


def _standing(moment: Moment, worker_id: str) -> tuple[str | None, bool]:
    return people.panel_of(moment, worker_id), queries.has_handed_in(moment, worker_id)


def _newcomer(worker_id: str) -> NewWorker:
    country = read_country(request.form.get("country"))
    state = read_state(country, request.form.get("state"))
    return NewWorker(worker_id=worker_id, name=_NAME, country=country, subdivision=state)
