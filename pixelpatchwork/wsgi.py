"""The marketplace for a production WSGI server: `gunicorn 'pixelpatchwork.wsgi:application()'`. See docs/deploy.md.

The settings are those of `PPW_CONFIG`. Every process makes its own application; what they share - the secret key, the
access keys, used signatures, counted attempts, the outbox - stands in the marketplace's database.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from pixelpatchwork.config import load_settings
from pixelpatchwork.domain.errors import ConfigurationError
from pixelpatchwork.serving import check_servable, notes
from pixelpatchwork.wiring import Wiring

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)


def application(environ: Mapping[str, str] | None = None) -> WSGIApplication:
    """The site and the API, for as long as the process lives.

    Raises ConfigurationError, and CrowdError where the database cannot be used or its clock was moved.
    """
    environ = os.environ if environ is None else environ
    if not environ.get("PPW_CONFIG"):
        raise ConfigurationError("Set PPW_CONFIG to the file with the settings of what is to be served.")
    settings = load_settings(None, environ)
    check_servable(settings)
    if settings.serve.signup is None:
        raise ConfigurationError(
            "Set `serve.signup`: a WSGI server is there for others, and they must come in."
        )
    for note in notes(settings, settings.serve.host):
        _log.warning(note)
    wiring = Wiring(settings)
    wiring.open_to_others()
    # Never left: the thread is a daemon, and what it was sending when the process ended is sent again.
    wiring.notifying().__enter__()
    proxies = settings.serve.proxies
    return ProxyFix(wiring.site, x_for=proxies, x_proto=proxies, x_host=0) if proxies else wiring.site
