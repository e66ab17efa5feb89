"""The sections of the settings: every key below the top level, with its meaning, its default and its bounds.

Bounds marked "marketplace" are those of the Mechanical Turk requester API. The defaults suit a
small study.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pixelpatchwork.config_texts import ENGLISH, default_texts
from pixelpatchwork.config_types import Line, Notifications, Region, Reward, Secret, SecretKey, WebAddress


class Section(BaseModel):
    """A group of keys. Unknown keys are faults; an empty value means the default."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        return without_empty(cls, data)


def without_empty(model: type[BaseModel], data: Any) -> Any:
    """The raw values of a section, without those of its keys that were left empty."""
    if not isinstance(data, dict):
        return data
    return {key: value for key, value in data.items() if value is not None or key not in model.model_fields}


# ---- the rounds -----------------------------------------------------------------------------------------

Title = Annotated[
    Line, Field(max_length=112, description="What workers see in the list of HITs, with the Day.")
]
Description = Annotated[Line, Field(max_length=2000, description="What workers read below the title.")]
Keywords = Annotated[
    Line, Field(max_length=1000, description="Words that workers search for, with commas between.")
]
Instructions = Annotated[
    Line,
    Field(max_length=4000, description="What to do, shown on the page; write it in the page's `language`."),
]
Consent = Annotated[
    Line,
    Field(
        max_length=4000,
        description="What a worker agrees to before starting; have your ethics board read it.",
    ),
]
Assignments = Annotated[
    int, Field(ge=1, le=100_000, description="How many answers the round asks for in all.")
]
LifetimeHours = Annotated[
    int,
    Field(ge=1, le=8760, description="How long a HIT can be found and accepted (marketplace: up to a year)."),
]
DurationMinutes = Annotated[
    int,
    Field(
        ge=1,
        le=525_600,
        description="How long a worker may take after accepting (marketplace: up to a year).",
    ),
]
AutoApprovalDays = Annotated[
    int,
    Field(
        ge=0, le=30, description="After how many days the marketplace pays an answer that was not collected."
    ),
]
TEXTS = default_texts(ENGLISH)
"""For a section by itself; `Settings` gives each the texts of its language."""


class GenerationSettings(Section):
    """The generation round."""

    title: Title = TEXTS["generation.title"]
    description: Description = TEXTS["generation.description"]
    keywords: Keywords = TEXTS["generation.keywords"]
    instructions: Instructions = TEXTS["generation.instructions"]
    consent: Consent = TEXTS["generation.consent"]
    reward_usd: Reward = Decimal("0.25")
    assignments: Assignments = 12
    assignments_per_hit: int = Field(
        default=9,
        ge=1,
        le=9,
        description="Answers asked of one HIT; the round is cut into such HITs. At most 9, because a HIT"
        " with 10 or more costs a second fee of 20% on each answer.",
    )
    lifetime_hours: LifetimeHours = 24
    duration_minutes: DurationMinutes = 30
    auto_approval_days: AutoApprovalDays = 3
    min_coverage: float = Field(
        default=0.005, gt=0, le=1, description="The least share of the picture that a mask covers."
    )
    max_coverage: float = Field(
        default=0.5, gt=0, le=1, description="The greatest share of the picture that a mask covers."
    )
    max_prompt: int = Field(default=500, ge=10, le=32_000, description="The longest prompt, in characters.")
    past_winners: int = Field(default=5, ge=0, le=50, description="How many earlier winners the page shows.")


