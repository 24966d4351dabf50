"""A run's record comes back as it was written; what is something else is none, whatever it is."""

from __future__ import annotations

import json

import pytest

from supervisor.model.runs import Before, RecordWriter, RunRecord, digest, read
from supervisor.model.terms import ProcessKey, Role

RECORD = RunRecord(
    ProcessKey("harbour", Role.ENCODER),
    digest(("ffmpeg", "-i", "x")),
    began=1234.5,
    started=1_700_000_000.25,
    progress=40_001,
    tap=40_002,
    feeds={"yt": (20_001, 20_002), "": (0, 20_003)},
    before=Before((1, 2, 3, 4, 5.5), 6.5, {"exit": 7}, {"killed": 8}, {"": (1, 2, 3)}),
    learned=[[1920, 1080, 25.0, True], False, False, None],
)


def written(record: RunRecord) -> str:
    return RecordWriter().write(record)


def test_a_record_comes_back_as_it_was() -> None:
    assert read(written(RECORD)) == RECORD


def test_each_record_of_a_place_comes_back_whatever_stayed_the_same() -> None:
    writer = RecordWriter()
    others = [
        RECORD._replace(began=2345.75, before=Before(restarts={"exit": 8, "stall": 1}, exits={})),
        RECORD._replace(feeds={"yt": (20_001, 20_004)}),
        RECORD._replace(settings=digest(("ffmpeg",)), learned=None),
        RECORD._replace(progress=40_005),
        RECORD._replace(content=40_006),
        RECORD,
    ]
    for record in (RECORD, *others, *reversed(others)):
        assert read(writer.write(record)) == record


def test_one_more_of_each_is_counted_where_it_is_read() -> None:
    more = Before(restarts={"exit": 7, "stall": 0}, exits={"killed": 8}, reason="exit", cause="other")
    assert read(written(RECORD._replace(before=more))) == RECORD._replace(
        before=Before(restarts={"exit": 8}, exits={"killed": 8, "other": 1})
    )


def test_it_is_one_line_that_an_environment_can_hold() -> None:
    assert written(RECORD).isascii()
    assert "\0" not in written(RECORD)
    assert "\n" not in written(RECORD)


def changed(place: int, value: object) -> str:
    words = json.loads(written(RECORD))
    words[place] = value
    return json.dumps(words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        written(RECORD)[:-5],
        changed(0, 1),
        changed(1, ["harbour", "camera", ""]),
        changed(3, ["soon", 1]),
        changed(3, [float("nan"), 1]),
        changed(3, [1, float("inf")]),
        changed(4, [65_536, 0, 0]),
        changed(4, ["40001", 0, 0]),
        changed(4, [-1, 0, 0]),
        changed(5, {"yt": 1}),
        changed(6, None),
    ],
)
def test_what_is_none_is_none(text: str) -> None:
    assert read(text) is None


def test_settings_differ_where_words_do() -> None:
    assert digest(("a", "b")) == digest(("a", "b"))
    assert len({digest(words) for words in [("a", "b"), ("ab",), ("b", "a"), ("a", "b", ""), ()]}) == 5
    assert digest(("\udcff",)), "a word that is no UTF-8"
