"""Settings -> Services: the only place that chooses adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from pixelpatchwork import resources
from pixelpatchwork.adapters.clocks import SystemClock
from pixelpatchwork.adapters.database import SqlStore, open_store
from pixelpatchwork.adapters.folder_images import FolderImages
from pixelpatchwork.adapters.hit_pages import HitPages
from pixelpatchwork.adapters.mturk import LIVE_ENDPOINT, SANDBOX_ENDPOINT, MTurkCrowd, mturk_client
from pixelpatchwork.adapters.offline_editor import OfflineEditor
from pixelpatchwork.adapters.picture_site import PictureSite
from pixelpatchwork.adapters.s3_images import S3Images, s3_client
from pixelpatchwork.adapters.shown_pictures import require_shown
from pixelpatchwork.config import GenerationSettings, Settings, VotingSettings, shown
from pixelpatchwork.config_texts import day_name
from pixelpatchwork.domain.answers import GenerationRules
from pixelpatchwork.domain.errors import ConfigurationError, CrowdError
from pixelpatchwork.domain.model import ImageState
from pixelpatchwork.domain.plan import RoundRules
from pixelpatchwork.domain.ports import Clock
from pixelpatchwork.marketplace import timekeeping
from pixelpatchwork.marketplace.app import create_app
from pixelpatchwork.marketplace.database import DatabaseUnusableError
from pixelpatchwork.marketplace.delivery import AwsSender, Courier
from pixelpatchwork.marketplace.embedded import attach
from pixelpatchwork.marketplace.faults import Faults
from pixelpatchwork.marketplace.hosting import Hosting
from pixelpatchwork.marketplace.market import DEFAULT_REQUESTER, Market, WrongSecretKeyError
from pixelpatchwork.marketplace.rates import Rate
from pixelpatchwork.marketplace.requesters import Key, Keyring
from pixelpatchwork.marketplace.revisions import WrongSchemaError
from pixelpatchwork.marketplace.ways_in import DEFAULT_LIMITS, UNLIMITED, Panel, SignUp, WaysIn
from pixelpatchwork.workflow.services import Exhibition, Services, StudyRules

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask
    from mypy_boto3_mturk import MTurkClient
    from pydantic import SecretStr

    from pixelpatchwork.adapters.openai_editor import OpenAIEditor

OWN_MARKET = "our own marketplace"
"""Embedded or served, by whatever address: rounds know it by this name, and AWS's by their settings' names."""
EDIT_LEASE = timedelta(seconds=90)
"""After a collector that was killed, this is how long its edits wait for the next one."""
_ENDPOINTS = {"mturk-sandbox": SANDBOX_ENDPOINT, "mturk-live": LIVE_ENDPOINT}

Images: TypeAlias = FolderImages | S3Images
"""The image stores there are; both know how to check themselves."""


@dataclass(frozen=True, kw_only=True)
class Staging:
    """What a rehearsal decides in place of the world: the time, what is drawn by lot, and what goes wrong."""

    clock: Clock
    random: Random | None = None
    secret_key: str | None = None
    faults: Faults | None = None


def real_world() -> Staging:
    """The machine's clock and its source of randomness."""
    return Staging(clock=SystemClock())


