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
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.site import SecureWhereTls, Site
from pixelpatchwork.marketplace.wire import Api


def create_app(
    *,
    database_url: str,
    clock: Callable[[], datetime] = utc_now,
    requesters: Mapping[str, str] | None = None,
    secret_key: str | None = None,
    random: Random | None = None,
    open_signup: bool = True,
    opening_balance: Decimal = Decimal("10000.00"),
    signature_clock: Callable[[], datetime] = utc_now,
) -> Flask:
    """Opens (and where needed creates) a marketplace.

    `database_url` is SQLAlchemy's: a SQLite file, `sqlite://` in memory, or MySQL/MariaDB over PyMySQL. `clock` must
    return an aware datetime; every deadline follows it. `requesters` maps access key ids to secret access keys;
    without it no API call over a socket is accepted. `secret_key` signs sessions and derives worker ids; without it
    one is made and kept in the database. `random` makes ids repeatable, for rehearsals only. `opening_balance` in
    USD is what a new requester's account starts with. `signature_clock` is the time of day that signatures are
    compared with.
    """
    database = Database(database_url)
    market = Market(
        database=database, clock=clock, secret_key=secret_key, random=random, opening_balance=opening_balance
    )
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=market.secret_key,
        OPEN_SIGNUP=open_signup,
        SESSION_COOKIE_NAME="marketplace",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = SecureWhereTls()
    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(
        Api(market=market, secrets=requesters or {}, signature_clock=signature_clock).blueprint()
    )
    app.register_blueprint(Site(market).blueprint())
    app.extensions["marketplace"] = market
    # Whoever lets go of the application need not know that it holds connections.
    weakref.finalize(app, database.close)
    return app
