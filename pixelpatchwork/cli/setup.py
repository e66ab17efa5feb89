"""`ppw init` and `ppw doctor`: making a study, and finding out why one does not work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

import click

from pixelpatchwork.cli.hints import hinted, typed_config
from pixelpatchwork.cli.output import emit_json, example, json_option
from pixelpatchwork.cli.program import FAILED, Invocation, pass_invocation
from pixelpatchwork.config import SETTINGS_FILE, Settings, fault_in, load_settings
from pixelpatchwork.config_texts import LANGUAGES
from pixelpatchwork.doctor import Check, examine
from pixelpatchwork.founding import Founded, default_seed, found, plan_folder, read_file, write_folder
from pixelpatchwork.wiring import real_world, wired


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What `init --json` prints."""

    settings: Path
    is_new: bool
    seed_size: tuple[int, int]
    schema_from: str | None
    schema_to: str


def _study_name(_ctx: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """A name that the settings take: their own complaint would speak of a file that is not there yet."""
    if name is not None and (fault := fault_in("study", name)):
        raise click.BadParameter(fault)
    return name


@click.command(epilog=example("ppw init my-study --name 'A cup of coffee' --seed photo.jpg"))
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", callback=_study_name, help="The study's name, shown to workers.")
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The photograph to start from; without it, one that travels with the program.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="The language of the workers' pages, and of the texts for them in the settings; without it, English.",
)
@json_option
@pass_invocation
def init(
    invocation: Invocation,
    directory: Path | None,
    name: str | None,
    seed: Path | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Make a study in DIRECTORY, or in this folder: its settings, its seed, its database and Day 1.

    What is there already stays as it is; a database of an older version is brought up to date. With --config (or
    PPW_CONFIG) in place of DIRECTORY, the study of those settings is made.
    """
    if directory is not None and typed_config() is not None:
        raise click.UsageError("Give either DIRECTORY or --config, not both.")
    if directory is None and invocation.config is not None:
        if name or seed or language:
            raise click.UsageError(
                f"Name, seed and language are those of {invocation.config}, or give a DIRECTORY."
            )
        settings, file = invocation.settings(), invocation.config
    else:
        settings, file = _in_folder(directory or Path(), name, seed, language)
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


def _in_folder(
    folder: Path, name: str | None, seed: Path | None, language: str | None
) -> tuple[Settings, Path]:
    """The settings of a study's folder, which is made first where there is none."""
    file = folder / SETTINGS_FILE
    if not file.exists():
        chosen = {"study": name, "language": language}
        overrides = {key: value for key, value in chosen.items() if value is not None}
        write_folder(
            plan_folder(folder, seed=seed or default_seed(), overrides=overrides, environ=os.environ)
        )
        return load_settings(file, os.environ), file
    settings = load_settings(file, os.environ)
    if _is_other(settings, name, seed, language):
        raise click.UsageError(
            f"{file} is there already: change `study`, `seed` and `language` in it instead."
        )
    return settings, file


def _is_other(settings: Settings, name: str | None, seed: Path | None, language: str | None) -> bool:
    """Whether one of them is not that of the settings. They are where the same command is run once more."""
    return (
        (name is not None and name.strip() != settings.study)
        or (language is not None and language != settings.language)
        or (seed is not None and read_file(seed) != read_file(settings.seed_path))
    )


def _tell(made: Founded, settings: Settings, file: Path) -> None:
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
    click.echo(
        f"Settings: {file}. Look through them, then run: ppw --config {quote(str(file))} publish-round"
    )


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
            checks.append(replace(check, finding=hinted(check.finding)))
            if not as_json:
                click.echo("\n".join(_check_lines(checks[-1])))
    if as_json:
        emit_json({"is_well": all(check.is_well for check in checks), "checks": checks})
    return 0 if all(check.is_well for check in checks) else FAILED


def _check_lines(check: Check) -> Iterator[str]:
    """What is said of one part: how it is, and what to know about it."""
    mark = click.style("ok  ", fg="green") if check.is_well else click.style("FAIL", fg="red")
    yield f"{mark}  {check.part:<12} {check.finding}"
    for warning in check.warnings:
        yield f"{click.style('warn', fg='yellow')}  {check.part:<12} {warning}"
