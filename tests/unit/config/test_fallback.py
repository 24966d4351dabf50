"""What a stream's fallback may be, and in which words what it may not be is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.fallback import Slate
from supervisor.config.fields import text
from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from supervisor.model.fallback import FallbackPolicy

NOT_LAST = "expected as the last one: a slate does not fail, so what stands behind it would never be shown"
CAM = "source: {url: 'rtsp://10.0.0.5/a'}, destinations: {d: {url: x.flv}}"


def config(folder: Path, stream: str, top: str = "") -> Config:
    file = folder / "neverdark.yml"
    file.write_text(f"{top}\nstreams:\n  cam: {{{stream}}}\n", encoding="utf-8")
    return load(file).config


def problems(folder: Path, stream: str, top: str = "") -> list[str]:
    with pytest.raises(ConfigError) as error:
        config(folder, stream, top)
    return [str(problem).removeprefix("streams.cam.") for problem in error.value.problems]


def test_a_stream_without_one_has_none(tmp_path: Path) -> None:
    found = config(tmp_path, CAM)
    assert found.streams["cam"].fallback == ()
    assert found.fallback_policy_of("cam") == FallbackPolicy(after=0, return_after=30, warm=False)


def test_sources_files_and_at_last_a_slate(tmp_path: Path) -> None:
    rungs = "{source: {url: 'rtsp://10.0.0.6/a'}}, {source: {url: a.mp4, loop: true}}, {slate: {image: b.png}}"
    found = config(tmp_path, f"{CAM}, fallback: [{rungs}]").streams["cam"]
    assert [text(source.url) for source in found.sources.values()] == [
        "rtsp://10.0.0.5/a",
        "rtsp://10.0.0.6/a",
        str(tmp_path / "a.mp4"),
    ]
    assert list(found.sources) == ["source", "fallback[0].source", "fallback[1].source"]
    assert found.fallback[2].slate == Slate(image=tmp_path / "b.png")


@pytest.mark.parametrize(
    ("written", "slate"),
    [
        ("true", Slate()),
        ("{}", Slate()),
        ("{clock: true}", Slate(clock=True)),
        ("{last_frame: true, text: null}", Slate(last_frame=True)),
        ("{text: 2026}", Slate(text="2026")),
        ("{text: \" a \\n\\tb: 100% 'ä' \\n\"}", Slate(text="a\nb: 100% 'ä'")),
    ],
)
def test_a_slate(tmp_path: Path, written: str, slate: Slate) -> None:
    assert config(tmp_path, f"{CAM}, fallback: [{{slate: {written}}}]").streams["cam"].fallback[0].slate == slate


@pytest.mark.parametrize(
    ("rungs", "told"),
    [
        (
            "{slate: true}",
            "fallback: keys and values: expected a list, such as [-a, b]: write fallback: [{slate: true}]",
        ),
        ("[{}]", "fallback[0]: expected a source or a slate"),
        ("[{slate: }]", "fallback[0]: expected a source or a slate"),
        ("[{slat: true}]", "fallback[0].slat: unknown key; did you mean slate?"),
        (
            "[{slate: false}]",
            "fallback[0].slate: false: expected true, for the built-in slate, or one of image, text and last_frame",
        ),
        ("[{source: {url: a.mp4}, slate: true}]", "fallback[0].slate: expected one of source and slate, not both"),
        (
            "[{slate: true}, {source: {url: a.mp4}}]",
            f"fallback[0].slate: {NOT_LAST}",
        ),
        (
            "[{slate: {text: a, image: b.png}}]",
            "fallback[0].slate.text: expected one of image, text, last_frame, not image and text",
        ),
        (
            "[{slate: {last_frame: true, image: b.png}}]",
            "fallback[0].slate.last_frame: expected one of image, text, last_frame, not image and last_frame",
        ),
        ("[{slate: {audio: music}}]", "fallback[0].slate.audio: 'music': expected one of silence"),
        ("[{slate: {txt: hello}}]", "fallback[0].slate.txt: unknown key; did you mean text?"),
        (
            '[{slate: {text: " "}}]',
            "fallback[0].slate.text: ' ': expected text to be shown, without control characters",
        ),
        (
            '[{slate: {text: "a\\eb"}}]',
            "fallback[0].slate.text: 'a\\x1bb': expected text to be shown, without control characters",
        ),
        ("[{slate: {text: [a]}}]", "fallback[0].slate.text: a list: expected text"),
        ("[a.mp4]", "fallback[0]: text: expected keys and values"),
        ("[{source: a.mp4}]", "fallback[0].source: text: expected keys and values: write source: {url: …}"),
        (
            "[{source: {url: 'rtsp://u:S3CR3T@'}}]",
            "fallback[0].source.url: 'rtsp://***@': expected a URL with a host and, if any, a port from 1 to 65535",
        ),
        (
            "[" + "{source: {url: a.mp4}}, " * 9 + "]",
            "fallback: expected at most 8 of them, but there are 9",
        ),
    ],
)
def test_a_mistake_is_told_once(tmp_path: Path, rungs: str, told: str) -> None:
    assert problems(tmp_path, f"{CAM}, fallback: {rungs}") == [told]


def test_text_that_nobody_could_read_is_too_long(tmp_path: Path) -> None:
    told = "expected at most 300 characters in at most 8 lines"
    for long in ("x" * 301, "\\n".join("abcdefghi")):
        assert problems(tmp_path, f'{CAM}, fallback: [{{slate: {{text: "{long}"}}}}]')[0].endswith(told)


def test_a_command_has_none(tmp_path: Path) -> None:
    reason = "cannot be had with command: the command makes its own picture and sound"
    told = problems(tmp_path, "command: [x], fallback: [{slate: true}], fallback_policy: {after: 1s}")
    assert told == [f"fallback: {reason}", f"fallback_policy: {reason}"]


def test_raw_pictures_cannot_be_copied_on_a_rung_either(tmp_path: Path) -> None:
    rungs = "fallback: [{source: {url: testsrc2, format: lavfi}}]"
    told = problems(tmp_path, f"{CAM}, video: {{codec: copy}}, {rungs}")
    reason = "cannot be had with codec: copy: the pictures of format lavfi cannot be sent as they are"
    assert told == [f"fallback[0].source.format: 'lavfi': {reason}"]


def test_the_policy_is_inherited_key_by_key(tmp_path: Path) -> None:
    top = "defaults: {fallback_policy: {after: 5s, warm: true}}"
    found = config(tmp_path, f"{CAM}, fallback_policy: {{after: 2s, return_after: 1m}}", top)
    assert found.fallback_policy_of("cam") == FallbackPolicy(after=2, return_after=60, warm=True)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("{return_after: 0s}", "return_after: '0s': expected more than 0"),
        ("{warm: perhaps}", "warm: 'perhaps': expected true or false"),
        ("{before: 1s}", "before: unknown key; expected one of after, page_after, return_after, warm"),
    ],
)
def test_what_a_policy_cannot_be(tmp_path: Path, policy: str, told: str) -> None:
    assert problems(tmp_path, f"{CAM}, fallback_policy: {policy}") == [f"fallback_policy.{told}"]


def test_a_destination_has_no_such_policy(tmp_path: Path) -> None:
    stream = "source: {url: a.mp4}, destinations: {d: {url: x.flv, fallback_policy: {after: 1s}}}"
    assert "unknown key" in problems(tmp_path, stream)[0]
