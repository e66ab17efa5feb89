"""The world around a study that is killed: marketplace, images API, S3 and database, all of which outlive the killed.

They are served from the harness's own process, so that a deed stays done when the process that asked for it dies. The
whole of it can be put back to an earlier moment.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any

import boto3
from flask import Flask
from sqlalchemy import Connection, NullPool, Table, create_engine, delete, insert, inspect, select, text

from pixelpatchwork.adapters.database import upgrade
from pixelpatchwork.adapters.database.schema import VERSION_TABLE, metadata
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.served import running
from tests.support.images_api import KEY as IMAGES_KEY
from tests.support.images_api import ImagesApi
from tests.support.kill_hooks import Death
from tests.support.kill_nursery import Lived, Nursery
from tests.support.marketplace import MovableClock
from tests.support.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Service, s3_service
from tests.support.study import seed_bytes

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARKET_KEY, MARKET_SECRET = "AKIDKILLEDANYWHERE00", "a-secret-of-the-harness"
LEASE_RUNS_OUT_SECONDS = 91
"""After this long a dead collector's edits are anybody's."""
DEATH_SECONDS = 20
"""How long a server may take to notice that a client is gone."""

Rows = Mapping[str, list[dict[str, Any]]]
"""The study's tables; empty where the database has none yet."""