class Wiring:
    """The parts of one study, each made when it is first asked for: a command pays only for what it uses."""

    def __init__(self, settings: Settings, staging: Staging | None = None) -> None:
        self.settings = settings
        self.staging = staging or real_world()

    @cached_property
    def store(self) -> SqlStore:
        """The study's records. Raises StoreError before `ppw init`."""
        return open_store(self.settings.database_url)

    @cached_property
    def images(self) -> Images:
        """The study's pictures."""
        return open_images(self.settings)

    @cached_property
    def editor(self) -> OfflineEditor | OpenAIEditor:
        """Who repaints."""
        return OfflineEditor() if self.settings.editor == "offline" else _openai_editor(self.settings)

    @cached_property
    def marketplace(self) -> Flask:
        """The marketplace that is embedded or served."""
        return _marketplace(self.settings, self.staging)

    @cached_property
    def crowd(self) -> MTurkCrowd:
        """The marketplace's requester API, wherever it is."""
        settings = self.settings
        if settings.marketplace != "embedded":
            return MTurkCrowd(_remote_client(settings))
        client = mturk_client(
            endpoint_url="http://embedded.invalid",
            access_key="EMBEDDED",
            secret_key="embedded",  # noqa: S106  # never leaves the process; the embedded API asks for none
            max_connections=settings.parallel_calls,
        )
        attach(client, self.marketplace)
        return MTurkCrowd(client)

    @cached_property
    def site(self) -> WSGIApplication:
        """The workers' site, with the study's pictures beside it where they are in a folder."""
        site: WSGIApplication = self.marketplace.wsgi_app
        return site if self.settings.bucket else PictureSite(site, self.images)

    def open_to_others(self) -> None:
        """Notes that the marketplace is served to others than this machine: its clock is then the world's.

        Raises CrowdError where a rehearsal has moved the clock.
        """
        market: Market = self.marketplace.extensions["marketplace"]
        try:
            market.write(lambda moment: timekeeping.open_to_others(moment.connection))
        except timekeeping.ClockError as error:
            raise CrowdError(str(error)) from error

    def notifying(self) -> AbstractContextManager[None]:
        """While it lasts, a thread brings requesters their notifications, where the settings ask for it."""
        courier: Courier | None = self.marketplace.extensions.get("courier")
        return nullcontext() if courier is None else courier.running()

    def mint_key(self) -> Key:
        """A new access key of the marketplace's first requester, whose HITs the embedded commands publish."""
        market: Market = self.marketplace.extensions["marketplace"]
        keyring: Keyring = self.marketplace.extensions["keyring"]
        return market.write(lambda moment: keyring.mint(moment, DEFAULT_REQUESTER))

    @cached_property
    def exhibition(self) -> Exhibition:
        """What it takes to read and show the study: no key is needed for it."""
        return Exhibition(
            store=self.store,
            images=self.images,
            pages=HitPages(resources.hit_templates(), language=self.settings.language),
            rules=study_rules(self.settings),
        )

    @cached_property
    def services(self) -> Services:
        """Everything that the workflows ask for."""
        shown = self.exhibition
        return Services(
            store=shown.store,
            images=shown.images,
            pages=shown.pages,
            rules=shown.rules,
            crowd=self.crowd,
            market=self.settings.marketplace if self.settings.is_mturk else OWN_MARKET,
            editor=self.editor,
            clock=self.staging.clock,
        )

    def require_shown_pictures(self) -> None:
        """Tries the Day's latest picture where the marketplace is elsewhere, and is to show the folder of pictures.

        Raises ImageMissing where workers would not see it, StoreError or NothingToDo before `ppw init`.
        """
        settings = self.settings
        if settings.marketplace == "embedded" or settings.bucket or settings.images_url:
            return
        day = self.exhibition.current_day()
        # The latest one, for studies that begin with the same photograph have its key in common.
        painted = [one for one in self.store.images(day_number=day.number) if one.state is ImageState.VISIBLE]
        latest = painted[-1] if painted else self.store.image(day.seed_image_id)
        if latest is not None:
            require_shown(settings.marketplace, self.images.url(latest.s3_path))

    def check_editor(self) -> str:
        """Tries the editor without spending anything. Raises a PatchworkError that says what to mend."""
        editor = self.editor
        warnings = () if isinstance(editor, OfflineEditor) else editor.check()
        return "; ".join((f"{editor.name}, {editor.model}", *warnings))

    @property
    def editor_obstacle(self) -> str | None:
        """Why no edit can succeed, as far as that is known without asking anybody."""
        return None if isinstance(self.editor, OfflineEditor) else self.editor.obstacle

    @property
    def spends_on_edits(self) -> bool:
        """Whether an edit costs real money, or may: `openai.max_edit_usd: 0` says that a server is free."""
        return self.editor.worst_case_usd > 0

    @property
    def spends_on_hits(self) -> bool:
        """Whether a HIT costs real money."""
        return self.settings.marketplace == "mturk-live"

    def close(self) -> None:
        """Gives back what was opened."""
        if "store" in self.__dict__:
            self.store.close()


@contextmanager
def wired(settings: Settings, staging: Staging | None = None) -> Iterator[Wiring]:
    """The parts of a study, closed at the end."""
    wiring = Wiring(settings, staging)
    try:
        yield wiring
    finally:
        wiring.close()


def _openai_editor(settings: Settings) -> OpenAIEditor:
    # Imported here because the openai package takes longer to load than most commands take to run.
    from pixelpatchwork.adapters.openai_editor import OpenAIEditor  # noqa: PLC0415
    from pixelpatchwork.adapters.openai_models import (  # noqa: PLC0415
        OpenAISettings,
        Profile,
        RateTable,
    )

    chosen = settings.openai
    return OpenAIEditor(
        OpenAISettings(
            model=chosen.model,
            quality=chosen.quality,
            base_url=chosen.base_url,
            profile=Profile(chosen.profile),
            images_per_minute=chosen.images_per_minute,
            parallel=chosen.parallel,
            timeout=float(chosen.timeout_seconds),
            moderation=chosen.moderation,
            worst_case_usd=chosen.max_edit_usd,
            rates=RateTable(
                version=chosen.rates.version,
                text_in_usd=chosen.rates.text_input_usd,
                image_in_usd=chosen.rates.image_input_usd,
                image_out_usd=chosen.rates.image_output_usd,
            ),
        ),
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
    )


def _remote_client(settings: Settings) -> MTurkClient:
    """AWS's endpoints find their credentials where boto3 looks; a served marketplace has keys of its own."""
    endpoint = _ENDPOINTS.get(settings.marketplace)
    key, secret = (None, None) if endpoint else settings.require_marketplace_keys()
    return mturk_client(
        endpoint_url=endpoint or settings.marketplace,
        access_key=key,
        secret_key=secret,
        max_connections=settings.parallel_calls,
    )


