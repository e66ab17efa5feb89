"""The `Editor` port over the OpenAI images API: OpenAI itself, and servers that speak as it does.

The client's own retries are off, for they would bill a lost answer up to three times; see `openai_errors`.
A missing key or a model that has ended stops edits and nothing else: the rest of a study goes on, and is paid for.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from openai import APIResponse, NotFoundError, OpenAI, Timeout, omit

from pixelpatchwork.adapters.openai_answers import (
    LinkAnsweredError,
    is_flagged,
    picture_of,
    read_object,
    shutdown_date_of,
    usage_of,
)
from pixelpatchwork.adapters.openai_errors import TRANSPORT_FAULTS, Diagnosis, TransportFault, diagnose
from pixelpatchwork.adapters.openai_models import (
    MODERATION_MODEL,
    OPENAI_URL,
    OpenAISettings,
    announced_end,
    is_openai_host,
    refuse_shut_down,
    warning_of_end,
)
from pixelpatchwork.adapters.openai_pace import ImageRate, with_retries
from pixelpatchwork.domain.errors import (
    EditorBusy,
    EditorStopped,
    EditOutcomeUnknown,
    EditRefused,
    EditRejected,
)
from pixelpatchwork.domain.model import Usage
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.patch import CanvasLimits
from pixelpatchwork.domain.ports import EditRequest, EditResult

_CONNECT_TIMEOUT = 5.0
_NO_KEY = "no-key-needed"
"""What a server that wants no key is sent, for the client sends something."""
_ASK_FOR_PICTURES = "Set openai.profile to dall-e-2, which asks for the pictures themselves."
_ASKED_IN_VAIN = "The picture itself was asked for: set openai.base_url to another server."
_KEY_MISSING = "There is no OpenAI key. Set OPENAI_API_KEY in the environment or in .env."
_SD_ARGUMENTS = re.compile("sd_cpp_extra_args", re.IGNORECASE)
"""The tag by which a prompt could set the parameters of stable-diffusion.cpp's server."""


def _utc_today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """A JSON object that a server answered with."""

    body: dict[str, Any]
    request_id: str | None


