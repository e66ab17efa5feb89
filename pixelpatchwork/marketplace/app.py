"""The marketplace as one Flask application: the requesters' API and the workers' site over one database."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from pixelpatchwork.marketplace.database import Database
from pixelpatchwork.marketplace.delivery import Courier
from pixelpatchwork.marketplace.faults import Troubled
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.hosts import Published, trusted_hosts
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.rates import Buckets
from pixelpatchwork.marketplace.replays import Replays
from pixelpatchwork.marketplace.requesters import Keyring
from pixelpatchwork.marketplace.site import SecureWhereTls, Site, page_of
from pixelpatchwork.marketplace.site.neighbours import keep_to_this_machine
from pixelpatchwork.marketplace.wire import TRUSTED, Api, is_call, transport_refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def create_app(hosting: Hosting) -> Flask:
    """Opens (and where needed creates) a marketplace.

    `app.extensions` holds the `marketplace`, its `keyring`, and where somebody delivers notifications a `courier`.
    Raises DatabaseUnusableError, WrongSchemaError where the database is another version's, and WrongSecretKeyError.
    """
    database = Database(hosting.database_url)
    market = _open_market(database, hosting)
    keyring = Keyring(market, hosting.requesters)
    app = _configured(Flask(__name__, static_folder=None), market, hosting)
    clock = hosting.signature_clock
    api = Api(
        market=market,
        keyring=keyring,
        replays=Replays(market=market),
        signature_clock=clock,
        buckets=Buckets(hosting.api_rate) if hosting.api_rate else None,
    )
    app.register_blueprint(api.blueprint())
    app.register_blueprint(Site(market, hosting.ways_in, clock, hosting.most_held).blueprint())
    app.extensions["marketplace"] = market
    app.extensions["keyring"] = keyring
    if hosting.sender is not None:
        app.extensions["courier"] = Courier(database, hosting.sender, clock=clock)
    # Flask's own hook for middleware; mypy would have a method stay a method.
    app.wsgi_app = _wrapped(app.wsgi_app, hosting)  # type: ignore[assignment]
    # Whoever lets go of the application need not know that it holds connections.
    weakref.finalize(app, database.close)
    return app


def _open_market(database: Database, hosting: Hosting) -> Market:
    try:
        return Market(
            database=database,
            clock=hosting.clock,
            secret_key=hosting.secret_key,
            keeps_secret_key=hosting.keeps_secret_key,
            signing_key=hosting.signing_key,
            older_signing_keys=hosting.older_signing_keys,
            random=hosting.random,
            opening_balance=hosting.opening_balance,
            sender=hosting.sender,
            lags=hosting.faults.lags if hosting.faults else None,
        )
    except BaseException:
        database.close()
        raise


def _configured(app: Flask, market: Market, hosting: Hosting) -> Flask:
    app.config.update(
        SECRET_KEY=market.signing.current,
        SECRET_KEY_FALLBACKS=list(market.signing.older),
        SESSION_COOKIE_NAME="marketplace",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    if hosting.public_url is not None:
        app.config["TRUSTED_HOSTS"] = trusted_hosts(hosting.public_url)
    if hosting.ways_in.local_only:
        app.before_request(keep_to_this_machine)
    app.register_error_handler(HTTPException, _tell)
    app.session_interface = SecureWhereTls()
    app.jinja_env.undefined = StrictUndefined
    return app


def _tell(error: HTTPException) -> Response | HTTPException:
    """What went wrong, in the form of who asked: an error of the API's, or a page."""
    return transport_refusal(error) if is_call(request) else page_of(error)


def _wrapped(app: WSGIApplication, hosting: Hosting) -> WSGIApplication:
    if hosting.public_url is not None:
        app = Published(app, hosting.public_url)
    if hosting.faults is not None:
        app = Troubled(app, hosting.faults, is_in_process=lambda environ: environ.get(TRUSTED) is True)
    return app
