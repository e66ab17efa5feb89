"""A worker's own particulars: his id, and where he lives."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import people
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.site import sessions
from pixelpatchwork.marketplace.site.countries import US_STATES, countries, read_country, read_state


@dataclass(frozen=True)
class AccountPages:
    """`/account`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/account", "account", self.show, methods=["GET"])
        pages.add_url_rule("/account/country", "country", self.say_country, methods=["POST"])

    def show(self) -> Response | str:
        """The particulars."""
        worker = sessions.current()
        if worker is None:
            return redirect("/signin?next=/account", 303)
        # Who is only said to be somebody is not told what that one said; what he says himself is kept once, as ever.
        is_shown = worker.sees_from == 0
        code = (
            self.market.read(lambda moment: people.country_of(moment, worker.worker_id)) if is_shown else None
        )
        return render_template(
            "site/account.html",
            is_shown=is_shown,
            country=None if code is None else countries().get(code, code),
            countries=countries(),
            states=sorted(US_STATES),
        )

    def say_country(self) -> Response:
        """Keeps the country, where none was said before."""
        sessions.check_csrf()
        worker_id = sessions.current_worker_id()
        if worker_id is None:
            return redirect("/signin?next=/account", 303)
        country = read_country(request.form.get("country"))
        if country is None:
            abort(400, "Choose a country from the list.")
        state = read_state(country, request.form.get("state"))
        self.market.write(lambda moment: people.say_country(moment, worker_id, country, state))
        return redirect("/account", 303)