class OpenAIEditor:
    """Repaints with a model behind `/v1/images/edits`; may be shared by threads."""

    name = "openai"

    def __init__(
        self,
        settings: OpenAISettings,
        *,
        api_key: str | None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = _utc_today,
    ) -> None:
        """Connects to nothing yet. Raises nothing for a key or a model that cannot work: `edit` and `check` do.

        `today` is the date in UTC, by which models end.
        """
        self._settings = settings
        self._today = today
        self._sleep = sleep
        self._monotonic = monotonic
        self._rate = ImageRate(settings.images_per_minute, monotonic=monotonic, sleep=sleep)
        base_url = settings.base_url or OPENAI_URL
        self._obstacle = _fault_of_key(api_key, base_url)
        self._client = OpenAI(
            api_key=_NO_KEY if self._obstacle or not api_key else api_key,
            base_url=base_url,
            max_retries=0,
            timeout=Timeout(settings.timeout, connect=_CONNECT_TIMEOUT),
        )

    @property
    def model(self) -> str:
        """The model's id, pinned."""
        return self._settings.model

    @property
    def parameters(self) -> str:
        """Profile and quality, as JSON text with sorted keys."""
        settings = self._settings
        chosen = {"quality": settings.quality} if settings.dialect.knows_gpt_image else {}
        return json.dumps({"profile": settings.profile, **chosen}, sort_keys=True)

    @property
    def limits(self) -> CanvasLimits:
        """Which picture sizes the server takes."""
        return self._settings.dialect.limits

    @property
    def worst_case_usd(self) -> Usd:
        """What one edit costs at most."""
        return self._settings.worst_case_usd

    @property
    def parallel(self) -> int:
        """How many edits may run at once."""
        return self._settings.parallel

    @property
    def host_costs_money(self) -> bool:
        """Whether the server is OpenAI's own."""
        return is_openai_host(self._client.base_url.host)

    @property
    def obstacle(self) -> str | None:
        """Why no edit can succeed, as far as that is known without asking anybody."""
        try:
            self._refuse_in_vain()
        except EditorStopped as stopped:
            return str(stopped)
        return None

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    # ---- the edit ---------------------------------------------------------------------------------------

    def edit(self, request: EditRequest, *, sending: Callable[[], None]) -> EditResult:
        """Screens the prompt where that is on, and repaints. The picture comes back undecoded, of any size.

        A try that the server turned away is repeated up to three times, one that failed (500) once, with at most a
        minute and the wait for a place in the rate between them. Raises the EditorError family; EditorStopped with
        nothing sent where there is no key or the model has ended.
        """
        self._refuse_in_vain()
        prompt = self._prompt(request)
        if self._settings.moderation:
            self._screen(prompt)
        answer = self._retrying(lambda: self._paint(request, prompt, sending))
        picture = self._picture(answer)
        usage = usage_of(answer.body)
        cost = self._cost(usage)
        return EditResult(
            image=picture,
            usage=usage,
            cost_usd=cost,
            request_id=answer.request_id,
            rates=None if cost is None or self._is_free else self._settings.rates.version,
        )

    def _refuse_in_vain(self) -> None:
        """Raises EditorStopped where it is known without asking that no edit can succeed."""
        if self._obstacle:
            raise EditorStopped(self._obstacle)
        if self.host_costs_money:
            refuse_shut_down(self.model, today=self._today())

    def _prompt(self, request: EditRequest) -> str:
        prompt = _SD_ARGUMENTS.sub("sd cpp extra args", request.prompt)
        longest = self._settings.dialect.max_prompt
        if len(prompt) > longest:
            raise EditRejected(
                f"The prompt has {len(prompt)} characters and this server takes {longest}. "
                "Lower generation.max_prompt."
            )
        return prompt

    def _paint(self, request: EditRequest, prompt: str, sending: Callable[[], None]) -> _Answer:
        settings = self._settings
        is_gpt_image = settings.dialect.knows_gpt_image
        self._rate.wait()
        self._refuse_in_vain()
        sending()
        # Files as (name, bytes, type), one of each: bare bytes would go out as octet-stream, and a list
        # of images under another field name, and servers refuse both.
        return self._answer(
            self._client.images.with_streaming_response.edit(
                image=("image.png", request.image_png, "image/png"),
                mask=("mask.png", request.mask_png, "image/png"),
                prompt=prompt,
                model=settings.model,
                size=f"{request.width}x{request.height}",
                n=1,
                quality=settings.quality if is_gpt_image else omit,
                background="opaque" if is_gpt_image else omit,
                output_format="png" if is_gpt_image else omit,
                safety_identifier=request.safety_identifier if is_gpt_image else omit,
                response_format="b64_json" if settings.dialect.wants_response_format else omit,
            )
        )

    def _picture(self, answer: _Answer) -> bytes:
        try:
            return picture_of(answer.body)
        except LinkAnsweredError as error:
            # The next picture would be lost like this one: so it is not asked for.
            advice = _ASKED_IN_VAIN if self._settings.dialect.wants_response_format else _ASK_FOR_PICTURES
            self._obstacle = f"The server answers with links to pictures, which are of no use. {advice}"
            if self._is_free:
                raise EditorStopped(self._obstacle) from error
            raise EditOutcomeUnknown(f"{error} {advice}") from error

    @property
    def _is_free(self) -> bool:
        return self._settings.worst_case_usd == 0

    def _cost(self, usage: Usage | None) -> Usd | None:
        return Usd(0) if self._is_free else self._settings.rates.cost(usage)

    # ---- what costs nothing -----------------------------------------------------------------------------

    def _screen(self, prompt: str) -> None:
        """Raises EditRefused for a flagged prompt."""
        moderations = self._client.moderations.with_streaming_response
        try:
            with _free_of_charge():
                answer = self._retrying(
                    lambda: self._answer(moderations.create(model=MODERATION_MODEL, input=prompt))
                )
        except (EditRejected, EditorStopped) as error:
            raise EditorStopped(
                f"Prompts cannot be screened. {error} Where the server has no /moderations, "
                "set openai.moderation: false."
            ) from error
        if is_flagged(answer.body):
            raise EditRefused("The image service's moderation does not allow this prompt.")

    def check(self) -> tuple[str, ...]:
        """Asks once for the model. Gives warnings; raises EditorStopped (like `edit`) or EditorBusy."""
        self._refuse_in_vain()
        models = self._client.models.with_streaming_response
        try:
            with _free_of_charge():
                answer = self._answer(models.retrieve(self.model))
        except TRANSPORT_FAULTS as fault:
            if isinstance(fault, NotFoundError) and not self.host_costs_money:
                return (f"the server does not say whether it has the model {self.model}",)
            with _free_of_charge():
                self._diagnose(fault).throw(fault)
        announced = announced_end(self.model) if self.host_costs_money else None
        ends = shutdown_date_of(answer.body) or announced
        return () if ends is None else (warning_of_end(self.model, ends, today=self._today()),)

    # ---- calls ------------------------------------------------------------------------------------------

    def _retrying(self, call: Callable[[], _Answer]) -> _Answer:
        return with_retries(call, diagnose=self._diagnose, sleep=self._sleep)

    def _diagnose(self, fault: TransportFault) -> Diagnosis:
        return diagnose(fault, api_key=self._client.api_key)

    def _answer(self, opening: AbstractContextManager[APIResponse[Any]]) -> _Answer:
        """Sends the request that waits in `opening` and reads its answer within the settings' timeout."""
        deadline = self._monotonic() + self._settings.timeout
        with opening as response:
            body = read_object(response, has_time=lambda: self._monotonic() < deadline)
            return _Answer(body=body, request_id=response.request_id)


@contextmanager
def _free_of_charge() -> Iterator[None]:
    """For calls that cost nothing: an unknown outcome only means that the server is busy."""
    try:
        yield
    except EditOutcomeUnknown as error:
        raise EditorBusy("The image service broke off or failed. Run the command again later.") from error


def _fault_of_key(api_key: str | None, base_url: str) -> str | None:
    """Why no edit can succeed with this key; without showing it, where HTTP's own error would quote it."""
    if not api_key:
        is_needed = is_openai_host(urlsplit(base_url).hostname or "")
        return _KEY_MISSING if is_needed else None
    if not all("!" <= character <= "~" for character in api_key):
        return "OPENAI_API_KEY holds a space or a character that no key has. Copy it again."
    return None
