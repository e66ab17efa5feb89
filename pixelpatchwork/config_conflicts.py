"""Keys of the settings that are right each by itself and wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pixelpatchwork.config_faults import Conflict

if TYPE_CHECKING:
    from pixelpatchwork.config import Settings


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """Every such pair, with what would be right."""
    generation, images_url = settings.generation, settings.images_url
    if generation.min_coverage >= generation.max_coverage:
        yield Conflict(
            keys=("generation.min_coverage", "generation.max_coverage"),
            message="leaves no mask possible; make min_coverage smaller than max_coverage",
        )
    if (
        settings.is_mturk
        and not (images_url or "").startswith("https://")
        and (images_url or not settings.bucket)
    ):
        yield Conflict(
            keys=("images_url", "images", "marketplace"),
            message=f"{settings.marketplace} needs pictures that any browser reaches by https; give an"
            " https:// address here, or keep them in s3://BUCKET/PREFIX",
        )
    if settings.editor == "openai" and settings.openai.profile == "dall-e-2" and generation.max_prompt > 1000:
        yield Conflict(
            keys=("generation.max_prompt", "openai.profile", "editor"),
            message="is more than a dall-e-2 server reads; give 1000 at most",
        )
    if settings.bucket and images_url is None:
        yield from _early_links(settings)


def _early_links(settings: Settings) -> Iterator[Conflict]:
    """Signed links that die while a worker may still look at the picture."""
    for name, rules in (("generation", settings.generation), ("voting", settings.voting)):
        if rules.lifetime_hours + rules.duration_minutes / 60 > settings.s3.presign_hours:
            yield Conflict(
                keys=(f"{name}.lifetime_hours", f"{name}.duration_minutes", "s3.presign_hours", "images"),
                message=f"with {name}.duration_minutes is longer than a link to a picture works"
                f" ({settings.s3.presign_hours} hours); shorten it, raise s3.presign_hours, or give"
                " images_url",
            )
