"""The bonuses of a Day are paid once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from pixelpatchwork.adapters.database import SqlStore, schema
from pixelpatchwork.domain.bonuses import BonusRule, BonusRules, Grant
from pixelpatchwork.domain.budget import Budget
from pixelpatchwork.domain.errors import (
    BudgetExceeded,
    ConfigurationError,
    CrowdError,
    InsufficientFunds,
    NothingToDo,
)
from pixelpatchwork.domain.model import ImageId, ImageState, Token
from pixelpatchwork.domain.money import Usd
from pixelpatchwork.domain.ports import PaidBonus
from pixelpatchwork.workflow.advance import advance_day
from pixelpatchwork.workflow.bonus import BonusSummary, pay_bonuses, plan_day
from pixelpatchwork.workflow.cancel import cancel_round, plan_cancel
from pixelpatchwork.workflow.services import Services
from tests.support.interposed import Interposed, Killed, failing_on
from tests.support.study import RULES, Stage, open_stage

BONUSES = BonusRules(
    grants={
        BonusRule.WINNER: Grant(amount_usd=Usd("0.50"), reason="You won."),
        BonusRule.RUNNER_UP: Grant(amount_usd=Usd("0.20"), reason="You came second."),
        BonusRule.VOTER: Grant(amount_usd=Usd("0.05"), reason="You voted for it."),
    }
)
COST = Usd("0.60") + Usd("0.24") + 2 * Usd("0.06")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Day 1 is closed: the moon won with the votes of two who did not make it, the star came second."""
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1, bonuses=BONUSES))
    stage.publish()
    stage.paint("Maker of the moon", "a moon")
    stage.paint("Maker of the star", "a star")
    stage.collect(close=True)
    stage.publish()
    moon = image_of(stage, "a moon")
    for voter in ("Maker of the moon", "Maker of the star", "A voter"):
        stage.vote(voter, lambda image_id: "up" if image_id == moon else "down")
    stage.vote("Another voter", lambda image_id: "down" if image_id == moon else "up")
    stage.collect(close=True)
    assert advance_day(stage.services).winner_image_id == moon
    yield stage
    stage.services.store.close()  # type: ignore[attr-defined]


def image_of(stage: Stage, prompt: str) -> ImageId:
    return next(image.image_id for image in stage.services.store.images() if image.prompt_text == prompt)


def pay(stage: Stage, **changes: object) -> BonusSummary:
    services = stage.with_services(**changes).services
    return pay_bonuses(plan_day(services), services)


def paid_in_the_marketplace(stage: Stage) -> list[PaidBonus]:
    store, crowd = stage.services.store, stage.services.crowd
    answers = [answer for one in store.rounds() for answer in store.assignments(one.round_id)]
    return [paid for answer in answers for paid in crowd.bonuses(answer.assignment_id)]


def forget_bonuses(stage: Stage) -> None:
    store = stage.services.store
    assert isinstance(store, SqlStore)
    store.database.write(lambda connection: connection.execute(delete(schema.bonus)) and None)


def crowd_with(stage: Stage, call: str, **around: Callable[[], None]) -> Interposed:
    return Interposed(stage.services.crowd, call, **around)


def test_the_winner_the_second_and_the_voters_of_the_winner_are_paid(stage: Stage) -> None:
    done = pay(stage)
    assert (done.paid, done.found, done.waiting, done.paid_usd) == (4, 0, 0, COST)
    paid = sorted((one.reason, one.amount_usd) for one in paid_in_the_marketplace(stage))
    assert paid == [
        ("You came second. (Day 1)", Usd("0.20")),
        ("You voted for it. (Day 1)", Usd("0.05")),
        ("You voted for it. (Day 1)", Usd("0.05")),
        ("You won. (Day 1)", Usd("0.50")),
    ]
    assert all(one.paid_at is not None for one in stage.services.store.bonuses())


def test_paying_again_pays_nothing(stage: Stage) -> None:
    pay(stage)
    balance = stage.services.crowd.balance()
    stage.clock.advance(timedelta(days=2))
    assert pay(stage).paid == 0
    assert stage.services.crowd.balance() == balance


def test_a_plan_changes_nothing(stage: Stage) -> None:
    plan = plan_day(stage.services)
    assert (len(plan.new), plan.cost) == (4, COST)
    assert stage.services.store.bonuses() == ()
    assert paid_in_the_marketplace(stage) == []


def test_what_is_decided_is_not_decided_again(stage: Stage) -> None:
    pay(stage)
    second = image_of(stage, "a star")
    stage.services.store.review_image(second, ImageState.HIDDEN, at=stage.clock.now())
    dearer = BonusRules(
        grants={**BONUSES.grants, BonusRule.WINNER: Grant(amount_usd=Usd("2.00"), reason="More")}
    )
    assert pay(stage, rules=replace(stage.services.rules, bonuses=dearer)).paid == 0
    assert len(paid_in_the_marketplace(stage)) == 4


