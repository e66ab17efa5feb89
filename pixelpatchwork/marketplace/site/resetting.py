"""A new password, by the link that whoever runs the marketplace handed over."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import password_resets, people
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.password_resets import Reset, ResetError
from pixelpatchwork.marketplace.site import sessions
from pixelpatchwork.marketplace.suspensions import SUSPENDED, is_worker_suspended


@dataclass(frozen=True)
class ResetPages:
    """`/reset/TOKEN`."""

    market: Market

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/reset/<token>", "reset", self.show, methods=["GET"])
        pages.add_url_rule("/reset/<token>", "reset_now", self.choose, methods=["POST"])
        pages.register_error_handler(ResetError, _refuse)

    def show(self, token: str) -> str:
        """The form, where the link is good."""
        found = self.market.read(lambda moment: password_resets.find(moment, token))
        return _form(found, "")

    def choose(self, token: str) -> Response | tuple[str, int]:
        """Sets the password, and signs in who is not suspended."""
        sessions.check_csrf()
        password = request.form.get("password", "")
        found = self.market.read(lambda moment: password_resets.find(moment, token))
        if fault := people.password_fault(password, found.name):
            return _form(found, fault), 400
        hashed = people.hash_password(password)
        self.market.write(lambda moment: password_resets.use(moment, token, hashed))
        if self.market.read(lambda moment: is_worker_suspended(moment, found.worker_id)):
            return render_template("site/refusal.html", reason=SUSPENDED), 403
        sessions.start(found.worker_id, found.name)
        return redirect("/", 303)


def _form(found: Reset, error: str) -> str:
    return render_template(
        "site/reset.html",
        name=found.name,
        error=error,
        action=request.path,
        min_password=people.MIN_PASSWORD,
        max_password=people.MAX_PASSWORD,
    )


def _refuse(error: ResetError) -> tuple[str, int]:
    return render_template("site/refusal.html", reason=str(error)), 403