class VotingSettings(Section):
    """The voting round."""

    title: Title = TEXTS["voting.title"]
    description: Description = TEXTS["voting.description"]
    keywords: Keywords = TEXTS["voting.keywords"]
    instructions: Instructions = TEXTS["voting.instructions"]
    consent: Consent = TEXTS["voting.consent"]
    reward_usd: Reward = Decimal("0.10")
    assignments: Assignments = 12
    assignments_per_hit: int = Field(
        default=1,
        ge=1,
        le=9,
        description="Answers asked of one HIT. All of them see the same ballot: with 1, every image is seen by as many"
        " voters as any other, to within one, but a keen worker may do many HITs, of which those count for nothing (and"
        " are paid) whose pictures he has voted on. At most 9, because a HIT with 10 or more costs a second fee of 20%"
        " on each answer.",
    )
    lifetime_hours: LifetimeHours = 24
    duration_minutes: DurationMinutes = 30
    auto_approval_days: AutoApprovalDays = 3
    ballot_size: int = Field(default=8, ge=2, le=20, description="How many pictures stand on one ballot.")
    incumbent: bool = Field(
        default=True, description="Whether the Day's seed stands for election too, and so may win again."
    )


# ---- the services ---------------------------------------------------------------------------------------


class RateSettings(Section):
    """The image service's prices."""

    version: Line = Field(
        default="2026-11",
        max_length=40,
        description="A name for this table of prices, recorded with each cost. Give it another one when you change"
        " a price.",
    )
    text_input_usd: Decimal = Field(
        default=Decimal(5), ge=0, le=10_000, description="One million tokens of text sent."
    )
    image_input_usd: Decimal = Field(
        default=Decimal(8), ge=0, le=10_000, description="One million tokens of pictures sent."
    )
    image_output_usd: Decimal = Field(
        default=Decimal(30), ge=0, le=10_000, description="One million tokens of pictures made."
    )


class OpenAISettings(Section):
    """The `openai` editor: OpenAI's images API, or a server that speaks it."""

    model: Line = Field(
        default="gpt-image-2.5-sunburst-2026-09-08",
        max_length=100,
        description="The model's id, best a dated snapshot.",
    )
    quality: Literal["low", "medium", "high", "auto", "xhigh", "max"] = Field(
        default="medium", description="Effort for each picture; xhigh and max need a model of the 2.5 family."
    )
    base_url: WebAddress = Field(
        default=None,
        description="Another server that speaks the same API; empty for OpenAI's own.",
    )
    profile: Literal["openai", "sd-server", "dall-e-2"] = Field(
        default="openai", description="Which dialect of the API the server speaks."
    )
    images_per_minute: int = Field(
        default=5, ge=1, le=10_000, description="The rate limit of your account's tier."
    )
    parallel: int = Field(default=2, ge=1, le=32, description="How many edits run at once.")
    timeout_seconds: int = Field(default=360, ge=10, le=3600, description="How long to wait for one picture.")
    moderation: bool = Field(
        default=True,
        description="Whether prompts are screened, free of charge, before anything is paid for them.",
    )
    max_edit_usd: Decimal = Field(
        default=Decimal("0.40"),
        ge=0,
        le=100,
        description="The most that one edit can cost; asked for before edits are made. 0: this server is free.",
    )
    rates: RateSettings = Field(default=RateSettings(), description="Prices in USD for one million tokens.")


class S3Settings(Section):
    """The bucket, where `images` names one."""

    endpoint_url: WebAddress = Field(
        default=None,
        description="Another server that speaks S3; empty for AWS.",
    )
    region: Region = Field(default="us-east-1", description="The bucket's region.")
    presign_hours: int = Field(
        default=168,
        ge=1,
        le=168,
        description="How long a link to a picture works (S3 signs for a week at most).",
    )


