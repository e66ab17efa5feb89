"""Models, prices and kinds of server: what the images API is, apart from how it is called.

All of it was read in OpenAI's pages and in the `openai` package 3.54 on 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from pixelpatchwork.domain.errors import EditorStopped
from pixelpatchwork.domain.model import Usage
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import GPT_IMAGE_LIMITS, SQUARE_LIMITS, CanvasLimits

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-image-2.5-sunburst-2026-09-08"
"""A dated snapshot, so that a study is painted by one model from its first Day to its last."""
MODERATION_MODEL = "omni-moderation-latest"

SHUT_DOWN: Mapping[str, date] = MappingProxyType(
    {
        "dall-e-2": date(2026, 5, 12),
        "dall-e-3": date(2026, 5, 12),
        "gpt-image-1": date(2026, 10, 23),
        "gpt-image-1.5": date(2026, 12, 1),
        "gpt-image-1-mini": date(2026, 12, 1),
        "chatgpt-image-latest": date(2026, 12, 1),
    }
)
"""OpenAI's image models that have ended or whose end is announced, by the day of it."""

Quality = Literal["low", "medium", "high", "xhigh", "max", "auto"]

_MILLION = 1_000_000


class Profile(StrEnum):
    """Which dialect of the images API a server speaks."""

    OPENAI = "openai"
    SD_SERVER = "sd-server"
    DALL_E_2 = "dall-e-2"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a kind of server takes beside image, mask, prompt, model, size and n = 1.

    Attributes:
        limits: the picture sizes it takes.
        max_prompt: characters of the prompt at most.
        knows_gpt_image: quality, background, output format and safety identifier may be sent.
        wants_response_format: it answers with links unless base64 is asked for.
    """

    limits: CanvasLimits
    max_prompt: int
    knows_gpt_image: bool = False
    wants_response_format: bool = False


DIALECTS: Mapping[Profile, Dialect] = MappingProxyType(
    {
        Profile.OPENAI: Dialect(limits=GPT_IMAGE_LIMITS, max_prompt=32_000, knows_gpt_image=True),
        Profile.SD_SERVER: Dialect(
            limits=CanvasLimits(multiple=64, min_area=512**2, max_area=1024**2, max_ratio=2.0),
            max_prompt=32_000,
        ),
        Profile.DALL_E_2: Dialect(limits=SQUARE_LIMITS, max_prompt=1_000, wants_response_format=True),
    }
)


@dataclass(frozen=True, kw_only=True)
class RateTable:
    """Prices in USD per million tokens, and the version under which they are recorded."""

    version: str
    text_in_usd: Usd
    image_in_usd: Usd
    image_out_usd: Usd

    def cost(self, usage: Usage | None) -> Usd | None:
        """What this usage costs, exactly; None (unknown, never zero) where a part of it is not said."""
        if usage is None:
            return None
        counts = usage.input_text_tokens, usage.input_image_tokens, usage.output_tokens
        prices = self.text_in_usd, self.image_in_usd, self.image_out_usd
        parts = [count * price for count, price in zip(counts, prices, strict=True) if count is not None]
        return sum(parts, Usd(0)) / _MILLION if len(parts) == len(counts) else None


GPT_IMAGE_RATES = RateTable(version="2026-11", text_in_usd=Usd(5), image_in_usd=Usd(8), image_out_usd=Usd(30))
"""GPT Image 2, 2.5 and 2.6."""


WORST_CASE_USD = Usd("0.40")
"""An assumption, to be corrected from a study's own bills: 10,000 tokens out, two pictures of 1,020 tokens and
the longest prompt (8,000 tokens) in make $0.36."""


@dataclass(frozen=True, kw_only=True)
class OpenAISettings:
    """How to reach an images server, and what to ask of it.

    Attributes:
        model: the model's id, always sent.
        quality: GPT Image's word for it; sent to servers that know it.
        base_url: up to and with `/v1`; None is OpenAI itself.
        profile: which dialect the server speaks.
        images_per_minute: the account's limit. OpenAI's tiers are quoted as 5, 20, 50, 150, 250.
        parallel: edits at once.
        timeout: seconds that the server may be silent, and after which an answer that still comes is cut off;
            connecting gets 5.
        rates: prices.
        worst_case_usd: what one edit costs at most, for the workflow to reserve. 0: this server is free.
        moderation: whether prompts are screened first, free of charge, by the server's `/moderations`.
    """

    model: str = DEFAULT_MODEL
    quality: Quality = "medium"
    base_url: str | None = None
    profile: Profile = Profile.OPENAI
    images_per_minute: int = 5
    parallel: int = 2
    timeout: float = 360.0
    rates: RateTable = GPT_IMAGE_RATES
    worst_case_usd: Usd = WORST_CASE_USD
    moderation: bool = True

    @property
    def dialect(self) -> Dialect:
        """What the server takes."""
        return DIALECTS[self.profile]


def is_openai_host(host: str) -> bool:
    """Whether this is OpenAI's own service (regions included), which bills every picture."""
    name = host.lower().rstrip(".")
    return name == "api.openai.com" or name.endswith(".api.openai.com")


def announced_end(model: str) -> date | None:
    """The day on which OpenAI ends or ended a model, dated snapshots included; None where none is announced."""
    ends = (day for name, day in SHUT_DOWN.items() if model == name or model.startswith(f"{name}-20"))
    return next(ends, None)


def refuse_shut_down(model: str, *, today: date) -> None:
    """Raises EditorStopped from the day on that OpenAI ends the model."""
    day = announced_end(model)
    if day is not None and day <= today:
        raise EditorStopped(
            f"OpenAI shut {model} down on {day}. Set openai.model to {DEFAULT_MODEL}, the default."
        )


def warning_of_end(model: str, day: date, *, today: date) -> str:
    """What to say of a model that still answers and ends on `day`, or should have."""
    if day <= today:
        return f"the model {model} was to shut down on {day} and may end any moment: set openai.model"
    return f"the model {model} shuts down on {day}: end the study before, or set openai.model"
