"""What a study has come to, said so that two runs of it can be compared: facts, without what may rightly differ.

Ids that are drawn by lot or follow from an attempt get the name of what they stand for. Times say only whether they are
there: whoever is killed does some things later. Everything else has to be equal, to the byte and to the cent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pixelpatchwork.domain.model import EditState
from tests.support.kill_world import Rows, World

_FROM_WORKERS = frozenset({"accepted_at", "submitted_at"})
_BY_LOT = frozenset({"study_id", "pseudonym_key", "event_id", "lease_owner", "lease_until"})
"""`study_id` is drawn by `init`, and so differs between two runs of that command alone."""
_PRICE = ("cost_usd", "input_text_tokens", "input_image_tokens", "output_tokens", "rates")
_MARKET = {
    "HIT": (
        "SELECT hit.hit_id, annotation, status, max_assignments, available, pending, completed, reviewing, disposed,"
        " hit.reward_cents, fee_cents, held_slots, title, question FROM hit"
        " JOIN hit_type USING (hit_type_id) JOIN hit_question USING (hit_id)"
    ),
    "assignment": (
        "SELECT assignment_id, hit_id, worker_id, status, reward_cents, submitted_at, approved_at IS NOT NULL,"
        " rejected_at IS NOT NULL, answer FROM assignment LEFT JOIN answer USING (assignment_id)"
    ),
    "payment": "SELECT kind, from_account, to_account, cents, hit_id, assignment_id, once FROM ledger",
    "bonus": "SELECT worker_id, assignment_id, hit_id, cents, reason FROM bonus",
    "balance": "SELECT requester_id, available_cents, held_cents FROM requester",
}


@dataclass(frozen=True, kw_only=True)
class Books:
    """The world's records at one moment. `pictures`: digests by key; `requested`: images API, edits by prompt."""

    rows: Rows
    market: Mapping[str, list[dict[str, Any]]]
    pictures: Mapping[str, str]
    requested: Counter[str]


