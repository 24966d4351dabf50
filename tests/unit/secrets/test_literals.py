"""Known strings are found in every form, whole or cut off, and no other text is touched."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.secrets.literals import Literals

WORDS = st.text("abé-/% \\:", min_size=3, max_size=8)


def test_the_longer_string_goes_first() -> None:
    assert Literals({"abc", "abcdef"}).replace("xabcdefx", "***") == "x***x"


def test_strings_that_overlap_leave_nothing_of_either() -> None:
    assert Literals({"abcdef", "defghi"}).replace("abcdefghi.", "***") == "***."


@pytest.mark.parametrize("form", ["gr%C3%BCn/1", "gr%c3%bcn%2f1", "grün%2F1", "grün\\/1", "%67r%C3%BCn/%31"])
def test_the_forms_of_a_string(form: str) -> None:
    assert Literals({"grün/1"}).replace(f"é {form} é", "***") == "é *** é"


@pytest.mark.parametrize(
    ("string", "form"), [("a b&c", "a+b%26c"), ("a%20b", "a b"), (" abc ", "abc"), ("a\\bc", "a\\\\bc")]
)
def test_the_forms_of_a_string_that_is_a_form_itself(string: str, form: str) -> None:
    assert Literals({string}).replace(f"x{form}x", "***") == "x***x"


def test_what_is_too_short_or_not_there_changes_nothing() -> None:
    assert Literals({"ab", "", "xyz"}).replace("ab 100% \\: é xy", "***") == "ab 100% \\: é xy"
    assert Literals(()).replace("ab", "***", cut=True) == "ab"


@given(st.sets(WORDS, max_size=5), st.lists(st.one_of(WORDS, WORDS.map(quote)), max_size=6))
def test_no_string_is_left(strings: set[str], pieces: list[str]) -> None:
    text = Literals(strings).replace("|".join(pieces), "\0")
    assert not any(string in text for string in strings)


@pytest.mark.parametrize("head", ["secret", "secret-%", "secret-%2", "secret-%2F", "secret-/key"])
def test_the_beginning_of_a_string_that_was_cut_off(head: str) -> None:
    assert Literals({"other", "secret-/key-1"}).replace(f"secre, {head}", "***", cut=True) == "secre, ***"
    assert Literals({"other", "secret-/key-1"}).replace(f"secre, {head}", "***") == f"secre, {head}"


def test_a_thousand_strings_that_begin_alike() -> None:
    keys = [f"live_{number:08}_{'x' * (number % 7)}" for number in range(1000)]
    known = Literals(keys)
    assert known.replace(" ".join(keys), "***") == " ".join(["***"] * 1000)
    assert known.replace("live_stream live_0000", "***") == "live_stream live_0000"
    assert known.replace("live_stream live_0000", "***", cut=True) == "live_stream ***"
