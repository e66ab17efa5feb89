"""The `Editor` port over the OpenAI images API: OpenAI itself, and servers that speak as it does.

The client's own retries are off, for they would bill a lost answer up to three times; see `openai_errors`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from openai import APIResponse, NotFoundError, OpenAI, Timeout, omit

from pixelpatchwork.adapters.openai_answers import is_flagged, picture_of, read_object, usage_of
from pixelpatchwork.adapters.openai_errors import TRANSPORT_FAULTS, Diagnosis, TransportFault, diagnose
from pixelpatchwork.adapters.openai_models import (
    MODERATION_MODEL,
    OPENAI_URL,
    OpenAISettings,
    is_openai_host,
    refuse_shut_down,
)
from pixelpatchwork.adapters.openai_pace import ImageRate, with_retries
from pixelpatchwork.domain.errors import (
    ConfigurationError,
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
_SD_ARGUMENTS = re.compile("sd_cpp_extra_args", re.IGNORECASE)
"""The tag by which a prompt could set the parameters of stable-diffusion.cpp's server."""


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
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a key or a model that cannot work."""
        self._settings = settings
        self._sleep = sleep
        self._monotonic = monotonic
        self._rate = ImageRate(settings.images_per_minute, monotonic=monotonic, sleep=sleep)
        self._client = OpenAI(
            api_key=_usable_key(api_key, settings),
            base_url=settings.base_url or OPENAI_URL,
            max_retries=0,
            timeout=Timeout(settings.timeout, connect=_CONNECT_TIMEOUT),
        )
        if self.host_costs_money:
            refuse_shut_down(settings.model)

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

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    # ---- the edit ---------------------------------------------------------------------------------------

    def edit(self, request: EditRequest) -> EditResult:
        """Screens the prompt where that is on, and repaints. The picture comes back undecoded, of any size.

        Takes at most the settings' timeout for a try; tries that cost nothing are repeated up to three times,
        with at most a minute between them. Raises the EditorError family.
        """
        prompt = self._prompt(request)
        if self._settings.moderation:
            self._screen(prompt)
        answer = self._retrying(lambda: self._paint(request, prompt))
        usage = usage_of(answer.body)
        return EditResult(
            image=picture_of(answer.body),
            usage=usage,
            cost_usd=self._cost(usage),
            request_id=answer.request_id,
        )

    def _prompt(self, request: EditRequest) -> str:
        prompt = _SD_ARGUMENTS.sub("sd cpp extra args", request.prompt)
        longest = self._settings.dialect.max_prompt
        if len(prompt) > longest:
            raise EditRejected(
                f"The prompt has {len(prompt)} characters and this server takes {longest}. "
                "Lower generation.max_prompt."
            )
        return prompt

    def _paint(self, request: EditRequest, prompt: str) -> _Answer:
        settings = self._settings
        is_gpt_image = settings.dialect.knows_gpt_image
        self._rate.wait()
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

    def _cost(self, usage: Usage | None) -> Usd | None:
        is_free = self._settings.worst_case_usd == 0
        return Usd(0) if is_free else self._settings.rates.cost(usage)

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
        """Asks once for the model. Gives warnings; raises EditorStopped or EditorBusy."""
        models = self._client.models.with_streaming_response
        try:
            with _free_of_charge():
                answer = self._answer(models.retrieve(self.model))
        except TRANSPORT_FAULTS as fault:
            if isinstance(fault, NotFoundError) and not self.host_costs_money:
                return (f"the server does not say whether it has the model {self.model}",)
            with _free_of_charge():
                self._diagnose(fault).throw(fault)
        ends = answer.body.get("shutdown_date")
        if not isinstance(ends, str):
            return ()
        return (
            f"the model {self.model} shuts down on {ends[:40]}: end the study before, or set openai.model",
        )

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
        raise EditorBusy("The image service broke off. Run the command again later.") from error


def _usable_key(api_key: str | None, settings: OpenAISettings) -> str:
    """The key to send. Its faults are named without showing it, where HTTP's own error would quote it."""
    if not api_key:
        if is_openai_host(urlsplit(settings.base_url or OPENAI_URL).hostname or ""):
            raise ConfigurationError(
                "There is no OpenAI key. Set OPENAI_API_KEY in the environment or in .env."
            )
        return "no-key-needed"
    if not all("!" <= character <= "~" for character in api_key):
        raise ConfigurationError(
            "OPENAI_API_KEY holds a space or a character that no key has. Copy it again."
        )
    return api_key