_SETTINGS = """\
study: Killed anywhere
marketplace: {marketplace}
database: {database}
images: s3://{bucket}/pictures
images_url: {s3}/{bucket}/pictures
editor: openai
seed: seed.png
parallel_calls: 1
generation: {{assignments: 3, assignments_per_hit: 2, past_winners: 2}}
voting: {{assignments: 2}}
openai: {{base_url: '{images_api}', profile: dall-e-2, model: dall-e-2, images_per_minute: 10000, parallel: 1}}
s3: {{endpoint_url: '{s3}'}}
budget: {{study_usd: 100}}
bonus: {{winner_usd: 1.00, voter_usd: 0.05}}
"""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The world at one moment. `pictures` are the S3 objects, by key."""

    now: datetime
    rows: Rows
    market: Path
    pictures: Mapping[str, bytes]


@dataclass(kw_only=True)
class World:
    """One study in its world."""

    folder: Path
    database_url: str
    nursery: Nursery
    app: Flask
    images_api: ImagesApi
    s3: S3Service
    clock: MovableClock
    sabotage: str | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    def __post_init__(self) -> None:
        self._engine = create_engine(self.database_url, poolclass=NullPool)
        self._bucket = boto3.session.Session().client(
            "s3",
            endpoint_url=self.s3.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def close(self) -> None:
        """Gives back what the harness itself holds."""
        self._engine.dispose()
        self._bucket.close()

    # ---- the requester --------------------------------------------------------------------------------

    def ppw(self, *arguments: object, death: Death | None = None) -> Lived:
        """Runs a command of this study in a child, and waits until nothing of the child is left anywhere."""
        lived = self.nursery.run(
            ("--config", self.settings, *arguments),
            environ=self.environ,
            now=self.clock.now,
            death=death,
            sabotage=self.sabotage,
        )
        self.wait_for_the_dead()
        return lived

    @contextmanager
    def sabotaged(self, defect: str) -> Iterator[None]:
        """Meanwhile the commands have a defect of `kill_sabotage`."""
        self.sabotage = defect
        try:
            yield
        finally:
            self.sabotage = None

    @property
    def environ(self) -> dict[str, str]:
        """The secrets, where a command looks for them."""
        return {
            "PPW_MARKETPLACE_ACCESS_KEY_ID": MARKET_KEY,
            "PPW_MARKETPLACE_SECRET_ACCESS_KEY": MARKET_SECRET,
            "OPENAI_API_KEY": IMAGES_KEY,
            **self.s3.environment,
        }

    @property
    def settings(self) -> Path:
        """The study's settings file."""
        return self.folder / "study.yaml"

    def wait_for_the_dead(self) -> None:
        """A server rolls a dead client's transaction back a moment after its death; so long its rows are locked."""
        if self._engine.dialect.name == "sqlite":
            return  # the kernel released the locks with the process
        deadline = time.monotonic() + DEATH_SECONDS
        with self._engine.connect() as connection:
            others = text(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            )
            while connection.scalar(others):
                assert time.monotonic() < deadline, "a dead child's connection stays open"
                time.sleep(0.002)

    # ---- what stands in the world ----------------------------------------------------------------------

    def rows(self) -> Rows:
        """The study's tables as they stand."""
        with self._engine.connect() as connection:
            if not inspect(connection).has_table(VERSION_TABLE):
                return {}
            return {table.name: _rows_of(connection, table) for table in metadata.sorted_tables}

    def edits(self) -> list[dict[str, Any]]:
        """The study's edits."""
        with self._engine.connect() as connection:
            return _rows_of(connection, metadata.tables["Edit"])

    def market_rows(self, query: str) -> list[dict[str, Any]]:
        """What a query finds in the marketplace's database."""
        with closing(sqlite3.connect(self._market_file)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def pictures(self) -> dict[str, str]:
        """The image store: the digest of each object by its key."""
        listed = self._bucket.list_objects_v2(Bucket=self.s3.bucket)
        return {one["Key"]: one["ETag"] for one in listed.get("Contents", ())}

    def edits_requested(self) -> Counter[str]:
        """How often the images API was asked for each prompt since the world was last put back."""
        return Counter(call.prompt for call in self.images_api.calls)

    # ---- going back ------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Keeps the world as it is."""
        market = self.folder / f"market-{next(self._numbers)}.db"
        _copy_sqlite(self._market_file, market)
        return Snapshot(
            now=self.clock.now,
            rows=self.rows(),
            market=market,
            pictures={key: self._picture(key) for key in self.pictures()},
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Puts the world back; the images API forgets what it was asked since."""
        self.clock.now = snapshot.now
        _copy_sqlite(snapshot.market, self._market_file)
        self._restore_pictures(snapshot.pictures)
        self.images_api.calls.clear()
        if snapshot.rows and not inspect(self._engine).has_table(VERSION_TABLE):
            upgrade(self.database_url)
        with self._engine.begin() as connection:
            if connection.dialect.name != "sqlite":
                connection.execute(text("SET SESSION foreign_key_checks = 0"))
            _restore_rows(connection, snapshot.rows)

    def _restore_pictures(self, wanted: Mapping[str, bytes]) -> None:
        there = self.pictures()
        for key in there.keys() - wanted.keys():
            self._bucket.delete_object(Bucket=self.s3.bucket, Key=key)
        for key, data in wanted.items():
            if there.get(key) != f'"{md5(data, usedforsecurity=False).hexdigest()}"':  # S3's ETag
                self._bucket.put_object(Bucket=self.s3.bucket, Key=key, Body=data)

    def _picture(self, key: str) -> bytes:
        return self._bucket.get_object(Bucket=self.s3.bucket, Key=key)["Body"].read()

    @property
    def _market_file(self) -> Path:
        return self.folder / "market.db"


def _rows_of(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(table))]


def _restore_rows(connection: Connection, rows: Rows) -> None:
    if not rows:
        metadata.drop_all(connection)
        connection.execute(text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))
        return
    for table in reversed(metadata.sorted_tables):
        connection.execute(delete(table))
    for table in metadata.sorted_tables:
        if rows[table.name]:
            connection.execute(insert(table), rows[table.name])


def _copy_sqlite(source: Path, target: Path) -> None:
    """All pages at once; connections that are open see the change as that of any other writer."""
    with closing(sqlite3.connect(source)) as pages, closing(sqlite3.connect(target)) as copy:
        pages.backup(copy)


@contextmanager
def open_world(folder: Path, *, database_url: str | None = None) -> Iterator[World]:
    """A study's folder with its settings, the servers around it running, and nothing begun.

    Without a `database_url` the study's database is an SQLite file.
    """
    url = database_url or f"sqlite:///{folder / 'study.db'}"
    with ExitStack() as stack:
        nursery = stack.enter_context(Nursery(folder))
        images_api = stack.enter_context(ImagesApi())
        images_api.takes_gpt_image_fields = False
        s3 = stack.enter_context(s3_service())
        clock = MovableClock(START)
        app = create_app(
            Hosting(
                database_url=f"sqlite:///{folder / 'market.db'}",
                clock=clock,
                requesters={MARKET_KEY: MARKET_SECRET},
                secret_key="kill",
                random=Random(1),
            )
        )
        stack.callback(app.extensions["marketplace"].database.close)
        marketplace = stack.enter_context(running(app, threads=4))
        world = World(
            folder=folder,
            database_url=url,
            nursery=nursery,
            app=app,
            images_api=images_api,
            s3=s3,
            clock=clock,
        )
        stack.callback(world.close)
        (folder / "seed.png").write_bytes(seed_bytes())
        (folder / "study.yaml").write_text(
            _SETTINGS.format(
                marketplace=marketplace,
                database=url,
                bucket=s3.bucket,
                s3=s3.endpoint_url,
                images_api=images_api.base_url,
            )
        )
        yield world


def words(arguments: Sequence[object]) -> str:
    """A command as it is typed."""
    return " ".join(["ppw", *map(str, arguments)])
