"""Invitation links: signed, so that nobody makes one; expiring; good for one sign-up.

A link is `/invite/NONCE.EXPIRY.SIGNATURE`. Nothing is stored until it is used: then its nonce becomes a primary key, so
of any number of people who use one link at once exactly one comes in.
"""

from __future__ import annotations

import secrets

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace.clock import DAY, Millis
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.signing import SigningKeys
from pixelpatchwork.marketplace.tables import invitation

_SIGNATURE_LENGTH = 32


class InvitationError(Exception):
    """An invitation that does not let anybody in; the message is for the person who followed it."""


def make_invitation(keys: SigningKeys, now: Millis, days: int) -> str:
    """A new token, good for `days` days from `now`."""
    body = f"{secrets.token_urlsafe(16)}.{now + days * DAY}"
    return f"{body}.{keys.sign(_message(body), _SIGNATURE_LENGTH)}"


def check_invitation(moment: Moment, keys: SigningKeys, token: str) -> str:
    """The token's nonce. Raises InvitationError where it is forged, over or used."""
    body, _, signature = token.rpartition(".")
    if not keys.accepts(_message(body), signature, _SIGNATURE_LENGTH):
        raise InvitationError("This invitation link is not complete. Copy the whole of it.")
    nonce, _, expires_at = body.rpartition(".")
    if int(expires_at) <= moment.now:
        raise InvitationError("This invitation is over. Ask whoever invited you for a new one.")
    used = select(invitation.c.nonce).where(invitation.c.nonce == nonce)
    if moment.connection.execute(used).one_or_none() is not None:
        raise InvitationError("This invitation was used already. If that was you, sign in.")
    return nonce


def use_invitation(moment: Moment, nonce: str, worker_id: str) -> None:
    """Spends it, in the transaction of the sign-up. Raises InvitationError where somebody else was quicker."""
    row = {"nonce": nonce, "worker_id": worker_id, "used_at": moment.now}
    try:
        with moment.connection.begin_nested():
            moment.connection.execute(insert(invitation), row)
    except IntegrityError as error:
        raise InvitationError("This invitation was used already. If that was you, sign in.") from error


def _message(body: str) -> str:
    return f"invitation:{body}"
