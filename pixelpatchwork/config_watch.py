"""The section `watch` of the settings: how a process that lives for days hears of answers, and shows that it lives."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pixelpatchwork.config_sections import Section
from pixelpatchwork.config_types import Line, WebAddress

_QUEUE = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/\d{12}/[A-Za-z0-9_-]{1,80}")
"""A standard queue. FIFO queues are left out: the marketplace does not send to them."""


def _queue(text: str | None) -> str | None:
    if text is not None and not _QUEUE.fullmatch(text):
        raise ValueError("is no queue's URL")
    return text


QueueUrl = Annotated[
    str | None,
    Field(
        json_schema_extra={
            "allowed": "the URL of a standard SQS queue, such as"
            " https://sqs.eu-west-1.amazonaws.com/123456789012/answers, or empty"
        },
    ),
    AfterValidator(_queue),
]


class WatchSettings(Section):
    """`ppw collect --watch` and `ppw run`."""

    queue: QueueUrl = Field(
        default=None,
        description="A queue that the marketplace is to tell of answers, so that they are collected at once. AWS's"
        " credentials are found where boto3 looks for them. Empty: answers are looked for now and then.",
    )
    queue_endpoint_url: WebAddress = Field(
        default=None, description="Another server that speaks SQS; empty for AWS."
    )
    sweep_minutes: float | None = Field(
        default=None,
        gt=0,
        le=1440,
        description="How often everything is read, give or take 15%. Empty: every 5 minutes with a queue that works,"
        " every minute without.",
    )
    health_file: Line | None = Field(
        default=None,
        description="A small JSON file for a supervisor, rewritten with each turn: when, in which state, how much was"
        " done. Empty: none.",
        json_schema_extra={"allowed": "the path of a file"},
    )
