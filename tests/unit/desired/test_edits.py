"""What an edit makes of the made streams."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.desired.edits import LONGEST, MOST, edited, patched
from supervisor.model.edits import Edit, Invalid
from supervisor.model.snapshot import Refused


@pytest.mark.parametrize(  # the examples of RFC 7396, appendix A
    ("value", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_that_of_the_rfc(value: Any, patch: Any, result: Any) -> None:
    assert patched(value, patch) == result


def test_what_was_there_is_not_touched() -> None:
    made = {"cam": {"destinations": {"a": {"watchdog": {"interval": 1}}}}, "other": {}}
    after = edited(made, Edit("patch", "cam", {"watchdog": {"interval": 2}}, "a"))
    assert after["cam"]["destinations"]["a"] == {"watchdog": {"interval": 2}}
    assert made["cam"]["destinations"] == {"a": {"watchdog": {"interval": 1}}}
    assert list(edited(made, Edit("remove", "cam"))) == ["other"]
    assert list(edited(made, Edit("make", "new", {}))) == ["cam", "other", "new"]


def test_there_is_an_end_to_what_can_be_made() -> None:
    full: dict[str, dict[str, object]] = {f"cam{number}": {} for number in range(MOST)}
    with pytest.raises(Refused, match="no more may be"):
        edited(full, Edit("make", "one-more", {}))
    assert len(edited(full, Edit("patch", "cam1", {"drills": False}))) == MOST
    with pytest.raises(Invalid, match="bytes of JSON"):
        edited(full, Edit("patch", "cam1", {"x": "y" * LONGEST}))