def books_of(world: World) -> Books:
    """The records as they stand."""
    return Books(
        rows=world.rows(),
        market={name: world.market_rows(query) for name, query in _MARKET.items()},
        pictures=world.pictures(),
        requested=world.edits_requested(),
    )


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What a death took with it that nobody can know again: assignments by whose edits it happened.

    `outcome`: a request was out, or about to go, and no picture came of it. `price`: the picture was stored, and what
    the service said of its price was not.
    """

    outcome: frozenset[str] = field(default_factory=frozenset)
    price: frozenset[str] = field(default_factory=frozenset)


NOTHING_LOST = Lost()


def lost_in(world: World) -> Lost:
    """What was lost, as the world stands right after a death."""
    sent = [row for row in world.edits() if row["state"] is EditState.SUBMITTED]
    stored = {key.rpartition("/")[2] for key in world.pictures() if "/raw/" in key} if sent else set()
    return Lost(
        outcome=frozenset(row["assignment_id"] for row in sent if row["edit_key"] not in stored),
        price=frozenset(row["assignment_id"] for row in sent if row["edit_key"] in stored),
    )


def unknown_edits(books: Books) -> Counter[str]:
    """How many edits of each assignment are recorded as ones whose outcome is unknown."""
    return Counter(
        row["assignment_id"] for row in books.rows.get("Edit", []) if row["state"] is EditState.UNKNOWN
    )


def differences(expected: Books, found: Books, lost: Lost = NOTHING_LOST) -> list[str]:
    """What the two say differently, a line each; what was `lost` may differ, as far as it must."""
    wanted, there = Counter(_facts(expected, lost)), Counter(_facts(found, lost))
    lines = [f"missing: {fact}" for fact in sorted((wanted - there).elements())]
    lines += [f"not in the undisturbed run: {fact}" for fact in sorted((there - wanted).elements())]
    return lines + list(_edit_differences(expected, found, lost))


def _edit_differences(expected: Books, found: Books, lost: Lost) -> Iterator[str]:
    """No edit is asked for twice, but once more where its outcome was unknown, and then the records say so."""
    prompts = {row["assignment_id"]: row["prompt"] for row in found.rows.get("Edit", [])}
    unsure = {prompts[one] for one in lost.outcome}
    for prompt in expected.requested | found.requested:
        least, times = expected.requested[prompt], found.requested[prompt]
        if not least <= times <= least + (prompt in unsure):
            yield f"the edit {prompt!r} was asked for {times} times, undisturbed {least} times"
    said = unknown_edits(found) - unknown_edits(expected)
    if said != Counter(lost.outcome):
        yield f"edits of unknown outcome: {sorted(lost.outcome)}; recorded as such: {sorted(said.elements())}"


def in_words(books: Books) -> list[str]:
    """What the study came to, without any id: it can be told of two studies whose workers worked at different times."""
    prompts = {row["image_id"]: row["prompt_text"] for row in books.rows["Image"]}
    facts = [
        f"{row['prompt_text']}: {row['sha256']}, {row['upvotes']} up, {row['downvotes']} down, {row['state']}"
        for row in books.rows["Image"]
    ]
    facts += [
        f"Day {row['number']}: {prompts.get(row['winner_image_id'])}, {row['total_votes']} votes,"
        f" {row['total_participants']} participants"
        for row in books.rows["Day"]
    ]
    facts += [f"{row['kind']}: {row['cents']} cents" for row in books.market["payment"]]
    facts += [f"{row['status']} HIT, {row['completed']} completed" for row in books.market["HIT"]]
    facts += [f"{row['status']} answer" for row in books.market["assignment"]]
    facts += [f"{row['verdict']}, {row['state']}, {row['settlement']}" for row in books.rows["Assignment"]]
    facts += [
        f"balance {row['available_cents']}, {row['held_cents']} held" for row in books.market["balance"]
    ]
    return sorted(facts)


# ---- facts ----------------------------------------------------------------------------------------------


def _facts(books: Books, lost: Lost) -> Iterator[str]:
    name = _Names(books).put_into
    for table, rows in books.rows.items():
        for row in rows:
            if _is_told(table, row, lost):
                yield name(f"{table} {_plain(_forgiven(table, row, lost))}")
    for what, rows in books.market.items():
        for row in rows:
            yield name(f"marketplace: {what} {row}")
    for key, digest in books.pictures.items():
        yield name(f"picture {key} {digest}")


def _is_told(table: str, row: Mapping[str, Any], lost: Lost) -> bool:
    """The diary tells of an edit's way, which is another one after a death; its end is told by other tables."""
    if table == "Event":
        return not row["kind"].startswith("edit_")
    return not (
        table == "Edit" and row["state"] is EditState.UNKNOWN and row["assignment_id"] in lost.outcome
    )


def _forgiven(table: str, row: Mapping[str, Any], lost: Lost) -> dict[str, Any]:
    values = dict(row)
    if table == "Edit" and row["assignment_id"] in lost.outcome:
        del values["attempt"]
    if table == "Edit" and row["assignment_id"] in lost.price:
        values |= dict.fromkeys(_PRICE, "lost")
    return values


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        column: "there" if isinstance(value, datetime) and column not in _FROM_WORKERS else str(value)
        for column, value in row.items()
        if column not in _BY_LOT
    }


class _Names:
    """Ids of HITs, edits and images, by what they stand for."""

    def __init__(self, books: Books) -> None:
        self._names = {row["hit_id"]: f"<HIT {row['annotation']}>" for row in books.market["HIT"]}
        for row in books.rows.get("Edit", []):
            self._names[row["edit_key"]] = f"<edit of {row['assignment_id']}>"
            self._names[row["edit_key"][:20]] = f"<image of {row['assignment_id']}>"
        for row in books.rows.get("Study", []):
            self._names[row["study_id"]] = "<study>"
        longest_first = sorted(self._names, key=len, reverse=True)
        self._ids = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def put_into(self, text: str) -> str:
        return self._ids.sub(lambda found: self._names[found.group()], text)
