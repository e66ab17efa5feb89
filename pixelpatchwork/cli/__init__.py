"""The `ppw` program: which commands it has, where they stand, and what `ppw --help` says of each.

`ppw --help` must be quick, so the commands' modules (and with them boto3, SQLAlchemy, NumPy and so on) are
imported only by the command that runs.
"""

from __future__ import annotations

from pathlib import Path

import click

from pixelpatchwork import __version__
from pixelpatchwork.cli.logs import show_log
from pixelpatchwork.cli.program import Invocation, LazyCommand, Program

COMMANDS = {
    "init": LazyCommand("setup:init", "Make a study: its folder, its settings, its database."),
    "doctor": LazyCommand("setup:doctor", "Check every part, and say what to do where one fails."),
    "publish-round": LazyCommand(
        "rounds:publish_round", "Publish the round that is due, after showing what it costs."
    ),
    "collect": LazyCommand("rounds:collect", "Fetch answers, judge and approve them, and make the edits."),
    "review": LazyCommand("review:review", "Show the answers that are held for you, and decide them."),
    "users": LazyCommand("people:users", "Show who took part; ban and unban."),
    "images": LazyCommand("pictures:images", "Show the pictures; hide and show."),
    "cancel-round": LazyCommand(
        "cancel:cancel_round", "Take a round off the market, pay what is in flight, and count nothing of it."
    ),
    "advance-day": LazyCommand(
        "rounds:advance_day", "Count the votes, name the winner and open the next Day."
    ),
    "bonus": LazyCommand("bonus:bonus", "Pay a closed Day's bonuses, each once."),
    "run": LazyCommand("run:run", "Run the study on its own, by the schedule in its settings."),
    "status": LazyCommand("insight:status", "Say where the study stands and which command comes next."),
    "reconcile": LazyCommand(
        "reconcile:reconcile", "Compare the records with the marketplace and the image store, and mend them."
    ),
    "report": LazyCommand("insight:report", "Write a page with every Day, its pictures and its votes."),
    "rehearse": LazyCommand(
        "rehearse:rehearse", "Play a whole study with simulated workers, free of charge."
    ),
    "serve": LazyCommand("serve:serve", "Serve the marketplace: the workers' pages and the requester API."),
    "marketplace": LazyCommand(
        "marketplace:marketplace",
        "Run the marketplace: its workers, its requesters, its money, its clock.",
    ),
}

EPILOG = """\b
Example:
  ppw init my-study
  ppw --config my-study/study.yaml publish-round
  ppw --config my-study/study.yaml status
"""


@click.group(
    cls=Program,
    commands_table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="PPW_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="The study's settings; without it, study.yaml in this folder, else config/local.yaml.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="ppw")
@click.pass_context
def main(ctx: click.Context, config: Path | None, debug: bool) -> None:
    """One picture, many hands, one patch a day.

    A crowd repaints a photograph: each Day workers brush over a part of it and say what should be there,
    others vote, and the winning picture is the next Day's start.
    """
    show_log(debug=debug)
    ctx.obj = Invocation(config=config, debug=debug)
