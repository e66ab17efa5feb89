"""Several requesters in one marketplace: keys and balances of their own, and nothing of each other's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from pixelpatchwork.marketplace import ledger, requesters, schema, timekeeping
from pixelpatchwork.marketplace.audit import audit
from pixelpatchwork.marketplace.ledger import Cause
from pixelpatchwork.marketplace.market import Market
from pixelpatchwork.marketplace.records import Moment
from pixelpatchwork.marketplace.requesters import Key, Keyring, RequesterError
from pixelpatchwork.marketplace.timekeeping import ClockError
from tests.support.marketplace import Bench, bench, hit_request, refusal, socket_client


@dataclass
class Two:
    """A marketplace with two requesters, each with a boto3 client."""

    here: Bench
    ann: Any
    bob: Any
    keys: dict[str, Key]

    @property
    def market(self) -> Market:
        found: Market = self.here.app.extensions["marketplace"]
        return found


@pytest.fixture
def two() -> Iterator[Two]:
    with bench("served") as here:
        market: Market = here.app.extensions["marketplace"]
        keyring: Keyring = here.app.extensions["keyring"]
        keys = {
            name: market.write(
                lambda moment, name=name: keyring.mint(
                    moment, requesters.add(moment, market.secret_key, name, 10_00)
                )
            )
            for name in ("Ann", "Bob")
        }
        ann, bob = (socket_client(str(here.url), key.key_id, key.secret) for key in keys.values())
        yield Two(here, ann, bob, keys)


def refused_with(code: str) -> Any:
    return pytest.raises(ClientError, check=lambda error: error.response["Error"]["Code"] == code)


def test_each_requester_has_a_balance_of_his_own(two: Two) -> None:
    two.ann.create_hit(**hit_request(Reward="1.00", MaxAssignments=5))

    assert two.ann.get_account_balance()["AvailableBalance"] == "4.00"
    assert two.bob.get_account_balance()["AvailableBalance"] == "10.00"
    assert two.here.balance() == ("10000.00", "0.00")


def test_a_batch_that_the_balance_does_not_cover_stops_in_its_middle(two: Two) -> None:
    for number in range(8):
        two.ann.create_hit(**hit_request(Reward="1.00", MaxAssignments=1, RequesterAnnotation=str(number)))
    with refusal("InsufficientFunds", "This Requester has insufficient funds in their account"):
        two.ann.create_hit(**hit_request(Reward="1.00", MaxAssignments=1))

    assert len(two.ann.list_hits()["HITs"]) == 8
    assert two.ann.get_account_balance()["AvailableBalance"] == "0.40"


def test_no_requester_sees_or_touches_another_ones_hits_and_answers(two: Two) -> None:
    hit_id = two.ann.create_hit(**hit_request())["HIT"]["HITId"]
    worker = two.here.worker()
    assignment_id = worker.work(hit_id)

    assert two.bob.list_hits()["HITs"] == []
    assert two.bob.list_reviewable_hits()["HITs"] == []
    for touch in (
        lambda: two.bob.get_hit(HITId=hit_id),
        lambda: two.bob.list_assignments_for_hit(HITId=hit_id),
        lambda: two.bob.update_expiration_for_hit(HITId=hit_id, ExpireAt=0),
        lambda: two.bob.create_additional_assignments_for_hit(HITId=hit_id, NumberOfAdditionalAssignments=1),
        lambda: two.bob.update_hit_review_status(HITId=hit_id),
        lambda: two.bob.list_bonus_payments(HITId=hit_id),
        lambda: two.bob.delete_hit(HITId=hit_id),
    ):
        with refusal("HITDoesNotExist"):
            touch()
    for touch in (
        lambda: two.bob.get_assignment(AssignmentId=assignment_id),
        lambda: two.bob.approve_assignment(AssignmentId=assignment_id),
        lambda: two.bob.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="no"),
        lambda: two.bob.send_bonus(
            AssignmentId=assignment_id, WorkerId=worker.worker_id, BonusAmount="1.00", Reason="r"
        ),
    ):
        with refusal("AssignmentDoesNotExist"):
            touch()
    assert two.ann.get_assignment(AssignmentId=assignment_id)["Assignment"]["AssignmentStatus"] == "Submitted"


def test_no_requester_touches_another_ones_qualifications_and_hit_types(two: Two) -> None:
    qualification = two.ann.create_qualification_type(
        Name="Painter", Description="d", QualificationTypeStatus="Active"
    )["QualificationType"]["QualificationTypeId"]
    hit_type_id = two.ann.create_hit_type(
        Title="t", Description="d", Reward="0.10", AssignmentDurationInSeconds=60
    )["HITTypeId"]
    worker = two.here.worker()

    for touch in (
        lambda: two.bob.associate_qualification_with_worker(
            QualificationTypeId=qualification, WorkerId=worker.worker_id
        ),
        lambda: two.bob.update_qualification_type(QualificationTypeId=qualification, Description="mine"),
        lambda: two.bob.delete_qualification_type(QualificationTypeId=qualification),
        lambda: two.bob.list_workers_with_qualification_type(QualificationTypeId=qualification),
        lambda: two.bob.create_hit_with_hit_type(
            HITTypeId=hit_type_id, Question=hit_request()["Question"], LifetimeInSeconds=60
        ),
    ):
        with pytest.raises(ClientError):
            touch()
    kept = two.ann.get_qualification_type(QualificationTypeId=qualification)["QualificationType"]
    assert kept["Description"] == "d"


def test_equal_hit_types_and_tokens_of_two_requesters_are_two(two: Two) -> None:
    values = {"Title": "t", "Description": "d", "Reward": "0.10", "AssignmentDurationInSeconds": 60}
    types = {client.create_hit_type(**values)["HITTypeId"] for client in (two.ann, two.bob)}
    hits = {
        client.create_hit(**hit_request(UniqueRequestToken="one"))["HIT"]["HITId"]
        for client in (two.ann, two.bob)
    }

    assert (len(types), len(hits)) == (2, 2)


def test_a_revoked_key_is_refused_at_once_and_others_go_on(two: Two) -> None:
    two.market.write(lambda moment: requesters.revoke(moment, two.keys["Ann"].key_id))

    with refused_with("UnrecognizedClientException"):
        two.ann.get_account_balance()
    assert two.bob.get_account_balance()["AvailableBalance"] == "10.00"
    with pytest.raises(RequesterError, match="No access key"):
        two.market.write(lambda moment: requesters.revoke(moment, two.keys["Ann"].key_id))


def test_a_secret_is_stored_nowhere_and_yet_the_same_in_every_process(two: Two) -> None:
    rows = []
    with two.market.database.begin(writes=False) as connection:
        for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table'").all():
            rows += connection.exec_driver_sql(f'SELECT * FROM "{name}"').all()
    again = Keyring(two.market, {}).find(two.keys["Ann"].key_id)

    assert two.keys["Ann"].secret not in repr(rows)
    assert again == two.keys["Ann"]


def test_a_name_is_given_once_however_it_is_written(two: Two) -> None:
    with pytest.raises(RequesterError, match="already"):
        two.market.write(lambda moment: requesters.add(moment, two.market.secret_key, " ANN ", 0))
    with pytest.raises(RequesterError, match="printable"):
        two.market.write(lambda moment: requesters.add(moment, two.market.secret_key, "a\x07b", 0))


def test_a_deposit_arrives_and_the_ledger_balances(two: Two) -> None:
    found = two.market.write(lambda moment: requesters.deposit(moment, "bob", 5_00))
    hit_id = two.bob.create_hit(**hit_request(Reward="1.00", MaxAssignments=1))["HIT"]["HITId"]
    worker = two.here.worker()
    assignment_id = worker.work(hit_id)
    two.bob.approve_assignment(AssignmentId=assignment_id)
    two.bob.send_bonus(
        AssignmentId=assignment_id, WorkerId=worker.worker_id, BonusAmount="2.00", Reason="well done"
    )

    assert found.available == 15_00
    assert Decimal(two.bob.get_account_balance()["AvailableBalance"]) == Decimal("11.40")
    assert two.market.read(lambda moment: list(audit(moment.connection))) == []


def test_the_audit_names_what_does_not_add_up(two: Two) -> None:
    two.ann.create_hit(**hit_request())
    with two.market.database.begin(writes=True) as connection:
        connection.exec_driver_sql("UPDATE requester SET held_cents = held_cents + 1 WHERE name = 'Ann'")
        connection.exec_driver_sql("UPDATE ledger SET cents = -1 WHERE number = 1")
        connection.exec_driver_sql(
            "INSERT INTO ledger (at, kind, from_account, to_account, cents) VALUES (0, 'bonus', 'a', 'b', 7)"
        )
    faults = "\n".join(two.market.read(lambda moment: list(audit(moment.connection))))

    assert "Row 1 of the ledger moves no money" in faults
    assert "Requester Ann: 0.37 USD held, where the ledger has 0.36." in faults
    assert "0.07 USD were paid as bonus, where 0.00 were due." in faults


def test_the_tables_take_one_reward_for_each_assignment(two: Two) -> None:
    """Whatever the states above them may let through."""
    hit_id = two.ann.create_hit(**hit_request())["HIT"]["HITId"]
    assignment_id = two.here.worker().work(hit_id)
    two.ann.approve_assignment(AssignmentId=assignment_id)
    columns = schema.ledger.c

    def pay_again(moment: Moment) -> None:
        paid = moment.connection.execute(select(schema.assignment.c.worker_id)).scalar_one()
        (owner,) = moment.connection.execute(
            select(columns.to_account).where(columns.kind == "hold")
        ).scalars()
        cause = Cause(
            at=0, requester_id=owner.removeprefix("held:"), hit_id=hit_id, assignment_id=assignment_id
        )
        ledger.pay_reward(moment.connection, cause, paid, reward=15, fee=3, from_held=False)

    with pytest.raises(IntegrityError):
        two.market.write(pay_again)

    assert two.market.read(lambda moment: list(audit(moment.connection))) == []


def test_the_audit_sees_one_assignment_paid_twice_and_another_not_at_all(two: Two) -> None:
    hit_id = two.ann.create_hit(**hit_request())["HIT"]["HITId"]
    first, second = (two.here.worker(name).work(hit_id) for name in ("Cleo", "Dan"))
    for assignment_id in (first, second):
        two.ann.approve_assignment(AssignmentId=assignment_id)
    with two.market.database.begin(writes=True) as connection:
        columns = schema.ledger.c
        wrong = update(schema.ledger).where(columns.kind == "reward", columns.assignment_id == second)
        connection.execute(wrong.values(assignment_id=first))

    assert two.market.read(lambda moment: set(audit(moment.connection))) == {
        f"Assignment {first}: 0.30 USD were paid as reward, where 0.15 were due.",
        f"Assignment {second}: 0.00 USD were paid as reward, where 0.15 were due.",
    }


def test_a_clock_that_is_moved_takes_every_process_and_every_deadline_with_it(two: Two) -> None:
    hit_id = two.ann.create_hit(**hit_request(MaxAssignments=1))["HIT"]["HITId"]
    assignment_id = two.here.worker().work(hit_id)
    other = Market(
        database=two.market.database,
        clock=two.here.clock,
        secret_key="fixed",
        opening_balance=Decimal(0),
    )
    other.write(lambda moment: timekeeping.advance(moment.connection, 31 * 86_400_000))

    approved = two.ann.get_assignment(AssignmentId=assignment_id)["Assignment"]
    assert approved["AssignmentStatus"] == "Approved"
    assert approved["ApprovalTime"] == approved["AutoApprovalTime"]
    assert two.market.now() == other.read(lambda moment: moment.now)


def test_a_clock_on_which_others_rely_is_not_moved_and_a_moved_one_is_not_for_others(two: Two) -> None:
    def advance() -> int:
        return two.market.write(lambda moment: timekeeping.advance(moment.connection, 1_000))

    def open_up() -> None:
        two.market.write(lambda moment: timekeeping.open_to_others(moment.connection))

    open_up()
    open_up()
    with pytest.raises(ClockError, match="served to others"):
        advance()

    with bench() as rehearsal:
        market: Market = rehearsal.app.extensions["marketplace"]
        market.write(lambda moment: timekeeping.advance(moment.connection, 1_000))
        with pytest.raises(ClockError, match="moved for a rehearsal"):
            market.write(lambda moment: timekeeping.open_to_others(moment.connection))
        with pytest.raises(ClockError, match="forward only"):
            market.write(lambda moment: timekeeping.advance(moment.connection, -1))
