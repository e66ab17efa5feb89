"""`ppw images`: the pictures as workers' votes and flags left them, and the requester's look at them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import Invocation, pass_invocation
from pixelpatchwork.domain.errors import PatchworkError
from pixelpatchwork.domain.model import Image, ImageId, ImageState, UserId
from pixelpatchwork.domain.ports import Store
from pixelpatchwork.insight.figures import shown
from pixelpatchwork.wiring import real_world, wired

_LONGEST_WORDS = 60


@click.group(epilog=example("ppw images list", "ppw images hide 8c5f0e2b9a7d4c1f3e60"))
def images() -> None:
    """Show the pictures, and hide those that should not be seen.

    A hidden picture stands on no ballot and cannot win, also where a voting round is already open.
    """


@images.command(
    "list", short_help="List the pictures.", epilog=example("ppw images list", "ppw images list --flagged")
)
@click.option("--all", "everything", is_flag=True, help="Every picture of every Day.")
@click.option("--flagged", is_flag=True, help="Only those that flags have hidden until you look.")
@json_option
@pass_invocation
def list_images(invocation: Invocation, everything: bool, flagged: bool, as_json: bool) -> None:
    """List the current Day's pictures with its start, and all that are hidden, by you or by flags."""
    with wired(invocation.settings()) as wiring:
        found = _listed(wiring.store, everything=everything, flagged=flagged)
        names = {user.user_id: user.username for user in wiring.store.users()}
    if as_json:
        emit_json({"images": [_plain(image, _artist(image, names)) for image in found]})
        return
    if not found:
        say("No picture is hidden by flags. Run: ppw images list")
        return
    rows = [
        (
            image.image_id,
            image.day,
            image.state,
            image.upvotes,
            image.downvotes,
            image.flags,
            shown(_artist(image, names)),
            _cut(shown(image.prompt_text)),
        )
        for image in found
    ]
    say(table(rows, ("Image", "Day", "State", "Up", "Down", "Flags", "Artist", "Words")))


def _listed(store: Store, *, everything: bool, flagged: bool) -> list[Image]:
    today = store.current_day()
    if flagged:
        return [image for image in store.images() if image.state is ImageState.FLAGGED]
    return [
        image
        for image in store.images()
        if everything
        or image.state is not ImageState.VISIBLE
        or (today and (image.day == today.date or image.image_id == today.seed_image_id))
    ]


def _artist(image: Image, names: Mapping[UserId, str]) -> str:
    return names.get(image.creator_id, "") if image.creator_id else ""


def _plain(image: Image, username: str) -> dict[str, object]:
    return {
        "image_id": image.image_id,
        "day": image.day,
        "state": image.state,
        "upvotes": image.upvotes,
        "downvotes": image.downvotes,
        "flags": image.flags,
        "artist": username,
        "prompt": image.prompt_text,
        "picture": image.s3_path,
        "reviewed_at": image.reviewed_at,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_WORDS else text[: _LONGEST_WORDS - 1].rstrip() + "…"


@images.command(short_help="Hide a picture.", epilog=example("ppw images hide 8c5f0e2b9a7d4c1f3e60"))
@click.argument("image")
@json_option
@pass_invocation
def hide(invocation: Invocation, image: str, as_json: bool) -> None:
    """Hide a picture: it stands on no ballot, cannot win, and is not in the report.

    The current Day's start may be hidden too: the Day goes on from it, because what is painted there was painted on
    it, but it cannot win again. Where nothing else wins, the next Day starts from the latest picture behind it that
    may be shown.
    """
    _review(invocation, image, ImageState.HIDDEN, as_json=as_json)


@images.command(
    short_help="Show a hidden picture again.", epilog=example("ppw images show 8c5f0e2b9a7d4c1f3e60")
)
@click.argument("image")
@json_option
@pass_invocation
def show(invocation: Invocation, image: str, as_json: bool) -> None:
    """Show a picture that was hidden, by you or by flags; flags do not hide it again."""
    _review(invocation, image, ImageState.VISIBLE, as_json=as_json)


def _review(invocation: Invocation, named: str, state: ImageState, *, as_json: bool) -> None:
    with wired(invocation.settings()) as wiring:
        reviewed = wiring.store.review_image(ImageId(named), state, at=real_world().clock.now())
        day = wiring.store.current_day()
    if reviewed is None:
        raise PatchworkError(f"There is no picture {named!r}. Run: ppw images list --all")
    is_seed = day is not None and day.seed_image_id == reviewed.image_id
    if as_json:
        emit_json({"image_id": reviewed.image_id, "state": reviewed.state, "is_current_seed": is_seed})
        return
    say(f"{reviewed.image_id} is {reviewed.state}.")
    if is_seed and day is not None and state is ImageState.HIDDEN:
        say(
            f"Day {day.number} goes on from it, but it cannot win again. To end what is open: ppw cancel-round"
        )
