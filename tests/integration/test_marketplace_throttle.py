"""The API's own limit on the calls of one access key, as clients meet it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from pixelpatchwork.marketplace.rates import Rate
from tests.support.marketplace import bench, socket_client


def test_calls_beyond_a_keys_rate_are_refused_as_mechanical_turk_refused_them() -> None:
    with bench("served", api_rate=Rate(per_second=0.001, burst=2)) as market:
        for _ in range(2):
            market.balance()
        with pytest.raises(ClientError) as caught:
            market.hit()

        assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_boto3_rides_a_short_throttle_out_by_itself() -> None:
    with bench("served", api_rate=Rate(per_second=20, burst=1)) as market:
        assert market.url is not None
        client = socket_client(market.url, attempts=6)

        balances = [client.get_account_balance()["AvailableBalance"] for _ in range(3)]

    assert balances == ["10000.00"] * 3


def test_nobody_uses_up_another_keys_rate_with_a_signature_that_is_wrong() -> None:
    with bench("served", api_rate=Rate(per_second=0.001, burst=1)) as market:
        assert market.url is not None
        forger = socket_client(market.url, secret="wrong")
        for _ in range(3):
            with pytest.raises(ClientError, match="InvalidSignatureException"):
                forger.get_account_balance()

        assert market.balance() == ("10000.00", "0.00")


def test_what_never_leaves_the_process_is_not_throttled() -> None:
    with bench(api_rate=Rate(per_second=0.001, burst=1)) as market:
        assert [market.balance() for _ in range(3)] == [("10000.00", "0.00")] * 3
