"""The signature of the JSON channels."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.signature import BadSignature, sign, verify

SECRET = "an invented secret"
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = '{"majorContent":"路边有垃圾"}'.encode()


def signed(**changed: Any) -> dict[str, Any]:
    headers = {"timestamp": STAMP, "nonce": "n-1", "signature": sign(SECRET, STAMP, "n-1", BODY), "body": BODY}
    return headers | {"now": NOW} | changed


def test_the_signature_is_the_agreed_hmac() -> None:
    message = STAMP.encode() + b"\n" + b"n-1" + b"\n" + BODY
    assert sign(SECRET, STAMP, "n-1", BODY) == hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()


def test_a_good_signature_gives_the_nonce_in_either_case() -> None:
    assert verify(SECRET, **signed()) == "n-1"
    assert verify(SECRET, **signed(signature=signed()["signature"].upper())) == "n-1"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"timestamp": ""}, "missing"),
        ({"nonce": ""}, "missing"),
        ({"signature": ""}, "missing"),
        ({"timestamp": "2026-11-24"}, "timestamp"),
        ({"timestamp": "-1"}, "timestamp"),
        ({"timestamp": "１２３"}, "timestamp"),
        ({"timestamp": "9" * 13}, "timestamp"),
        ({"nonce": "has space"}, "nonce"),
        ({"nonce": "n" * 129}, "nonce"),
        ({"nonce": "随机"}, "nonce"),
        ({"signature": "ab"}, "format"),
        ({"signature": "g" * 64}, "format"),
        ({"signature": "0" * 64}, "mismatch"),
        ({"body": BODY + b" "}, "mismatch"),
        ({"nonce": "n-2"}, "mismatch"),
        ({"timestamp": str(int(STAMP) + 1)}, "mismatch"),
    ],
)
def test_every_way_to_be_unsigned_has_its_code(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(BadSignature) as refused:
        verify(SECRET, **signed(**changed))
    assert refused.value.code == code
    assert str(refused.value)


def test_another_secret_does_not_fit() -> None:
    with pytest.raises(BadSignature) as refused:
        verify(SECRET + "x", **signed())
    assert refused.value.code == "mismatch"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_skew_of_five_minutes_is_taken(seconds: int) -> None:
    assert verify(SECRET, **signed(now=NOW + timedelta(seconds=seconds))) == "n-1"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_second_more_is_not(seconds: int) -> None:
    with pytest.raises(BadSignature) as refused:
        verify(SECRET, **signed(now=NOW + timedelta(seconds=seconds)))
    assert refused.value.code == "skew"
    assert "301 秒" in str(refused.value)


def test_no_signature_can_be_moved_between_timestamp_nonce_and_body() -> None:
    """The line ends part the three: what one loses the next does not gain unnoticed."""
    with pytest.raises(BadSignature):
        verify(SECRET, **signed(nonce="n-1x", signature=sign(SECRET, STAMP, "n-1", b"x" + BODY)))