def _marketplace(settings: Settings, staging: Staging) -> Flask:
    """Without keys in the settings nobody reaches the API over a socket; the embedded door needs none."""
    key, secret = settings.marketplace_access_key_id, settings.marketplace_secret_access_key
    url = settings.marketplace_database_url
    chosen = settings.marketplace_secret_key
    try:
        return create_app(
            Hosting(
                database_url=url,
                clock=staging.clock.now,
                requesters={key.get_secret_value(): secret.get_secret_value()} if key and secret else {},
                secret_key=staging.secret_key or _revealed(chosen) or None,
                # A rehearsal's key is its own affair and binds nobody.
                keeps_secret_key=staging.secret_key is None,
                signing_key=_revealed(settings.serve.signing_key) or None,
                older_signing_keys=settings.serve.older_keys,
                random=staging.random,
                sender=_sender(settings),
                faults=staging.faults,
                ways_in=_ways_in(settings, staging),
                most_held=settings.serve.max_held,
                api_rate=_api_rate(settings),
                public_url=settings.serve.public_url,
            )
        )
    except WrongSecretKeyError as error:
        raise ConfigurationError(
            f"{shown(url)}: {error} It is the setting PPW_MARKETPLACE_SECRET_KEY."
        ) from error
    except WrongSchemaError as error:
        raise CrowdError(f"{shown(url)}: {error}") from error
    except DatabaseUnusableError as error:
        raise CrowdError(
            f"The marketplace's database {shown(url)} cannot be used ({error}). Check that it is there and whole, "
            "and the setting `marketplace_database`."
        ) from error


def _ways_in(settings: Settings, staging: Staging) -> WaysIn:
    """Who may become a worker. A rehearsal's crowd works faster than people, so nobody counts its attempts."""
    return WaysIn(
        signup=SignUp(settings.serve.signup or SignUp.NAME),
        local_only=settings.serve.signup is None,
        panels={
            name: Panel(
                parameter=panel.parameter,
                complete_url=panel.complete_url,
                pattern=panel.id_pattern,
                secret=_revealed(panel.secret),
            )
            for name, panel in settings.serve.panels.items()
        },
        limits=DEFAULT_LIMITS if staging.random is None else UNLIMITED,
    )


def _revealed(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _api_rate(settings: Settings) -> Rate | None:
    """How fast each access key may call, unless it may call as fast as it can."""
    chosen = settings.serve
    return Rate(per_second=chosen.api_rate, burst=chosen.api_burst) if chosen.api_rate else None


def _sender(settings: Settings) -> AwsSender | None:
    """Who brings requesters their notifications."""
    chosen = settings.serve.notifications
    if chosen == "off":
        return None
    return AwsSender(endpoint_url=None if chosen == "aws" else chosen, region=settings.s3.region)


def open_images(settings: Settings) -> Images:
    """The image store of the settings."""
    bucket = settings.bucket
    if bucket is None:
        return FolderImages(settings.path(settings.images), public_url=settings.images_url or "/pictures")
    client = s3_client(
        endpoint_url=settings.s3.endpoint_url,
        region=settings.s3.region,
        max_connections=settings.parallel_calls,
    )
    return S3Images(
        client,
        bucket.name,
        bucket.prefix,
        public_url=settings.images_url,
        presign_seconds=settings.s3.presign_hours * 3600,
    )


def study_rules(settings: Settings) -> StudyRules:
    """The settings as the workflows need them."""
    generation, voting = settings.generation, settings.voting
    return StudyRules(
        generation=_round_rules(generation),
        voting=_round_rules(voting),
        answers=GenerationRules(
            min_coverage=generation.min_coverage,
            max_coverage=generation.max_coverage,
            max_prompt=generation.max_prompt,
        ),
        ballot_size=voting.ballot_size,
        has_incumbent=voting.incumbent,
        past_winners=generation.past_winners,
        timezone=settings.zone,
        parallel_calls=settings.parallel_calls,
        edit_lease=EDIT_LEASE,
        budget=settings.budget.rules(),
        bonuses=settings.bonus.rules(),
        judgement=settings.judgement.rules(),
        day_name=day_name(settings.language),
    )


def _round_rules(settings: GenerationSettings | VotingSettings) -> RoundRules:
    return RoundRules(
        title=settings.title,
        description=settings.description,
        keywords=settings.keywords,
        instructions=settings.instructions,
        consent=settings.consent,
        reward_usd=settings.reward_usd,
        assignments=settings.assignments,
        assignments_per_hit=settings.assignments_per_hit,
        lifetime=timedelta(hours=settings.lifetime_hours),
        assignment_duration=timedelta(minutes=settings.duration_minutes),
        auto_approval_delay=timedelta(days=settings.auto_approval_days),
    )