def test_what_another_run_decided_meanwhile_costs_nothing_here(stage: Stage) -> None:
    plan = plan_day(stage.services)
    dearer = BonusRules(grants={BonusRule.RUNNER_UP: Grant(amount_usd=Usd("9.00"), reason="Much more")})
    theirs = plan_day(replace(stage.services, rules=replace(stage.services.rules, bonuses=dearer))).new
    other = [replace(one, token=Token("another's")) for one in theirs]
    stage.services.store.plan_bonuses(other, at=stage.clock.now())
    assert pay_bonuses(plan, stage.services).paid_usd == COST - Usd("0.24")
    assert [one.token for one in plan_day(stage.services).unpaid] == ["another's"]


def test_a_rule_that_is_added_later_is_paid_then(stage: Stage) -> None:
    first = BonusRules(grants={BonusRule.WINNER: BONUSES.grants[BonusRule.WINNER]})
    assert pay(stage, rules=replace(stage.services.rules, bonuses=first)).paid == 1
    assert pay(stage).paid == 3


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_run_killed_after_sending_and_before_noting_pays_nobody_twice(
    stage: Stage, number: int, hours: int
) -> None:
    """Within 24 hours the token would tell as well; afterwards only the list does."""
    with pytest.raises(Killed):
        pay(stage, crowd=crowd_with(stage, "send_bonus", after=failing_on(number, Killed())))
    stage.clock.advance(timedelta(hours=hours))
    done = pay(stage)
    assert (done.found, done.waiting) == (1, 0)
    assert len(paid_in_the_marketplace(stage)) == 4
    assert plan_day(stage.services).unpaid == ()


def test_what_was_paid_with_other_words_or_another_amount_is_not_paid_again(stage: Stage) -> None:
    """The records were lost, the settings changed since, and the tokens are too old to guard."""
    pay(stage)
    before = paid_in_the_marketplace(stage)
    forget_bonuses(stage)
    stage.clock.advance(timedelta(hours=30))
    grants = {rule: Grant(amount_usd=Usd("0.75"), reason="In other words!") for rule in BONUSES.grants}
    changed = replace(stage.services.rules, bonuses=BonusRules(grants=grants), day_name="Tag {number}")
    again = pay(stage, rules=changed)
    assert (again.paid, again.found, again.waiting) == (0, 4, 0)
    assert paid_in_the_marketplace(stage) == before
    recorded = sorted(
        (one.assignment_id, one.amount_usd, one.reason) for one in stage.services.store.bonuses()
    )
    assert recorded == sorted((one.assignment_id, one.amount_usd, one.reason) for one in before)


def test_the_payment_of_another_bonus_for_the_same_answer_is_not_taken_for_this_ones(stage: Stage) -> None:
    """Places move when a picture is hidden: who was paid for one may get another by a rule that is added later."""
    (winner,) = (one for one in plan_day(stage.services).new if one.rule is BonusRule.WINNER)
    third = replace(winner, token=Token("third"), rule=BonusRule.THIRD, reason="You came third. (Day 1)")
    store, crowd = stage.services.store, stage.services.crowd
    user = store.user_by_id(winner.user_id)
    assert user is not None
    store.plan_bonuses([third], at=stage.clock.now())
    how = {"token": third.token, "amount_usd": third.amount_usd, "reason": third.reason}
    crowd.send_bonus(third.assignment_id, user.worker_id, **how)  # type: ignore[arg-type]
    store.mark_bonus_paid(third.token, paid_at=stage.clock.now(), at=stage.clock.now())
    assert (pay(stage).paid, len(paid_in_the_marketplace(stage))) == (4, 5)


def test_a_bonus_that_somebody_gave_by_hand_is_not_taken_for_this_ones(stage: Stage) -> None:
    (winner,) = (one for one in plan_day(stage.services).new if one.rule is BonusRule.WINNER)
    user = stage.services.store.user_by_id(winner.user_id)
    assert user is not None
    by_hand = {"token": Token("by hand"), "amount_usd": Usd("1.00"), "reason": "Thank you for everything"}
    stage.services.crowd.send_bonus(winner.assignment_id, user.worker_id, **by_hand)  # type: ignore[arg-type]
    assert pay(stage).paid == 4


def test_an_answer_that_is_lost_on_the_way_counts_as_paid_if_the_list_shows_it(stage: Stage) -> None:
    lost = failing_on(2, CrowdError("broke off in the middle of a call"))
    done = pay(stage, crowd=crowd_with(stage, "send_bonus", after=lost))
    assert (done.paid, done.found, done.waiting) == (3, 1, 0)
    assert len(paid_in_the_marketplace(stage)) == 4


