"""Workers' requests for qualifications, from the start of a test to the requester's decision.

`open_for` is the worker while the request is open and null once it is decided: the unique key lets a worker have one
open request of a type at most, and ask again later. `test` is the test as it stood when the worker began.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint

from pixelpatchwork.marketplace.schema import ID, LONG_TEXT, SERIAL, table

qualification_request = table(
    "qualification_request",
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("qualification_request_id", ID, nullable=False, unique=True),
    Column("qualification_type_id", ID, nullable=False),
    Column("requester_id", ID, nullable=False),
    Column("worker_id", ID, nullable=False),
    Column("open_for", ID),
    Column("status", String(16), nullable=False),
    Column("test", LONG_TEXT),
    Column("answer", LONG_TEXT),
    Column("started_at", BigInteger, nullable=False),
    Column("deadline_at", BigInteger),
    Column("submitted_at", BigInteger),
    Column("decided_at", BigInteger),
    UniqueConstraint("qualification_type_id", "open_for"),
    Index("qualification_request_of_requester", "requester_id", "status", "submitted_at", "number"),
    Index("qualification_request_of_worker", "worker_id", "qualification_type_id", "number"),
)
