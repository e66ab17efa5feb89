"""`ppw init` and `ppw doctor`: making a study, and finding out why one does not work."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import click

from pixelpatchwork.cli.output import emit_json, example, json_option
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.config import Settings, load_settings
from pixelpatchwork.doctor import examine
from pixelpatchwork.founding import SETTINGS_FILE, Founded, default_seed, found, pick_seed, write_folder
from pixelpatchwork.wiring import real_world, wired


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What `init --json` prints."""

    settings: Path | None
    is_new: bool
    seed_size: tuple[int, int]
    schema_from: str | None
    schema_to: str


@click.command(epilog=example("ppw init my-study --name 'A cup of coffee' --seed photo.jpg"))
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="The study's name, shown to workers.")
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The photograph to start from; without it, one that travels with the program.",
)
@json_option
@pass_invocation
def init(
    invocation: Invocation, directory: Path | None, name: str | None, seed: Path | None, as_json: bool
) -> None:
    """Make a study in DIRECTORY: its settings, its seed, its database and Day 1.

    What is there already stays as it is; a database of an older version is brought up to date. With --config in
    place of DIRECTORY, the study of those settings is made.
    """
    if invocation.config is not None and directory is not None:
        raise click.UsageError("Give either DIRECTORY or --config, not both.")
    if invocation.config is not None and (name or seed):
        raise click.UsageError("With --config, name and seed are those of the settings file.")
    settings, file = _settings(invocation, directory, name, seed)
    made = found(settings, now=real_world().clock.now())
    if as_json:
        emit_json(
            _Made(
                settings=file,
                is_new=made.is_new,
                seed_size=made.seed_size,
                schema_from=made.schema_from,
                schema_to=made.schema_to,
            )
        )
    else:
        _tell(made, settings, file)


def _settings(
    invocation: Invocation, directory: Path | None, name: str | None, seed: Path | None
) -> tuple[Settings, Path | None]:
    """The settings, of a folder that is made first where none is named by --config."""
    if invocation.config is not None:
        return invocation.settings(), invocation.config
    folder = directory or Path()
    file = folder / SETTINGS_FILE
    if not file.exists():
        write_folder(
            folder, seed=pick_seed(seed or default_seed()), overrides={"study": name} if name else {}
        )
    elif name or seed:
        raise click.UsageError(f"{file} is there already: change `study` and `seed` in it instead.")
    return load_settings(file, os.environ), file


def _tell(made: Founded, settings: Settings, file: Path | None) -> None:
    if made.schema_from is not None and made.schema_from != made.schema_to:
        click.echo(f"The database was brought from version {made.schema_from} to {made.schema_to}.")
    if made.is_new:
        width, height = made.seed_size
        click.echo(
            f"The study “{settings.study}” begins: Day 1 is open, its seed is {settings.seed_path.name} "
            f"at {width} x {height} pixels."
        )
    else:
        click.echo(f"The study “{settings.study}” is there already, and up to date.")
    option = f" --config {quote(str(file))}" if file else ""
    click.echo(f"Settings: {file}. Look through them, then run: ppw{option} publish-round")


@click.command(epilog=example("ppw --config my-study/study.yaml doctor"))
@json_option
@pass_invocation
def doctor(invocation: Invocation, as_json: bool) -> int:
    """Check every part of the study, and say what to do where one fails.

    Tries the seed, the database, the pictures, the marketplace, the editor and the workers' pages. Nothing is
    changed, and nothing is paid for.
    """
    with wired(invocation.settings()) as wiring:
        checks = []
        for check in examine(wiring):
            checks.append(check)
            if not as_json:
                mark = click.style("ok  ", fg="green") if check.is_well else click.style("FAIL", fg="red")
                click.echo(f"{mark}  {check.part:<12} {check.finding}")
    if as_json:
        emit_json({"is_well": all(check.is_well for check in checks), "checks": checks})
    return 0 if all(check.is_well for check in checks) else FAILED
