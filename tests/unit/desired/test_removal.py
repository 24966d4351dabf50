"""Which new configurations end so many streams that they are not taken without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.shape import Config
from supervisor.desired.removal import removal


def config(*names: str, off: tuple[str, ...] = ()) -> Config:
    streams = {name: {"command": ["x"], "enabled": name not in off} for name in names}
    return Config.model_validate({"streams": streams})


@pytest.mark.parametrize(
    ("wanted", "new", "gone"),
    [
        ("a", config("b"), "1 of the 1 streams that are wanted now (a)"),  # renamed
        ("a", config("a", off=("a",)), "1 of the 1"),
        ("ab", config("a", "b", "c", off=("a", "b")), "2 of the 2 streams that are wanted now (a, b)"),
        ("abc", config("c"), None),
        ("abc", config("a", "b", "c", off=("a", "b")), None),
        ("abc", config("d"), "3 of the 3"),
        ("abcd", config("a", "b"), None),  # half is not more than half
        ("abcd", config("a"), "3 of the 4 streams that are wanted now (b, c, d)"),
        ("abcd", config("a", "w", "x", "y", "z"), "3 of the 4"),  # renamed, all but one
        ("abcde", config("a", "b"), "3 of the 5"),
        ("abcde", config("a", "b", "c"), None),
        ("", config("a"), None),  # nothing that could be lost
        ("a", config("a", "b"), None),
    ],
)
def test_what_is_too_much(wanted: str, new: Config, gone: str | None) -> None:
    found = removal(list(wanted), new)
    if gone is None:
        assert found is None
    else:
        assert found is not None
        assert gone in found
        assert found.endswith("neverdark reload --allow-removal")


def test_what_other_hours_on_air_switch_off_counts_as_well() -> None:
    names = ("a", "b", "c", "d")
    assert removal(names, config(*names), off=("a", "b")) is None
    found = removal(names, config(*names, off=("c",)), off=("a", "b", "c"))
    assert found is not None
    assert "3 of the 4 streams that are wanted now (a, b, c)" in found


def test_a_configuration_that_says_that_it_wants_none_means_it() -> None:
    assert removal(["a", "b", "c", "d"], config()) is None


def test_a_directory_that_has_become_empty_does_not_mean_it(tmp_path: Path) -> None:
    none = Config.model_validate({"streams": {}, "include": tmp_path})
    assert "4 of the 4" in str(removal(["a", "b", "c", "d"], none))


@pytest.mark.parametrize(
    ("left", "gone"),
    [
        ("abcdef", "all 2 streams of the included directory that are wanted now (x, y)"),
        ("abcdefx", None),
        ("abcdxy", None),
        ("xy", "6 of the 8"),
    ],
)
def test_not_all_of_a_directory_may_go(left: str, gone: str | None) -> None:
    found = removal("abcdefxy", config(*left), "xy")
    assert (found is None) if gone is None else (gone in str(found))


def test_not_all_of_the_main_file_may_go() -> None:
    """It may be cut: with an included directory, streams need not stand in it."""
    assert "all 2 streams of the main file that are wanted now (a, b)" in str(removal("abxyz", config(*"xyz"), "xyz"))
    assert removal("axyz", config(*"xyz"), "xyz") is None
    assert removal("abcd", config(*"ab"), ()) is None


def test_of_many_only_the_first_are_named() -> None:
    found = removal([f"s{n}" for n in range(1000)], config("other"))
    assert found is not None
    assert "1000 of the 1000 streams that are wanted now (s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 990 more)" in found