class PanelSettings(Section):
    """A recruiting panel that sends participants to `/join/NAME?PARAMETER=their-id`."""

    parameter: str = Field(
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description="The name of the parameter in which the panel sends its participant's id.",
    )
    complete_url: str = Field(
        max_length=1000,
        pattern="^https://[^\\s/]+(/\\S*)?$",
        description="Where participants are sent when they have finished.",
    )
    id_pattern: str = Field(
        default="[A-Za-z0-9_-]{1,64}",
        max_length=200,
        description="What the panel's ids look like, as a regular expression for the whole of one.",
    )

    secret: Secret = Field(
        default=None,
        description="What the panel signs its links with. It stands in the environment or .env only.",
    )

    @field_validator("id_pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


PanelName = Annotated[str, Field(pattern="^[a-z0-9-]{1,40}$")]


class ServeSettings(Section):
    """`ppw serve`: the marketplace on a port."""

    host: Line = Field(
        default="127.0.0.1", max_length=255, description="The address to listen on; 0.0.0.0 for all."
    )
    port: int = Field(default=8765, ge=0, le=65_535, description="The port to listen on; 0 takes a free one.")
    public_url: WebAddress = Field(
        default=None,
        description="The address under which people and programs reach the site, such as https://market.example.org."
        " Links are made of it, and requests for other hosts than it and this machine are refused.",
    )
    threads: int = Field(default=16, ge=1, le=256, description="How many requests are answered at once.")
    notifications: Notifications = Field(
        default="off",
        description="Who brings requesters their notifications: `aws` sends them to SQS and SNS with the AWS"
        " credentials of this machine. An embedded marketplace heeds this too.",
    )
    proxies: int = Field(
        default=1,
        ge=0,
        le=5,
        description="How many proxies of yours stand before a WSGI server: their X-Forwarded-For and -Proto are"
        " believed. `ppw serve` believes a proxy on its own machine.",
    )
    signup: Literal["name", "password", "invite", "closed"] | None = Field(
        default=None,
        description="Who may become a worker: anybody under any name (`name`, for this machine alone or people who"
        " trust each other), with a password, with an invitation link too (`ppw marketplace invite`), or nobody new."
        " Empty: `name` where only this machine can reach the site, else it must be chosen.",
        json_schema_extra={"allowed": "name, password, invite or closed"},
    )
    signing_key: SecretKey = Field(
        default=None,
        description="What signs sessions, invitations and submits in place of `marketplace_secret_key`. Unlike that"
        " one it can be changed: put the key of before into `older_signing_keys` for a while.",
    )
    older_signing_keys: Secret = Field(
        default=None,
        description="Keys of before, with commas between: what they signed is believed. A key that others may know must"
        " not stand here.",
    )
    max_held: int = Field(
        default=25,
        ge=1,
        le=10_000,
        description="How many accepted HITs one worker may hold at once, of all requesters together.",
    )
    api_rate: int = Field(
        default=500,
        ge=0,
        le=100_000,
        description="How many API calls a second one access key may make at each process, in the long run; 0: no limit."
        " Beyond it calls are throttled as Mechanical Turk throttled them, and clients try again.",
    )
    api_burst: int = Field(
        default=2000,
        ge=1,
        le=1_000_000,
        description="How many calls it may make at once after a pause, before `api_rate` counts.",
    )
    panels: dict[PanelName, PanelSettings] = Field(
        default={},
        description="Recruiting panels that send participants, by the names in their links, such as"
        " {prolific: {parameter: PROLIFIC_PID, complete_url: 'https://app.prolific.com/submissions/complete?cc=C1'}}.",
        json_schema_extra={
            "allowed": "for each name a parameter, a complete_url and perhaps an id_pattern;"
            " a secret (PPW_SERVE__PANELS__NAME__SECRET) in the environment or .env only"
        },
    )

    @field_validator("public_url")
    @classmethod
    def _is_a_host(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if parts.path or parts.query or parts.fragment or ":" in (parts.hostname or ""):
            raise ValueError("is more than a host's name; give one such as https://market.example.org")
        return url

    @property
    def base_url(self) -> str:
        """What links to the site begin with, without a slash at the end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def older_keys(self) -> tuple[str, ...]:
        """The keys among `older_signing_keys`, one by one."""
        text = self.older_signing_keys.get_secret_value() if self.older_signing_keys else ""
        return tuple(key for key in (part.strip() for part in text.split(",")) if key)
