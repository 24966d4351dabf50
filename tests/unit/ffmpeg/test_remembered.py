"""Traits that were written down, also by a version that knew less."""

from __future__ import annotations

import json

import pytest

from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits, remembered
from supervisor.ffmpeg.parameters import Colours, Picture


@pytest.mark.parametrize(
    "traits",
    [
        NOTHING_KNOWN,
        Traits(Picture(1280, 720, None, square=False), silent=True, untimed=True, rate=2.0),
        Traits(Picture(1280, 720, 25.0, square=True, colours=Colours(True, 1, 13, 6))),
    ],
)
def test_what_was_written_is_known_again(traits: Traits) -> None:
    assert remembered(json.loads(json.dumps(traits))) == traits


def test_a_picture_without_colours_is_of_an_older_version() -> None:
    assert remembered([[1280, 720, 25.0, True], False, False, None]).picture == Picture(1280, 720, 25.0, square=True)


@pytest.mark.parametrize("colours", [3, "full", [True, 1], [True, 1, 1, "x"], [True, 1, 1, 1, 1]])
def test_of_what_is_something_else_nothing_is_known_or_nothing_more(colours: object) -> None:
    found = remembered([[1280, 720, 25.0, True, colours], False, False, None])
    assert found == NOTHING_KNOWN or (found.picture is not None and len(found.picture.colours) == 4)
