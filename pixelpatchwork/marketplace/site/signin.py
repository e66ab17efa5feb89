"""Signing in, signing up, signing out."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from pixelpatchwork.marketplace import people
from pixelpatchwork.marketplace.ids import worker_id
from pixelpatchwork.marketplace.invitations import InvitationError, check_invitation, use_invitation
from pixelpatchwork.marketplace.limits import Attempt, Throttle
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.people import NameTakenError, NewWorker
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.site import addresses, sessions
from pixelpatchwork.marketplace.site.countries import US_STATES, countries, read_country, read_state
from pixelpatchwork.marketplace.suspensions import SUSPENDED, is_worker_suspended
from pixelpatchwork.marketplace.ways_in import SignUp

MAX_NAME = 60
_WRONG = "This name and this password do not belong together."

Answer = Response | tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class SignInPages:
    """`/signin`, `/signup`, `/invite/TOKEN` and `/signout`."""

    market: Market
    throttle: Throttle
    signup: SignUp

    def add_to(self, pages: Blueprint) -> None:
        """Registers the routes."""
        pages.add_url_rule("/signin", "signin", self.show_sign_in, methods=["GET"])
        pages.add_url_rule("/signin", "sign_in", self.sign_in, methods=["POST"])
        pages.add_url_rule("/signup", "signup", self.show_sign_up, methods=["GET"])
        pages.add_url_rule("/signup", "sign_up", self.sign_up, methods=["POST"])
        pages.add_url_rule("/invite/<token>", "invite", self.show_invitation, methods=["GET"])
        pages.add_url_rule("/signout", "sign_out", self.sign_out, methods=["POST"])

    # ---- in ------------------------------------------------------------------------------------------------

    def show_sign_in(self) -> str:
        """The form."""
        return self._sign_in_form("", sessions.local_path(request.args.get("next")))

    def sign_in(self) -> Answer:
        """Signs in by name, or by name and password."""
        sessions.check_csrf()
        target = sessions.local_path(request.form.get("next"))
        name = _clean_name()
        if fault := _name_fault(name):
            return self._sign_in_form(fault, target), 400
        identifier = worker_id(self.market.secret_key, name)
        if self.signup is SignUp.NAME:
            fault = self._come_in_by_name(identifier, name)
        else:
            fault = self._check_password(identifier, request.form.get("password", ""))
        if fault := fault or self._suspension(identifier):
            return self._sign_in_form(fault, target), 403
        sessions.start(identifier, name)
        return redirect(target, 303)

    def _come_in_by_name(self, identifier: str, name: str) -> str:
        """What keeps somebody out who gives nothing but a name, or "". A name with a password keeps needing it."""
        known, hashed = self.market.read(
            lambda moment: (
                people.is_known(moment, identifier),
                people.password_hash_of(moment, identifier),
            )
        )
        if hashed is not None:
            return "This name has a password, so it cannot be used without one here. Choose another."
        if not known:
            self.throttle.count(Attempt.SIGN_UP_FROM, addresses.client())
            newcomer = _newcomer(identifier, name)
            self.market.write(lambda moment: people.remember(moment, newcomer))
        return ""

    def _suspension(self, identifier: str) -> str:
        """What a suspended worker is told who has shown that he is who he says; "" for everybody else."""
        is_suspended = self.market.read(lambda moment: is_worker_suspended(moment, identifier))
        return SUSPENDED if is_suspended else ""

    def _check_password(self, identifier: str, password: str) -> str:
        """What keeps somebody out, or "".

        A try is counted before it is judged, for the name and for where it comes from, so that many at once count
        too; a right password takes it back.
        """
        counted = (
            (Attempt.WRONG_PASSWORD_FOR_NAME, identifier),
            (Attempt.WRONG_PASSWORD_FROM, addresses.client()),
        )
        for kind, who in counted:
            self.throttle.count(kind, who)
        hashed = self.market.read(lambda moment: people.password_hash_of(moment, identifier))
        if not people.is_right(password, hashed):
            return _WRONG
        for kind, who in counted:
            self.throttle.forgive(kind, who)
        return ""

    # ---- up ------------------------------------------------------------------------------------------------

    def show_sign_up(self) -> Answer:
        """The form, where everybody may sign up."""
        if self.signup is SignUp.NAME:
            return redirect("/signin", 303)
        if self.signup is not SignUp.PASSWORD:
            return render_template("site/refusal.html", reason=self._closed()), 403
        return self._sign_up_form("", ""), 200

    def show_invitation(self, token: str) -> Answer:
        """The form for somebody who was invited."""
        if self.signup not in {SignUp.PASSWORD, SignUp.INVITE}:
            return redirect("/signin", 303)
        try:
            self.market.read(lambda moment: check_invitation(moment, self.market.signing, token))
        except InvitationError as error:
            return render_template("site/refusal.html", reason=str(error)), 403
        return self._sign_up_form("", token), 200

    def sign_up(self) -> Answer:
        """Makes a worker with a password, and signs in."""
        sessions.check_csrf()
        token, name, password = (
            request.form.get("invitation", ""),
            _clean_name(),
            request.form.get("password", ""),
        )
        if self.signup not in {SignUp.PASSWORD, SignUp.INVITE} or (
            self.signup is SignUp.INVITE and not token
        ):
            return render_template("site/refusal.html", reason=self._closed()), 403
        if fault := _name_fault(name) or people.password_fault(password, name):
            return self._sign_up_form(fault, token), 400
        self.throttle.count(Attempt.SIGN_UP_FROM, addresses.client())
        identifier = worker_id(self.market.secret_key, name)
        newcomer = _newcomer(identifier, name, people.hash_password(password))
        try:
            self.market.write(lambda moment: self._admit(moment, newcomer, token))
        except NameTakenError:
            return self._sign_up_form("Somebody has this name already. Choose another.", token), 409
        except InvitationError as error:
            return render_template("site/refusal.html", reason=str(error)), 403
        sessions.start(identifier, name)
        return redirect("/", 303)

    def _admit(self, moment: Moment, newcomer: NewWorker, token: str) -> None:
        if token:
            nonce = check_invitation(moment, self.market.signing, token)
            use_invitation(moment, nonce, newcomer.worker_id)
        people.sign_up(moment, newcomer)

    # ---- out -----------------------------------------------------------------------------------------------

    def sign_out(self) -> Response:
        """Ends the session."""
        sessions.check_csrf()
        sessions.end()
        return redirect("/", 303)

    def _sign_in_form(self, error: str, target: str) -> str:
        return render_template(
            "site/signin.html",
            error=error,
            target=target,
            name=_clean_name(),
            max_name=MAX_NAME,
            signup=self.signup.value,
        )

    def _sign_up_form(self, error: str, token: str) -> str:
        return render_template(
            "site/signup.html",
            error=error,
            token=token,
            name=_clean_name(),
            max_name=MAX_NAME,
            min_password=people.MIN_PASSWORD,
            max_password=people.MAX_PASSWORD,
            countries=countries(),
            states=sorted(US_STATES),
        )

    def _closed(self) -> str:
        if self.signup is SignUp.INVITE:
            return "Here one needs an invitation link. Ask whoever runs this marketplace for one."
        return "Nobody new is let in at the moment."


def _clean_name() -> str:
    return " ".join(request.form.get("name", "").split())


def _name_fault(name: str) -> str:
    legal = 1 <= len(name) <= MAX_NAME and name.isprintable()
    return "" if legal else f"Choose a name of 1 to {MAX_NAME} characters."


def _newcomer(identifier: str, name: str, password_hash: str | None = None) -> NewWorker:
    country = read_country(request.form.get("country"))
    return NewWorker(
        worker_id=identifier,
        name=name,
        country=country,
        subdivision=read_state(country, request.form.get("state")),
        password_hash=password_hash,
    )
