"""The crowd in the real marketplace, on the real HIT pages: in process and over sockets."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from pixelpatchwork.crowd.browser import CrowdTrouble, HttpBrowser, WsgiBrowser
from pixelpatchwork.crowd.simulation import Simulation, Worked
from pixelpatchwork.crowd.workers import Persona, draw_personas
from pixelpatchwork.domain.answers import (
    Ballot,
    GenerationAnswer,
    GenerationRules,
    Unusable,
    parse_ballot,
    parse_generation,
)
from pixelpatchwork.domain.model import Choice, ImageId
from pixelpatchwork.marketplace.served import running
from tests.support.crowd import (
    HEIGHT,
    SIZE,
    WIDTH,
    Fair,
    edited_png,
    generation_question,
    seed_png,
    voting_question,
)

RULES = GenerationRules(min_coverage=0.005, max_coverage=0.5, max_prompt=500)
BALLOT = {"seed": "", "poppies": "a field of poppies", "teal": "waves in teal", "junk": "qwx zkjv bfgh"}
FILES = {
    "/pictures/seed": seed_png(),
    "/pictures/poppies": edited_png(220, 40, 30),
    "/pictures/teal": edited_png(20, 190, 180),
    "/pictures/junk": edited_png(120, 120, 118),
}
TWELVE = draw_personas(12, Random(3))


def crowd(fair: Fair, personas: tuple[Persona, ...] = TWELVE, *, random_seed: int = 1) -> Simulation:
    return Simulation(lambda: WsgiBrowser(fair.site), personas, random_seed, on_step=fair.clock.move)


def fair_with(*hits: tuple[str, int], ids: int = 1) -> tuple[Fair, list[str]]:
    """A marketplace with HITs of (question, assignments)."""
    fair = Fair(FILES, ids=ids)
    return fair, [fair.publish(question, assignments=count) for question, count in hits]


def sorted_answers(fair: Fair, hit_ids: list[str]) -> list[str]:
    return sorted(answer["Answer"] for hit_id in hit_ids for answer in fair.answers(hit_id))


def test_twelve_workers_fill_a_round_with_one_answer_each() -> None:
    fair, hits = fair_with((generation_question(), 6), (generation_question(), 6))
    worked = crowd(fair).work()
    workers = [answer["WorkerId"] for hit_id in hits for answer in fair.answers(hit_id)]
    assert len(workers) == len(set(workers)) == worked.submitted == 12
    assert worked.accepted == worked.submitted + worked.returned
    assert worked.spoiled == 2


def test_ten_of_twelve_painters_send_what_the_study_can_use() -> None:
    fair, hits = fair_with((generation_question(), 12))
    crowd(fair).work()
    parsed = [parse_generation(answer["Answer"], size=SIZE, rules=RULES) for answer in fair.answers(hits[0])]
    usable = [one for one in parsed if isinstance(one, GenerationAnswer)]
    assert len(usable) >= 10
    assert all(answer.mask.size == (WIDTH, HEIGHT) and answer.language for answer in usable)
    assert all(answer.seconds is not None and answer.seconds > 0 for answer in usable)
    assert len({answer.prompt for answer in usable}) >= 8
    assert len({answer.mask.box for answer in usable}) == len(usable)


def test_voters_prefer_what_is_changed_and_colourful_to_what_is_not() -> None:
    fair, hits = fair_with((voting_question(BALLOT), 12))
    crowd(fair).work()
    ups = dict.fromkeys(BALLOT, 0)
    for answer in fair.answers(hits[0]):
        ballot = parse_ballot(answer["Answer"], ballot=[ImageId(image_id) for image_id in BALLOT])
        if isinstance(ballot, Ballot):
            for opinion in ballot.opinions:
                ups[opinion.image_id] += opinion.choice is Choice.UP
    assert min(ups["poppies"], ups["teal"]) >= 7
    assert max(ups["seed"], ups["junk"]) <= 4


def test_each_picture_is_fetched_once_for_the_whole_crowd() -> None:
    fair, _ = fair_with((voting_question(BALLOT), 12))
    crowd(fair).work()
    assert sorted(fair.site.fetched) == sorted(FILES)


def test_few_workers_go_on_to_other_hits_and_none_does_a_hit_twice() -> None:
    fair, hits = fair_with(*[(generation_question(), 3)] * 4)
    worked = crowd(fair, draw_personas(3, Random(5))).work()
    assert worked.submitted == 12
    for hit_id in hits:
        workers = {answer["WorkerId"] for answer in fair.answers(hit_id)}
        assert len(workers) == 3


def test_a_worker_does_one_hit_of_each_type_before_a_second_of_any() -> None:
    fair = Fair(FILES)
    painting = [fair.publish(generation_question(), assignments=2, title="Paint") for _ in range(2)]
    voting = fair.publish(voting_question(BALLOT), assignments=2, title="Vote")
    crowd(fair, draw_personas(2, Random(5))).work(limit=4)
    assert [len(fair.answers(hit_id)) for hit_id in (*painting, voting)] == [2, 0, 2]


def test_the_same_seed_gives_the_same_answers_whatever_the_ids() -> None:
    answers = []
    for ids in (1, 2):
        fair, hits = fair_with((generation_question(), 6), (voting_question(BALLOT), 6), ids=ids)
        crowd(fair).work()
        answers.append(sorted_answers(fair, hits))
    assert answers[0] == answers[1]


def test_another_seed_and_another_day_give_other_answers() -> None:
    def painted(*, random_seed: int, day: int) -> list[str]:
        fair, hits = fair_with((generation_question(day=day), 12))
        crowd(fair, random_seed=random_seed).work()
        return sorted_answers(fair, hits)

    first = painted(random_seed=1, day=1)
    assert not set(first) & set(painted(random_seed=2, day=1))
    assert not set(first) & set(painted(random_seed=1, day=2))


def test_the_clock_is_moved_between_accepting_and_submitting() -> None:
    fair, hits = fair_with((generation_question(), 12))
    start: datetime = fair.clock.now
    crowd(fair).work()
    took = [(one["SubmitTime"] - one["AcceptTime"]).total_seconds() for one in fair.answers(hits[0])]
    assert min(took) >= 1
    assert max(took) < 1_800
    assert fair.clock.now > start


def test_a_limit_stops_the_crowd() -> None:
    fair, hits = fair_with((generation_question(), 12))
    simulation = crowd(fair)
    assert simulation.work(limit=5).submitted == 5
    assert simulation.work().submitted == 7
    assert len(fair.answers(hits[0])) == 12


def test_nothing_on_the_market_is_nothing_done() -> None:
    fair, _ = fair_with()
    assert crowd(fair).work() == Worked()


def test_hits_that_are_not_of_this_study_are_left_alone() -> None:
    survey = (
        '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/'
        'HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html><html><body><form id="survey"></form></body>'
        "</html>]]></HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )
    fair = Fair(FILES)
    ours = fair.publish(generation_question(), assignments=2, title="Paint")
    theirs = fair.publish(survey, assignments=2, title="A survey")
    crowd(fair).work()
    assert [len(fair.answers(hit_id)) for hit_id in (ours, theirs)] == [2, 0]


def test_some_workers_return_a_hit_and_its_place_is_filled_all_the_same() -> None:
    fair, hits = fair_with(*[(generation_question(), 9)] * 6)
    worked = crowd(fair).work()
    assert worked.returned > 0
    assert [len(fair.answers(hit_id)) for hit_id in hits] == [9] * 6


def test_a_picture_that_is_missing_is_said_plainly() -> None:
    fair = Fair({})
    fair.publish(generation_question(), assignments=1)
    with pytest.raises(CrowdTrouble, match=r"/pictures/seed gave status 404"):
        crowd(fair).work()


def test_over_sockets_the_crowd_does_the_same_as_in_process() -> None:
    round_of_two_kinds = (generation_question(), 4), (voting_question(BALLOT), 4)
    near, near_hits = fair_with(*round_of_two_kinds)
    crowd(near, TWELVE[:4]).work()
    far, far_hits = fair_with(*round_of_two_kinds)
    with running(far.site) as url:
        Simulation(lambda: HttpBrowser(url), TWELVE[:4], 1, on_step=far.clock.move).work()
    assert sorted_answers(far, far_hits) == sorted_answers(near, near_hits)
    assert len(far.answers(far_hits[0])) == len(far.answers(far_hits[1])) == 4


def test_answers_that_are_bad_on_purpose_arrive_and_are_judged_with_a_reason() -> None:
    bad = tuple(persona for persona in draw_personas(240, Random(4)) if persona.is_bad)
    fair, hits = fair_with((generation_question(), len(bad)))
    worked = crowd(fair, bad).work()
    parsed = [parse_generation(answer["Answer"], size=SIZE, rules=RULES) for answer in fair.answers(hits[0])]
    assert len(parsed) == worked.spoiled == len(bad) == 40
    reasons = " ".join(one.reason for one in parsed if isinstance(one, Unusable))
    for words in (
        "nothing was painted",
        "mask is empty",
        "covers the whole picture",
        "but the picture is",
        "cannot be read",
        "no prompt",
        "40,000 characters",
        "Consent was not given",
    ):
        assert words in reasons
