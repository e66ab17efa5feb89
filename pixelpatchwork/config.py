"""The settings: one frozen value, read once from YAML, `.env` and the environment, every fault at once.

A `Settings(...)` built by hand reads nothing but its arguments; `load_settings` is what looks at files and
variables. The sections stand in `config_sections`, reading in `config_sources`, which keys do not go together in
`config_conflicts`, the wording of faults in `config_faults`, and what the model says of itself in `config_keys`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pixelpatchwork import resources
from pixelpatchwork.config_budget import BonusSettings, BudgetSettings
from pixelpatchwork.config_conflicts import conflicts
from pixelpatchwork.config_faults import (
    Conflicts,
    faults_of,
    masked,
    report,
    secrets_written_in,
    unknown_key,
)
from pixelpatchwork.config_judgement import JudgementSettings
from pixelpatchwork.config_keys import Key, keys_of, render
from pixelpatchwork.config_schedule import ScheduleSettings
from pixelpatchwork.config_sections import (
    GenerationSettings,
    OpenAISettings,
    S3Settings,
    ServeSettings,
    VotingSettings,
    without_empty,
)
from pixelpatchwork.config_sources import Fault, dotenv_layer, environment_layer, overlay, without, yaml_layer
from pixelpatchwork.config_texts import ENGLISH, Language, default_texts, with_texts
from pixelpatchwork.config_types import (
    BUCKET,
    MTURK,
    SQLITE_FILE,
    DatabaseUrl,
    ImagePlace,
    Line,
    Marketplace,
    Secret,
    SecretKey,
    TimeZone,
    WebAddress,
)
from pixelpatchwork.config_watch import WatchSettings
from pixelpatchwork.domain.errors import ConfigurationError

__all__ = [
    "Bucket",
    "ConfigurationError",
    "GenerationSettings",
    "Key",
    "OpenAISettings",
    "S3Settings",
    "ServeSettings",
    "Settings",
    "VotingSettings",
    "describe",
    "fault_in",
    "load_settings",
    "render_settings",
    "shown",
]

SETTINGS_FILE = "study.yaml"
"""The settings of a study in its own folder."""

INTERNAL = frozenset({"folder"})
"""Fields of the model that are no keys."""

FILE_HEADER = (
    "The settings of one study. Every key is here with its meaning; docs/settings.md says more.\n"
    "Paths are relative to this file. The environment, or .env beside this file, goes before it:\n"
    "generation.reward_usd is PPW_GENERATION__REWARD_USD. Secrets stand there only, never here.\n"
    "Values are text until they are read: quotes are needed only where YAML would stumble."
)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where pictures go in S3; `prefix` has no slash at either end and may be empty."""

    name: str
    prefix: str


