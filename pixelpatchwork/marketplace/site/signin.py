"""Signing in by a chosen name."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, redirect, render_template, request
from sqlalchemy import select
from werkzeug import Response

from pixelpatchwork.marketplace import schema, work
from pixelpatchwork.marketplace.ids import worker_id
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import sessions

MAX_NAME = 60


@dataclass(frozen=True)
class SignInPages:
    """`/signin` and `/signout`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/signin", "signin", self.show, methods=["GET"])
        pages.add_url_rule("/signin", "sign_in", self.sign_in, methods=["POST"])
        pages.add_url_rule("/signout", "sign_out", self.sign_out, methods=["POST"])

    def show(self) -> str:
        """The form."""
        return _form("", sessions.local_path(request.args.get("next")))

    def sign_in(self) -> Response | tuple[str, int]:
        """Signs in, and up where the marketplace is open."""
        sessions.check_csrf()
        name = " ".join(request.form.get("name", "").split())
        target = sessions.local_path(request.form.get("next"))
        if not name or len(name) > MAX_NAME or not name.isprintable():
            return _form(f"Choose a name of 1 to {MAX_NAME} characters.", target), 400
        identifier = worker_id(self.market.secret_key, name)
        if current_app.config["OPEN_SIGNUP"]:
            self.market.write(lambda moment: work.sign_up(moment, identifier, name))
        elif not self.market.read(lambda moment: _is_known(moment, identifier)):
            return _form("Nobody of this name is known here, and sign-up is closed.", target), 403
        sessions.start(identifier, name)
        return redirect(target, 303)

    def sign_out(self) -> Response:
        """Ends the session."""
        sessions.check_csrf()
        sessions.end()
        return redirect("/", 303)


def _form(error: str, target: str) -> str:
    return render_template("site/signin.html", error=error, target=target, max_name=MAX_NAME)


def _is_known(moment: Moment, identifier: str) -> bool:
    columns = schema.worker.c
    found = moment.connection.execute(select(columns.worker_id).where(columns.worker_id == identifier))
    return found.one_or_none() is not None
