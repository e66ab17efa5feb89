"""The report: one page that tells a study's story, and how far its votes can be trusted.

`build_report` reads the records and pictures once into frozen values; `render_report` writes them as one HTML
document with nothing outside it, which can be mailed, printed or put on any web server. People appear by
their pseudonyms; no worker id, assignment id or user id is in the page.

The page's size is bounded. Pictures are JPEGs: a Day's winner at most 900 pixels wide, its seed 480, the
other images 320. Beyond `FEW_DAYS` Days they are 560, 320 and 320. At most `MAX_ENTRIES` of the other images
are shown (3 a Day where that is more), the same number for each Day, best first; the rest are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pixelpatchwork import __version__
from pixelpatchwork.domain.model import UserId
from pixelpatchwork.domain.money import CENT, Usd
from pixelpatchwork.domain.ports import ImageStore
from pixelpatchwork.domain.wording import counted
from pixelpatchwork.insight import charts
from pixelpatchwork.insight.agreement import Agreement, VoterAgreement, agreement
from pixelpatchwork.insight.figures import DayStory, day_stories, shown
from pixelpatchwork.insight.pictures import Pictures
from pixelpatchwork.insight.records import Facts, Records, read_facts
from pixelpatchwork.insight.stats import (
    Bin,
    Contribution,
    DayParticipation,
    Spending,
    VoteDistribution,
    contributions,
    gini,
    participation,
    spending,
    vote_distribution,
)

FEW_VOTES = 100
"""Votes that can be compared, below which the page warns that its measures are rough. Our own choice: at a
hundred a share is known to about ten points either way."""
MAX_ROWS = 60
"""Voters that the agreement chart shows: those with the most votes to compare."""

_NAME_LENGTH = 20
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VoterRow:
    """One voter's agreement under his username."""

    username: str
    agreement: VoterAgreement


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything on the page.

    `gini` is over the usable answers of everybody who sent one in. `voters` come by agreement, highest first,
    those without a figure last.
    """

    study_name: str
    version: str
    generated_at: datetime
    days: tuple[DayStory, ...]
    participation: tuple[DayParticipation, ...]
    contributions: tuple[Contribution, ...]
    gini: float | None
    distribution: VoteDistribution
    agreement: Agreement
    voters: tuple[VoterRow, ...]
    spending: Spending

    @property
    def is_few(self) -> bool:
        """So few votes can be compared that the measures are rough."""
        return self.agreement.pairable < FEW_VOTES


def build_report(store: Records, images: ImageStore, *, generated_at: datetime) -> Report:
    """Reads the whole study. `generated_at` is aware and in UTC.

    Raises:
        NothingToDo: there is no study in this database yet.
        StoreError, ImageStoreError: the records or the pictures could not be reached. A picture that is
            merely missing leaves an empty frame instead.
    """
    facts = read_facts(store)
    rounds, answers, painted = facts.rounds, facts.assignments, facts.images.values()
    distribution = vote_distribution(facts.votes, facts.hits)
    agreed = agreement(facts.votes)
    people = contributions(rounds, answers, facts.users.values(), painted, facts.votes)
    return Report(
        study_name=shown(facts.study.name),
        version=__version__,
        generated_at=generated_at,
        days=day_stories(facts, distribution.images, Pictures(images)),
        participation=participation(facts.days, rounds, answers, painted, facts.votes),
        contributions=people,
        gini=gini([one.answers for one in people]),
        distribution=distribution,
        agreement=agreed,
        voters=_voter_rows(agreed, facts),
        spending=spending(facts.paid_rounds, facts.paid_hits, answers, facts.edits),
    )


def render_report(report: Report) -> str:
    """The report as one HTML document without scripts, links to resources, or anything else outside it."""
    votes = report.distribution
    most = max((bar.count for bar in (*votes.ups, *votes.downs)), default=0)
    people = max((day.workers for day in report.participation), default=0)
    agreement_chart = charts.dot_plot(_estimates(report.voters))
    template = page_environment().get_template("report.html.j2")
    return template.render(
        report=report,
        reasons=_reasons(report.participation),
        people_chart=charts.column_chart(
            [_people_column(day) for day in report.participation], highest=people
        ),
        ups_chart=charts.column_chart([_votes_column(bar, "up") for bar in votes.ups], highest=most),
        downs_chart=charts.column_chart([_votes_column(bar, "down") for bar in votes.downs], highest=most),
        agreement_chart=agreement_chart,
        unplotted=sum(1 for row in report.voters if row.agreement.compared) - len(agreement_chart.dots),
    )


def _voter_rows(agreed: Agreement, facts: Facts) -> tuple[VoterRow, ...]:
    rows = [VoterRow(username=_username(voter.user_id, facts), agreement=voter) for voter in agreed.voters]
    return tuple(sorted(rows, key=_by_agreement))


def _by_agreement(row: VoterRow) -> tuple[float, int, str]:
    share = row.agreement.share
    return (-share if share is not None else 1, -row.agreement.compared, row.username)


def _username(user_id: UserId, facts: Facts) -> str:
    return shown(facts.users[user_id].username)


def _reasons(days: Sequence[DayParticipation]) -> list[tuple[str, int]]:
    """Why answers of any round were unusable, the most frequent first."""
    reasons: Counter[str] = Counter()
    for day in days:
        for one in (day.generation, day.voting):
            if one is not None:
                reasons.update(dict(one.reasons))
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))


def _people_column(day: DayParticipation) -> charts.Column:
    people = counted(day.workers, "person", "people")
    return charts.Column(
        label=str(day.number),
        title=f"Day {day.number}: {people}, {day.returning} of them returning",
        parts=(("returning", day.returning), ("new", day.workers - day.returning)),
    )


def _votes_column(bar: Bin, series: str) -> charts.Column:
    label = str(bar.low) if bar.low == bar.high else f"{bar.low}\N{EN DASH}{bar.high}"
    title = f"{counted(bar.count, 'image')} with {label} {series}"
    return charts.Column(label=label, title=title, parts=((series, bar.count),))


def _estimates(rows: Sequence[VoterRow]) -> Iterator[charts.Estimate]:
    most = sorted(rows, key=lambda row: (-row.agreement.compared, row.username))[:MAX_ROWS]
    for row in sorted(most, key=_by_agreement):
        share, interval = row.agreement.share, row.agreement.interval
        if share is None or interval is None:
            continue
        low, high = interval
        title = f"{row.username}: {row.agreement.sided} of {row.agreement.compared} with the majority"
        yield charts.Estimate(label=row.username, title=title, share=share, low=low, high=high)


# ---- how the template writes things ---------------------------------------------------------------------


@cache
def page_environment() -> Environment:
    """How every page of ours is written: escaped, with these filters."""
    environment = Environment(
        loader=PackageLoader("pixelpatchwork.insight", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "percent": percent,
        "on": on,
        "short": short,
        "shown": shown,
        "decimal": decimal,
        "usd": usd,
    }
    return environment


def percent(share: float) -> str:
    """A share of 0 to 1 as `38%`; what is above nothing and below one percent is `<1%`."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def decimal(value: float | None) -> str:
    """A coefficient as `0.38`, with a true minus sign; a dash for None."""
    return "\N{EN DASH}" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def usd(amount: Usd) -> str:
    """`$1,204.50`; with as many decimals as fractions of a cent need."""
    return f"${amount.quantize(CENT) if amount == amount.quantize(CENT) else amount.normalize():,}"


def on(day: date) -> str:
    """`21 November 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def short(name: str) -> str:
    """A name that fits the agreement chart's column."""
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
