"""The tables that came after the first ones: one file a noun, all of them in the metadata of `schema`.

Importing this package imports every table, so what creates or migrates the database imports it and misses none.
"""

from __future__ import annotations

from pixelpatchwork.marketplace.schema import metadata

__all__ = ["metadata"]