def test_one_that_fails_does_not_hold_up_the_others(stage: Stage) -> None:
    refused = failing_on(1, InsufficientFunds("The marketplace account does not hold enough money."))
    done = pay(stage, crowd=crowd_with(stage, "send_bonus", before=refused))
    assert (done.paid, done.waiting) == (3, 1)
    assert done.first_failure == "The marketplace account does not hold enough money."
    again = pay(stage)
    assert (again.paid, again.waiting) == (1, 0)


def test_a_token_that_is_used_while_the_list_lags_is_left_for_later(stage: Stage) -> None:
    class Lagging(Interposed):
        def bonuses(self, _assignment_id: str) -> Iterator[PaidBonus]:
            return iter(())

    with pytest.raises(Killed):
        pay(stage, crowd=crowd_with(stage, "send_bonus", after=failing_on(1, Killed())))
    done = pay(stage, crowd=Lagging(stage.services.crowd, "none"))
    assert (done.paid, done.found, done.waiting) == (3, 0, 1)
    assert done.first_failure is not None
    assert "already been processed" in done.first_failure
    assert pay(stage).found == 1
    assert len(paid_in_the_marketplace(stage)) == 4


def test_a_winner_from_a_cancelled_attempt_of_the_round_is_paid(tmp_path: Path) -> None:
    stage = open_stage(tmp_path, rules=replace(RULES, parallel_calls=1, bonuses=BONUSES))
    stage.publish()
    stage.paint("Maker of the moon", "a moon")
    stage.collect()
    cancel_round(plan_cancel(stage.services), stage.services, owner="test")
    stage.publish()
    stage.paint("Maker of the star", "a star")
    stage.collect(close=True)
    moon = image_of(stage, "a moon")
    stage.services.store.review_image(moon, ImageState.VISIBLE, at=stage.clock.now())
    stage.publish()
    stage.vote("A voter", lambda image_id: "up" if image_id == moon else "down")
    stage.collect(close=True)
    assert advance_day(stage.services).winner_image_id == moon

    rules = [one.rule for one in plan_day(stage.services).new]

    assert sorted(rules) == [BonusRule.RUNNER_UP, BonusRule.VOTER, BonusRule.WINNER]


def test_who_was_banned_meanwhile_gets_nothing(stage: Stage) -> None:
    store = stage.services.store
    winner = store.image(image_of(stage, "a moon"))
    assert winner is not None
    assert winner.creator_id is not None
    store.set_banned(winner.creator_id, is_banned=True, at=stage.clock.now())
    assert "winner" not in {one.rule for one in plan_day(stage.services).new}


def test_a_budget_without_room_refuses_all_of_them_with_nothing_recorded(stage: Stage) -> None:
    spent = 2 * Usd("0.30") + 4 * Usd("0.12")
    rules = replace(stage.services.rules, budget=Budget(day_usd=spent + COST - Usd("0.01")))
    with pytest.raises(BudgetExceeded, match=r"The bonuses would need up to \$0\.96"):
        pay(stage, rules=rules)
    assert stage.services.store.bonuses() == ()
    enough = replace(stage.services.rules, budget=Budget(day_usd=spent + COST))
    assert pay(stage, rules=enough).paid == 4


def test_bonuses_are_not_sent_to_another_marketplace(stage: Stage) -> None:
    with pytest.raises(ConfigurationError, match="Set `marketplace` back"):
        pay(stage, market="mturk-live")
    assert stage.services.store.bonuses() == ()


def refusal(services: Services, number: int | None = None) -> str:
    with pytest.raises(NothingToDo) as caught:
        plan_day(services, number)
    return str(caught.value)


def test_days_that_are_not_closed_have_no_bonuses(stage: Stage, tmp_path: Path) -> None:
    assert refusal(stage.services, 2) == "Day 2 is not closed yet. Run: ppw status"
    assert refusal(stage.services, 3) == "There is no Day 3. Run: ppw status"
    fresh = open_stage(tmp_path / "another")
    assert refusal(fresh.services).startswith("No Day is closed yet")


def test_without_rules_there_is_nothing_to_do_but_what_is_recorded_is_paid(stage: Stage) -> None:
    none = replace(stage.services.rules, bonuses=BonusRules())
    assert "bonus.winner_usd" in refusal(replace(stage.services, rules=none))
    broke = failing_on(1, InsufficientFunds("no money"))
    pay(stage, crowd=crowd_with(stage, "send_bonus", before=broke))
    assert pay(stage, rules=none).paid == 1
