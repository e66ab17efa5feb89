"""The marketplace as one Flask application: the requesters' API and the workers' site over one database."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from random import Random

from flask import Flask
from jinja2 import StrictUndefined

from pixelpatchwork.marketplace.clock import utc_now
from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.delivery import Courier, Sender
from pixelpatchwork.marketplace.faults import Faults, Troubled
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.replays import Replays
from pixelpatchwork.marketplace.requesters import Keyring
from pixelpatchwork.marketplace.site import SecureWhereTls, Site
from pixelpatchwork.marketplace.ways_in import OPEN_TO_ALL, WaysIn
from pixelpatchwork.marketplace.wire import TRUSTED, Api


def create_app(  # noqa: PLR0913  # each is a choice of its own, and all are keywords
    *,
    database_url: str,
    clock: Callable[[], datetime] = utc_now,
    requesters: Mapping[str, str] | None = None,
    secret_key: str | None = None,
    keeps_secret_key: bool = False,
    random: Random | None = None,
    ways_in: WaysIn = OPEN_TO_ALL,
    opening_balance: Decimal = Decimal("10000.00"),
    signature_clock: Callable[[], datetime] = utc_now,
    sender: Sender | None = None,
    faults: Faults | None = None,
) -> Flask:
    """Opens (and where needed creates) a marketplace.

    `database_url` is SQLAlchemy's: a SQLite file, `sqlite://` in memory, or MySQL/MariaDB over PyMySQL. `clock` must
    return an aware datetime; every deadline follows it. `requesters` maps access key ids to secret access keys;
    without it no API call over a socket is accepted. `secret_key` signs sessions and derives worker ids; without it
    one is made and kept in the database. `keeps_secret_key`: with another key than on first use the marketplace does
    not open. `random` makes ids repeatable, for rehearsals only. `opening_balance` in
    USD is what a new requester's account starts with. `signature_clock` is the time of day that signatures are
    compared with, by which notifications are tried again and attempts to sign in are counted. `ways_in` says who may
    become a worker. `sender` delivers notifications (`app.extensions`
    then holds a `courier`); without it events are not even noted. `faults` is trouble on demand, for rehearsals.

    Raises DatabaseUnusableError, WrongSchemaError where the database is another version's, and WrongSecretKeyError.
    """
    database = Database(database_url)
    market = Market(
        database=database,
        clock=clock,
        secret_key=secret_key,
        keeps_secret_key=keeps_secret_key,
        random=random,
        opening_balance=opening_balance,
        notifies=sender is not None,
        lags=faults.lags if faults else None,
    )
    keyring = Keyring(market, requesters or {})
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=market.secret_key,
        SESSION_COOKIE_NAME="marketplace",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = SecureWhereTls()
    app.jinja_env.undefined = StrictUndefined
    api = Api(
        market=market, keyring=keyring, replays=Replays(database=database), signature_clock=signature_clock
    )
    app.register_blueprint(api.blueprint())
    app.register_blueprint(Site(market, ways_in, signature_clock).blueprint())
    app.extensions["marketplace"] = market
    app.extensions["keyring"] = keyring
    if sender is not None:
        app.extensions["courier"] = Courier(database, sender, clock=signature_clock)
    if faults is not None:
        # Flask's own hook for middleware; mypy would have a method stay a method.
        troubled = Troubled(app.wsgi_app, faults, is_in_process=lambda environ: environ.get(TRUSTED) is True)
        app.wsgi_app = troubled  # type: ignore[method-assign]
    # Whoever lets go of the application need not know that it holds connections.
    weakref.finalize(app, database.close)
    return app
