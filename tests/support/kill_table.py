"""The table of docs/reliability.md: what was killed how often, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.support.kill_points import Chapter, Trial
from tests.support.kill_world import words

KINDS = {"mturk": "MTurk", "images": "images API", "s3": "S3", "database": "commits"}
BEGIN, END = "<!-- kill points: begin -->\n", "<!-- kill points: end -->\n"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of one point: the title of its step, and its trial."""

    title: str
    trial: Trial


@dataclass(frozen=True, kw_only=True)
class Line:
    """A command of the table, and the calls it makes."""

    title: str
    command: str
    calls: tuple[str, ...]


def lines_of(chapters: Iterable[Chapter]) -> tuple[Line, ...]:
    """What the table says of a study before anything is killed."""
    return tuple(
        Line(title=chapter.step.title, command=words(chapter.step.command), calls=chapter.calls)
        for chapter in chapters
    )


def calls_of(chapters: Iterable[Chapter]) -> dict[str, list[int]]:
    """How many external calls of each kind each command makes, by its title."""
    return {line.title: _by_kind(line.calls) for line in lines_of(chapters)}


def _by_kind(calls: Sequence[str]) -> list[int]:
    counts = Counter(call.partition(" ")[0] for call in calls)
    return [counts[kind] for kind in KINDS]


def render(lines: Sequence[Line], tried: Mapping[str, Sequence[Tried]]) -> str:
    """The table as Markdown. `tried` holds the trials on each database, by its name."""
    points = [f"points on {database}" for database in tried]
    head = ["command", *KINDS.values(), *points, "differences", "edits made again"]
    rows = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for line in lines:
        of_line = {name: [one for one in all_ if one.title == line.title] for name, all_ in tried.items()}
        rows.append(_row(f"{line.title} (`{line.command}`)", line.calls, of_line))
    all_calls = [call for line in lines for call in line.calls]
    return "\n".join([*rows, _row("**all**", all_calls, tried)]) + "\n"


def _row(name: str, calls: Sequence[str], tried: Mapping[str, Sequence[Tried]]) -> str:
    trials = [one.trial for all_ in tried.values() for one in all_]
    return _line(
        [
            name,
            *_by_kind(calls),
            *(len(all_) for all_ in tried.values()),
            sum(bool(trial.differences) for trial in trials),
            sum(trial.edits_again for trial in trials),
        ]
    )


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def read_calls(page: str) -> dict[str, list[int]]:
    """The calls that the page's table tells of, as `calls_of` gives them."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    return {
        row[0].rpartition(" (`")[0]: [int(cell) for cell in row[1 : 1 + len(KINDS)]]
        for row in rows
        if "(`ppw " in row[0]
    }


def put_into(page: str, table: str) -> str:
    """The page with another table."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"