class Settings(BaseSettings):
    """Everything that a study's owner decides. Frozen; the secrets never show in its text."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        hide_input_in_errors=True,
        validate_default=True,
        env_prefix="PPW_",
    )

    folder: Path = Field(default_factory=Path.cwd, json_schema_extra={"internal": True})
    """The settings file's folder; paths in the settings are relative to it."""

    study: Line = Field(
        default=default_texts(ENGLISH)["study"],
        max_length=60,
        description="The study's name, shown to workers.",
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="The time zone in which a Day's date is read.",
    )
    language: Language = Field(
        default=ENGLISH,
        description="The language of the workers' pages. Texts that are set stay as they are; those that are not are in"
        " this language, too.",
    )
    marketplace: Marketplace = Field(
        default="embedded",
        description="Where HITs are published: inside this program, at a `ppw serve` elsewhere, or at AWS.",
    )
    marketplace_database: DatabaseUrl = Field(
        default="sqlite:///marketplace.db",
        description="The marketplace's own records, where it is embedded or served.",
    )
    database: DatabaseUrl = Field(default="sqlite:///study.db", description="The study's records.")
    images: ImagePlace = Field(
        default="images",
        description="Where pictures are kept.",
    )
    images_url: WebAddress = Field(
        default=None,
        description="The public address under which workers' browsers find the pictures; https, where it is not the"
        " marketplace's own. Empty: `ppw serve` of the same folder shows them, and S3 gets links that are signed for a"
        " while. A folder that the marketplace's server does not have needs an address here.",
    )
    editor: Literal["offline", "openai"] = Field(
        default="offline",
        description="Who repaints: a filler without a model, for trying things out, or OpenAI's images API.",
    )
    seed: Line = Field(
        default="seed.jpg",
        description="The photograph that the first Day starts from.",
        json_schema_extra={
            "allowed": "the path of a picture: JPEG, PNG, WebP, GIF, TIFF or BMP, not animated"
        },
    )
    max_seed_side: int = Field(
        2048,
        ge=256,
        le=6000,
        description="The longer side of the first seed in pixels; a larger photograph is reduced to it. Workers load a"
        " whole ballot of such pictures, and a camera's 24 megapixels are 40 MB each.",
    )
    parallel_calls: int = Field(
        default=10,
        ge=1,
        le=64,
        description="How many calls go to the marketplace at once. More than about ten make one process no faster.",
    )
    openai_api_key: Secret = Field(
        default=None, description="The key of the `openai` editor; OPENAI_API_KEY works as well."
    )
    marketplace_access_key_id: Secret = Field(
        default=None,
        description="The requester's key at a served marketplace: one that `ppw marketplace add-requester` printed"
        " there, or one that you made up and gave to both sides.",
    )
    marketplace_secret_access_key: Secret = Field(
        default=None, description="The secret that belongs to this key."
    )
    marketplace_secret_key: SecretKey = Field(
        default=None,
        description="What signs the marketplace's sessions and makes worker ids and access keys. Without it, one is"
        " made and kept in the marketplace's database; set it before the first use. Another one is refused afterwards.",
    )
    generation: GenerationSettings = Field(default=GenerationSettings(), description="The generation round.")
    voting: VotingSettings = Field(default=VotingSettings(), description="The voting round.")
    judgement: JudgementSettings = Field(default=JudgementSettings(), description="How answers are judged.")
    budget: BudgetSettings = Field(default=BudgetSettings(), description="What may be spent at most.")
    watch: WatchSettings = Field(default=WatchSettings(), description="`ppw collect --watch` and `ppw run`.")
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="The hours of `ppw run`.")
    bonus: BonusSettings = Field(default=BonusSettings(), description="What `ppw bonus` pays for a Day.")
    openai: OpenAISettings = Field(default=OpenAISettings(), description="The `openai` editor.")
    s3: S3Settings = Field(default=S3Settings(), description="The bucket, where `images` names one.")
    serve: ServeSettings = Field(default=ServeSettings(), description="`ppw serve`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments only: the process's environment would be a hidden one (`load_settings` is given it)."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        return without_empty(cls, with_texts(data) if isinstance(data, dict) else data)

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if found := tuple(conflicts(self)):
            raise Conflicts(found)
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked(value) if isinstance(value, str) else value

    # What the values mean

    def path(self, text: str) -> Path:
        """A path of the settings, read from the settings file's folder."""
        return (self.folder / Path(text).expanduser()).resolve()

    @property
    def seed_path(self) -> Path:
        """Where the first Day's photograph is."""
        return self.path(self.seed)

    @property
    def database_url(self) -> str:
        """`database` with a file's path made absolute."""
        return self._absolute(self.database)

    @property
    def marketplace_database_url(self) -> str:
        """`marketplace_database` with a file's path made absolute."""
        return self._absolute(self.marketplace_database)

    @property
    def bucket(self) -> Bucket | None:
        """The pictures' bucket, or None where they are in a folder."""
        match = BUCKET.fullmatch(self.images)
        return Bucket(name=match["name"], prefix=(match["prefix"] or "").strip("/")) if match else None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a Day's date is read."""
        return ZoneInfo(self.timezone)

    @property
    def is_mturk(self) -> bool:
        """Whether HITs go to one of AWS's two endpoints."""
        return self.marketplace in MTURK

    def require_marketplace_keys(self) -> tuple[str, str]:
        """Key id and secret for a served marketplace. Raises ConfigurationError where one is missing."""
        if self.marketplace_access_key_id is None or self.marketplace_secret_access_key is None:
            raise ConfigurationError(
                "A served marketplace needs a key: put PPW_MARKETPLACE_ACCESS_KEY_ID=... and"
                " PPW_MARKETPLACE_SECRET_ACCESS_KEY=... into the environment or .env: the two values that `marketplace"
                " add-requester` prints there, or two that you make up and give to the server as well"
            )
        return (
            self.marketplace_access_key_id.get_secret_value(),
            self.marketplace_secret_access_key.get_secret_value(),
        )

    def _absolute(self, url: str) -> str:
        match = SQLITE_FILE.fullmatch(url)
        if not match:
            return url
        path = str(self.path(match["file"]))
        if "?" in path:  # where an address ends and its options begin; SQLAlchemy knows no way to quote it
            raise ConfigurationError(
                f"{path}: no SQLite database can have a question mark in its path. Rename it."
            )
        return f"{match['scheme']}{path}{match['query'] or ''}"


# ---- reading --------------------------------------------------------------------------------------------


def load_settings(path: Path | None, environ: Mapping[str, str], *, text: str | None = None) -> Settings:
    """The settings of `path`, else of `PPW_CONFIG`, `study.yaml`, `config/local.yaml`, or the packaged ones.

    The environment goes before `.env` beside the file, that before the file, the file before defaults. `text` is what
    the file is about to hold, where it is not written yet. Raises ConfigurationError, which lists every fault.
    """
    file, folder = _settings_file(path, environ)
    written = yaml_layer(file, text)
    faults = secrets_written_in(written, Settings)
    written.values = without(written.values, [fault.key for fault in faults])
    layers = [written, dotenv_layer(folder / ".env"), environment_layer(environ, source="the environment")]
    values: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in layers:
        values = overlay(values, layer.values)
        origins |= layer.origins
        faults += layer.faults
    faults += _value_faults(values, origins, folder)
    if faults:
        raise ConfigurationError(report(faults, file))
    if file.parent != folder:
        values["seed"] = str(file.parent / str(values.get("seed", "")))
    return Settings(**values | {"folder": folder})


def describe() -> Iterator[Key]:
    """Every key of the settings, in order."""
    return keys_of(Settings)


def fault_in(key: str, value: object) -> str | None:
    """What is wrong with this value of one key, and what would be right; None where nothing is."""
    return next(
        (fault.message for fault in _value_faults({key: value}, {}, Path()) if fault.key == key), None
    )


def render_settings(overrides: Mapping[str, object]) -> str:
    """A settings file with every key, its meaning above it; `overrides` gives values by dotted key.

    The texts for workers are in its language. Raises ConfigurationError where an override has no key.
    """
    known = {key.name for key in describe() if not key.is_secret}
    if unknown := sorted(set(overrides) - known):
        raise ConfigurationError(f"no such settings: {', '.join(unknown)}")
    texts = default_texts(str(overrides.get("language", ENGLISH)))
    return render(Settings, texts | dict(overrides), header=FILE_HEADER)


def shown(url: str) -> str:
    """An address fit to be shown: its password, if it has one, is masked."""
    return masked(url)


def _settings_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The settings file, and the folder that its paths are read from.

    The two differ for the default that travels with the program only. Within a checkout it names the study that the
    demo left there; anywhere else nobody means that one, so paths are read as if its `config` folder stood in the
    current directory.
    """
    if named := path or environ.get("PPW_CONFIG"):
        file = Path(named).absolute()
        return file, file.parent
    here = Path.cwd() / "config" / "local.yaml"
    for file in (Path.cwd() / SETTINGS_FILE, here):
        if file.is_file():
            return file, file.parent
    shipped = resources.config() / "local.yaml"
    is_in_checkout = Path.cwd().is_relative_to(shipped.parent.parent)
    return shipped, shipped.parent if is_in_checkout else here.parent


def _value_faults(
    values: Mapping[str, Any], origins: Mapping[tuple[str, ...], str], folder: Path
) -> list[Fault]:
    """Every fault of the values: of single keys first, then between keys that are right by themselves."""
    found = [unknown_key(key, Settings, origins) for key in INTERNAL & values.keys()]
    rest = {key: value for key, value in values.items() if key not in INTERNAL}
    while error := _error(rest | {"folder": folder}):
        news = faults_of(error, Settings, origins, skip={fault.key for fault in found})
        if not news:
            break
        found += news
        rest = without(rest, [fault.key for fault in news])
    return found


def _error(values: Mapping[str, Any]) -> ValidationError | None:
    try:
        Settings(**values)
    except ValidationError as error:
        return error
    return None
