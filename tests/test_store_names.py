"""Unique names never meet and sort as they were made; any file name gives a lasting unique-id."""

import re
from itertools import count
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.store.names import UniqueNames, describe, file_name


def no_chance(octets: int) -> bytes:
    return bytes(octets)


def names_at(*moments: float) -> list[str]:
    clock = iter(moments)
    names = UniqueNames(lambda: next(clock), no_chance, "tpmail")
    return [names.make() for _ in moments]


def test_a_name_holds_second_microsecond_chance_and_host() -> None:
    names = UniqueNames(lambda: 1732376757.123456, lambda n: b"\x4f" * n, "tpmail")
    assert names.make() == "1732376757.M123456R4f4f4f4f4f4f4f4f.tpmail"


@pytest.mark.parametrize(
    "moments",
    [
        (1732376757.5, 1732376757.5, 1732376757.5),
        (1732376757.5, 1732376700.0, 1732376757.4),
        (1732376757.999999, 1732376757.999999),
        (99.0, 1732376757.0),
        (0.0, 0.0),
    ],
    ids=["one microsecond", "clock set back", "over the second", "no clock battery", "1970"],
)
def test_names_sort_in_the_order_they_were_made(moments: tuple[float, ...]) -> None:
    names = names_at(*moments)
    assert names == sorted(set(names))


def test_names_made_by_many_threads_differ() -> None:
    names = UniqueNames(lambda: 1732376757.0, no_chance, "tpmail")
    made: list[str] = []
    threads = [Thread(target=lambda: made.extend(names.make() for _ in range(500))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2000


@pytest.mark.parametrize(
    "host", ["tpmail.info.unicaen.fr", "a/b:c,d é\n", "x" * 200, "", "..", "fe80::1%eth0"]
)
def test_any_host_makes_a_name_that_is_a_unique_id_and_a_file_name(host: str) -> None:
    name = UniqueNames(lambda: 9999999999.999999, no_chance, host).make()
    assert re.fullmatch(r"[!-~]{1,70}", name)
    assert not set(name) & set("/:,")
    assert describe(file_name(name, 10**9, 10**9)).uidl == name


@pytest.mark.parametrize(
    ("name", "uidl", "stored", "wire"),
    [
        ("1.M2R3.host,S=812,W=835", "1.M2R3.host", 812, 835),
        ("1.M2R3.host,S=812,W=835:2,", "1.M2R3.host", 812, 835),
        ("1.M2R3.host,S=812,W=835:2,FRS", "1.M2R3.host", 812, 835),
        ("1.M2R3.host,W=835,S=812:2,S", "1.M2R3.host", 812, 835),
        ("1.M2R3.host,S=812:2,S", "1.M2R3.host", 812, None),
        ("1.M2R3.host,W=835", "1.M2R3.host", None, 835),
        ("1.M2R3.host", "1.M2R3.host", None, None),
        ("1.2_0.host,U=7,FMD5=ab:2,S", "1.2_0.host,U=7,FMD5=ab", None, None),
        ("1.host,S=x,W=", "1.host,S=x,W=", None, None),
        ("1.host,S=٣,W=4", None, None, 4),
        ("a letter.eml", None, None, None),
        ("lettre-numéro", None, None, None),
        ("x" * 71, None, None, None),
        ("x" * 70, "x" * 70, None, None),
        ("bad\udcffoctet", None, None, None),
        (":2,S", None, None, None),
    ],
)
def test_describe(name: str, uidl: str | None, stored: int | None, wire: int | None) -> None:
    described = describe(name)
    assert (described.stored, described.wire) == (stored, wire)
    if uidl is None:
        assert re.fullmatch(r"[0-9a-f]{64}", described.uidl)
    else:
        assert described.uidl == uidl


FILE_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=90
)


@given(FILE_NAMES, st.sampled_from(["", ":2,", ":2,S", ":2,FS"]))
def test_every_file_name_has_a_unique_id_that_flags_do_not_change(name: str, flags: str) -> None:
    uidl = describe(name).uidl
    assert re.fullmatch(r"[!-~]{1,70}", uidl)
    assert describe(name + flags).uidl == uidl


@given(st.sets(FILE_NAMES.filter(lambda name: not set(name) & set(",:")), min_size=2))
def test_different_names_have_different_unique_ids(names: set[str]) -> None:
    assert len({describe(name).uidl for name in names}) == len(names)


def test_chance_is_asked_for_64_bits_a_name() -> None:
    asked: list[int] = []
    chance = count(1)

    def random_octets(octets: int) -> bytes:
        asked.append(octets)
        return next(chance).to_bytes(octets, "big")

    names = UniqueNames(lambda: 1.0, random_octets, "tpmail")
    assert [names.make().split("R")[1] for _ in range(2)] == [
        "0000000000000001.tpmail",
        "0000000000000002.tpmail",
    ]
    assert asked == [8, 8]
