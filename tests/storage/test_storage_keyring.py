"""Sealing: what is altered or sealed with another key is not opened, and a new key takes over from an old one."""

from __future__ import annotations

import pytest
from sealing_keys import KEYRING, WRITTEN
from sqlalchemy.dialects import sqlite

from storage.keyring import KEY_SIZE, BadKeyring, Damaged, Keyring, UnknownKey, is_sealed, new_keyring, parsed
from storage.sealing import keyring_of

TEXT = "张发明，13800000000".encode()


def test_what_is_sealed_is_opened_and_is_never_the_same_twice() -> None:
    one, other = KEYRING.seal(TEXT), KEYRING.seal(TEXT)
    assert one != other
    assert TEXT not in one
    assert is_sealed(one)
    assert KEYRING.open(one) == KEYRING.open(other) == TEXT
    assert KEYRING.open(KEYRING.seal(b"")) == b""


def test_what_was_there_before_there_were_keys_is_given_back_as_it_is() -> None:
    assert KEYRING.open(TEXT) == TEXT


@pytest.mark.parametrize("place", [3, 15, -1])
def test_an_altered_value_is_not_opened(place: int) -> None:
    value = bytearray(KEYRING.seal(TEXT))
    value[place] ^= 1
    with pytest.raises(Damaged, match="改动"):
        KEYRING.open(bytes(value))
    with pytest.raises(Damaged):
        KEYRING.open(KEYRING.seal(TEXT)[:10])


def test_another_keyrings_value_is_not_opened() -> None:
    with pytest.raises(Damaged):
        new_keyring().open(KEYRING.seal(TEXT))


def test_a_new_key_takes_over_and_the_old_one_still_opens() -> None:
    before = KEYRING.seal(TEXT)
    newer = KEYRING.with_new_key()
    assert newer.newest == KEYRING.newest + 1
    assert newer.open(before) == TEXT
    assert newer.digest(TEXT) == KEYRING.digest(TEXT), "what is found by digest stays found"
    with pytest.raises(UnknownKey, match="密钥 2 不在"):
        KEYRING.open(newer.seal(TEXT))


def test_a_key_that_another_process_made_is_read_when_it_is_met() -> None:
    newer = KEYRING.with_new_key()
    running = Keyring(*parsed(WRITTEN), lambda: parsed(newer.spelled()))
    assert running.open(newer.seal(TEXT)) == TEXT
    assert running.newest == newer.newest


def test_keys_of_another_town_are_not_taken_over() -> None:
    running = Keyring(*parsed(WRITTEN), lambda: parsed(new_keyring().with_new_key().spelled()))
    running.refresh()
    assert running.fingerprints() == KEYRING.fingerprints()


def test_a_keyring_is_spelled_and_parsed_again() -> None:
    one = new_keyring().with_new_key()
    written = "# 注释\n" + one.spelled().replace("\n", "   # 又一条\n")
    again = Keyring(*parsed(written))
    assert again.fingerprints() == one.fingerprints()
    assert set(one.fingerprints()) == {0, 1, 2}
    assert again.open(one.seal(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "密钥不全"),
        (WRITTEN.split()[0], "密钥不全"),
        (WRITTEN.split()[1], "密钥不全"),
        (f"{WRITTEN} 1:{WRITTEN.split()[1][2:]}", "每个只写一次"),
        (f"{WRITTEN} 0:{WRITTEN.split()[1][2:]}", "“0”不对"),
        (f"{WRITTEN} 256:{WRITTEN.split()[1][2:]}", "“256”不对"),
        (f"{WRITTEN} 2:c2hvcnQ=", "32 字节"),
        (f"{WRITTEN} 2:不是密钥", "32 字节"),
        (f"{WRITTEN} 三", "32 字节"),
    ],
)
def test_a_keyring_that_is_written_wrong_is_refused_and_shows_no_key(written: str, said: str) -> None:
    with pytest.raises(BadKeyring, match=said) as error:
        parsed(written)
    assert WRITTEN.split()[1][2:] not in str(error.value)


def test_an_engine_without_a_keyring_seals_nothing() -> None:
    with pytest.raises(LookupError):
        keyring_of(sqlite.dialect())
    assert KEY_SIZE == 32
