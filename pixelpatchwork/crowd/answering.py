"""How a worker fills in the form of a work frame, once he has read it and looked at its pictures.

The pages' contract stands in their own HTML: `form#answer` with `data-kind`, and what each kind brings. A page of
another kind is not for this crowd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from bs4 import Tag

from pixelpatchwork.crowd import mischief
from pixelpatchwork.crowd.browser import CrowdTrouble, Form, Page, attribute
from pixelpatchwork.crowd.mischief import BallotMischief, PaintingMischief, Values
from pixelpatchwork.crowd.opinions import judge, look_at
from pixelpatchwork.crowd.painting import Bounds, choose_spot, paint_mask
from pixelpatchwork.crowd.phrases import draw_idea
from pixelpatchwork.crowd.pictures import Glance
from pixelpatchwork.crowd.runlength import mask_text
from pixelpatchwork.crowd.workers import Persona

Look = Callable[[str], Glance]
"""Shows the picture at an address. Raises CrowdTrouble."""

GENERATION = "generation"
VOTING = "voting"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A work frame that this crowd knows how to fill in."""

    page: Page
    form: Form

    @property
    def kind(self) -> str:
        """`generation` or `voting`."""
        return attribute(self.form.tag, "data-kind")

    @property
    def pictures(self) -> list[Tag]:
        """What holds the ballot's pictures, in order; none in a generation task."""
        return self.form.tag.select("fieldset[data-image-id]")

    def seed(self, look: Look) -> Glance:
        """The seed."""
        return look(self.page.link(attribute(self.form.tag, "data-seed-url")))


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker enters, how many seconds it took him, and whether it is bad on purpose."""

    values: Values
    seconds: float
    is_spoiled: bool


def find_task(frame: Page) -> Task | None:
    """The task of a work frame, or None where it is none of ours."""
    form = frame.form("form#answer")
    if form is None or attribute(form.tag, "data-kind") not in {GENERATION, VOTING}:
        return None
    return Task(page=frame, form=form)


def content_of(task: Task, look: Look) -> str:
    """What makes this task this task for somebody who sees it: its title, pictures and words. No ids, no addresses."""
    title = task.page.soup.title
    parts = [task.kind, title.get_text() if title else "", task.seed(look).digest, *_prompts(task)]
    return sha256("\x1f".join(parts).encode()).hexdigest()


def fill_in(task: Task, persona: Persona, random: Random, look: Look) -> Work:
    """Does the task. Raises CrowdTrouble where a picture cannot be seen or the form lacks what its kind needs."""
    work = (
        _paint(task, persona, random, look) if task.kind == GENERATION else _vote(task, persona, random, look)
    )
    return Work(
        values={
            "consent": "yes",
            "language": persona.language,
            "seconds": f"{work.seconds:.1f}",
            **work.values,
        },
        seconds=work.seconds,
        is_spoiled=work.is_spoiled,
    )


def _paint(task: Task, persona: Persona, random: Random, look: Look) -> Work:
    size = round(_number(task, "data-width")), round(_number(task, "data-height"))
    bounds = Bounds(
        least=_number(task, "data-min-coverage", otherwise=0.0),
        most=_number(task, "data-max-coverage", otherwise=1.0),
    )
    spot = choose_spot(task.seed(look).colours, persona, random)
    idea = draw_idea(spot, persona, random)
    bits = paint_mask(size, spot, idea.shape, persona, random, bounds)
    values: Values = {"mask": mask_text(bits), "prompt": idea.prompt}
    if not persona.is_bad:
        return Work(values=values, seconds=_seconds(150, persona, random), is_spoiled=False)
    kind = random.choice(list(PaintingMischief))
    values = mischief.spoil_painting(values, kind, size, random)
    return Work(values=values, seconds=random.uniform(3, 20), is_spoiled=True)


def _vote(task: Task, persona: Persona, random: Random, look: Look) -> Work:
    seed = task.seed(look).colours
    image_ids = [attribute(picture, "data-image-id") for picture in task.pictures]
    if not image_ids:
        raise CrowdTrouble("The ballot has no pictures on it.")
    seen = [look(task.page.link(attribute(picture, "data-src"))) for picture in task.pictures]
    # A picture that comes twice, with the same words, is remembered with what was thought of it.
    things = [(glance.digest, words) for glance, words in zip(seen, _prompts(task), strict=True)]
    once = {thing: look_at(glance.colours, seed) for thing, glance in zip(things, seen, strict=True)}
    opinions = dict(
        zip(once, judge(list(once.values()), [words for _, words in once], persona, random), strict=True)
    )
    values: Values = {}
    for image_id, thing in zip(image_ids, things, strict=True):
        opinion = opinions[thing]
        values[f"vote_{image_id}"] = opinion.choice
        values[f"flag_{image_id}"] = "yes" if opinion.is_flagged else None
    if not persona.is_bad:
        return Work(values=values, seconds=_seconds(7 * len(seen), persona, random), is_spoiled=False)
    kind = random.choice(list(BallotMischief))
    values = mischief.spoil_ballot(image_ids, values, kind)
    return Work(values=values, seconds=random.uniform(2, 10), is_spoiled=True)


def _prompts(task: Task) -> list[str]:
    """The words shown beside the ballot's pictures."""
    shown = (picture.select_one("[data-prompt]") for picture in task.pictures)
    return ["" if tag is None else tag.get_text(" ", strip=True) for tag in shown]


def _seconds(usual: float, persona: Persona, random: Random) -> float:
    """How long it takes: the careless are quick, and hardly anyone is exact to the minute."""
    return usual * (1.3 - 0.8 * persona.carelessness) * random.lognormvariate(0, 0.3)


def _number(task: Task, name: str, *, otherwise: float | None = None) -> float:
    text = attribute(task.form.tag, name)
    if not text and otherwise is not None:
        return otherwise
    try:
        return float(text)
    except ValueError as error:
        raise CrowdTrouble(f"The form's {name} is {text!r}, which is no number.") from error
