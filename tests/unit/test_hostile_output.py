"""No text from outside holds up the loop: whatever looks at it takes time that grows as the text does, and no faster.

A source's server chooses what FFmpeg prints, and a command prints what it likes. A pattern that took 60 ms for a
line of spaces stopped every stream of the process.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
import string
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import exporter
import supervisor
from supervisor.ffmpeg.failure import classify
from supervisor.ffmpeg.last_words import LastWords
from supervisor.ffmpeg.progress import parse_report
from supervisor.model.terms import Exit, Role
from supervisor.secrets.hiding import hide_forms
from supervisor.secrets.secrecy import Redactor, names_a_secret, secrets_of_url, show_url

# These read the owner's own file, once.
OWNERS_OWN = {
    "supervisor.config.shape",
    "supervisor.config.file",
    "supervisor.config.yaml_nodes",
    "supervisor.model.quantities",
}

LENGTH = 1500
TOO_SHORT_TO_TELL = 0.0015  # seconds; a square of 3,000 steps takes many times as long
MOST_GROWTH = 3.0  # for twice the text


def modules() -> Iterator[ModuleType]:
    for package in (supervisor, exporter):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name not in OWNERS_OWN | {"supervisor.__main__"}:
                yield importlib.import_module(found.name)


def patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    """The compiled patterns in a module's variable, also in a table, in a record, or behind a method."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(owner := getattr(value, "__self__", None), re.Pattern):
        yield owner
    elif isinstance(value, dict):
        yield from patterns_in((*value.keys(), *value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from patterns_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from patterns_in(tuple(getattr(value, field.name) for field in dataclasses.fields(value)))


PATTERNS = {
    f"{module.__name__}.{name}-{number}": pattern
    for module in modules()
    for name, value in vars(module).items()
    for number, pattern in enumerate(patterns_in(value))
}
# Each once, however many modules have taken it over from another.
EACH = {pattern: name for name, pattern in sorted(PATTERNS.items(), reverse=True)}

CHARACTERS = [chr(code) for code in range(128)] + ["é", "\u2028", "\xa0"]
PIECES = [
    *(first + second for first, second in permutations(" :/@?=%\\'\"[-.0aA", 2)),
    *("://", "a://", "'a://", "a://@", "a://a:", "a://a/", "a://a?a ", "\\:\\/", "a:\\", "%3A", "%2525", "a%3A%2F"),
    *(
        "%20",
        "a?a ",
        "../a?",
        "GET /a ",
        "'/a?",
        "#EXT",
        "a=a ",
        '"a":',
        "'a': ",
        "-a a ",
        "a     ",
        "token=",
        "token =",
    ),
    *(
        "token: a ",
        "-token ",
        'token="',
        "basic ",
        "basic :",
        "digest a",
        "digest a ",
        "session ",
        "cookie'",
        "path: /",
    ),
    *(
        "Server error: ",
        "publishing ",
        "     0",
        "0x",
        "0x0 ",
        "\x1b[0",
        "\x1b[;",
        "\x1b",
        "frame= 0\n",
        "frame=    ",
        "\n\r",
    ),
    *(
        "stream_0\n",
        "a.log:1:",
        "Connection to ",
        "rtmp://",
        "Stream map '",
        "method a ",
        "lib",
        "libav  ",
        "[out#0",
        "{}",
    ),
]


def pieces_of(pattern: re.Pattern[Any]) -> Iterator[str]:
    """What this pattern in particular looks for, over and over."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    for word in sorted(set(re.findall(r"[A-Za-z_]{2,}(?: [A-Za-z]+)*", source)))[:40]:
        yield from (word, f"{word} ", f"{word}: ")


def seconds(work: Callable[[], object]) -> float:
    """Of this thread, whatever else the machine does."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def assert_grows_no_faster(work: Callable[[str], object], piece: str) -> None:
    short, long = (piece * (length // len(piece)) for length in (LENGTH, 2 * LENGTH))
    if seconds(partial(work, long)) < TOO_SHORT_TO_TELL:
        return
    growth = growth_of(work, short, long)
    assert growth <= MOST_GROWTH, f"{piece!r}, over and over: twice as much takes {growth:.1f} times as long"


def growth_of(work: Callable[[str], object], short: str, long: str) -> float:
    """How many times as long the long text takes: the least of several looks, for the machine has other work."""
    least = float("inf")
    for _ in range(25):
        took = [seconds(partial(work, text)) for text in (short, long)]
        least = min(least, took[1] / took[0])
        if least <= MOST_GROWTH:
            break
    return least


def used_in_every_way(pattern: re.Pattern[Any], text: str) -> None:
    data = text if isinstance(pattern.pattern, str) else text.encode()
    list(pattern.finditer(data))
    pattern.match(data)
    pattern.fullmatch(data)


@pytest.mark.parametrize("name", sorted(EACH.values()))
def test_a_pattern_takes_no_longer_than_its_text_accounts_for(name: str) -> None:
    pattern = PATTERNS[name]
    for piece in dict.fromkeys([*CHARACTERS, *PIECES, *pieces_of(pattern)]):
        # The mark at the end keeps a pattern from being done early.
        assert_grows_no_faster(lambda text: used_in_every_way(pattern, text + "!"), piece)


def test_patterns_are_found_wherever_they_are() -> None:
    found = {name.rpartition("-")[0] for name in PATTERNS}
    assert found >= {
        "supervisor.ffmpeg.last_words._NUMBER",
        "supervisor.secrets.hiding._FORMS",  # in tuples of a table
        "supervisor.ffmpeg.phrases.FATAL",  # in records of a table
        "supervisor.ffmpeg.progress._USUAL",  # behind a method
        "exporter.api.logs._CURSOR",
    }


def test_no_pattern_is_written_where_nobody_finds_it() -> None:
    """`re.search("…")` in the middle of a function would not be tested above."""
    for module in modules():
        source = Path(str(module.__file__))
        calls = [node.func for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
        inline = [
            f"{source}:{function.lineno}"
            for function in calls
            if isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
            and function.attr not in {"compile", "escape"}
        ]
        assert not inline


KEYS = [f"live_{number:06}-{'k' * (number % 30)}" for number in range(1000)]
REDACTOR = Redactor([*KEYS, "a" * 50 + "b", " " * 50 + "b", "0" * 500 + "b", "%" * 20, "\\" * 20])
FUNCTIONS: dict[str, Callable[[str], object]] = {
    "hide_forms": hide_forms,
    "hide_forms, cut": partial(hide_forms, cut=True),
    "clean": REDACTOR.clean,
    "clean, cut": partial(REDACTOR.clean, cut=True),
    "last words": lambda text: list(LastWords(REDACTOR).feed(text.encode() + b"\n")),
    "last words, a flood": lambda text: LastWords(REDACTOR).keep_tail(text.encode()),
    "names_a_secret": names_a_secret,
    "show_url": show_url,
    "show_url, a host": lambda text: show_url(f"http://h/{text}"),
    "secrets_of_url": lambda text: secrets_of_url(f"http://h/{text}"),
    "classify": lambda text: classify(Role.COMMAND, Exit(1, None), [text], stopping=False),
    "parse_report": lambda text: parse_report(text.encode()),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_looks_at_text_takes_no_longer_than_the_text_accounts_for(name: str) -> None:
    for piece in [*CHARACTERS, *PIECES, "live_", "live_000001-k", *string.punctuation]:
        assert_grows_no_faster(FUNCTIONS[name], piece)


@pytest.mark.parametrize(
    "line", [" " * 1990, "a" * 950 + " " * 950 + "b", "x:" * 700, "http://h/x?y=z " * 99, "token=" * 300, "0 " * 900]
)
def test_a_megabyte_takes_twice_as_long_as_half_of_it(line: str) -> None:
    def read(text: str) -> None:
        listener, data = LastWords(Redactor(KEYS)), text.encode()
        for at in range(0, len(data), 32 * 1024):
            list(listener.feed(data[at : at + 32 * 1024]))

    half = f"{line}\n" * (500_000 // len(line))
    assert growth_of(read, half, half * 2) <= MOST_GROWTH
