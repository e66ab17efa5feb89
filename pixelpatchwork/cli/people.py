"""`ppw users`: who took part, and who may not any more."""

from __future__ import annotations

import click

from pixelpatchwork.cli.hints import say
from pixelpatchwork.cli.output import emit_json, example, json_option, table
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.insight.people import read_people
from pixelpatchwork.wiring import wired
from pixelpatchwork.workflow.people import Banned
from pixelpatchwork.workflow.people import ban as ban_user


@click.group(epilog=example("ppw users list", "ppw users ban 'Amber Fox 0042'"))
def users() -> None:
    """Show who took part, and ban whom you must.

    People appear under their artist names; no worker's id is shown.
    """


@users.command("list", short_help="List who took part.", epilog=example("ppw users list --banned"))
@click.option("--banned", is_flag=True, help="Only those who are banned.")
@json_option
@pass_invocation
def list_users(invocation: Invocation, banned: bool, as_json: bool) -> None:
    """List who took part, with how many answers, images and counted votes each of them has."""
    with wired(invocation.settings()) as wiring:
        people = [one for one in read_people(wiring.store) if one.is_banned or not banned]
    if as_json:
        emit_json({"users": people})
        return
    rows = [
        (one.user_id, one.username, one.answers, one.images, one.votes, "banned" if one.is_banned else "")
        for one in people
    ]
    if not rows:
        say("Nobody is banned." if banned else "Nobody has taken part yet. Run: ppw status")
        return
    say(table(rows, ("User", "Artist name", "Answers", "Images", "Votes", "")))


@users.command(
    short_help="Ban a user.",
    epilog=example("ppw users ban 'Amber Fox 0042'", "ppw users ban u-1f0c6e2a9b3d4455"),
)
@click.argument("user")
@json_option
@pass_invocation
def ban(invocation: Invocation, user: str, as_json: bool) -> int:
    """Ban a user, by artist name or user id, and block him in the marketplace.

    From now on his pictures stand on no ballot and cannot win, what he asked for and is not painted yet is not painted
    any more, his votes on the current Day count nowhere, and what he still hands in is paid and left out. Days that are
    closed stay as they were recorded.
    """
    return _ban(invocation, user, is_banned=True, as_json=as_json)


@users.command(short_help="Let a user back.", epilog=example("ppw users unban 'Amber Fox 0042'"))
@click.argument("user")
@json_option
@pass_invocation
def unban(invocation: Invocation, user: str, as_json: bool) -> int:
    """Let a user back: his pictures may stand again, and his votes on the current Day count again.

    What was not painted because of the ban stays unpainted.
    """
    return _ban(invocation, user, is_banned=False, as_json=as_json)


def _ban(invocation: Invocation, user: str, *, is_banned: bool, as_json: bool) -> int:
    with wired(invocation.settings()) as wiring:
        done = ban_user(wiring.services, user, is_banned=is_banned)
    if as_json:
        emit_json(done)
    else:
        say(_banned_text(done))
    return FAILED if done.block_failure else 0


def _banned_text(done: Banned) -> str:
    word = "banned" if done.is_banned else "no longer banned"
    lines = [f"{done.username} ({done.user_id}) is {word}."]
    if done.block_failure:
        block = "block" if done.is_banned else "unblock"
        lines.append(
            f"The marketplace did not {block} this worker: {done.block_failure} To try again, repeat the command."
        )
    return "\n".join(lines)
