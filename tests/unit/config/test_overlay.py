"""What may be laid over a picture, and which filters it may go through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.config.by_api import refused
from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from tests.plain_yaml import plain_dump


def _load(folder: Path, video: dict[str, Any]) -> Config:
    file = folder / "neverdark.yml"
    stream = {"source": {"url": "x.mp4"}, "video": video, "destinations": {"f": {"url": "x.flv"}}}
    file.write_text(plain_dump({"streams": {"s": stream}}))
    return load(file).config


@pytest.mark.parametrize(
    ("video", "place", "words"),
    [
        ({"overlay": [{}]}, "overlay[0]", "expected one of text, file, image"),
        ({"overlay": [{"text": "a", "image": "a.png"}]}, "overlay[0]", "not several"),
        ({"overlay": [{"text": "a"}, {"text": "a", "width": 3}]}, "overlay[1].width", "cannot be had with text"),
        ({"overlay": [{"image": "a.png", "color": "red"}]}, "overlay[0].color", "cannot be had with image"),
        ({"overlay": [{"image": "a.gif"}]}, "overlay[0].image", ".png, .jpg, .jpeg"),
        ({"overlay": [{"text": "a\tb"}]}, "overlay[0].text", "control characters"),
        ({"overlay": [{"text": " "}]}, "overlay[0].text", "expected text"),
        ({"overlay": [{"text": "a", "color": "red:x=1"}]}, "overlay[0].color", "expected"),
        ({"overlay": [{"text": "a", "position": "up"}]}, "overlay[0].position", "top-left"),
        ({"overlay": [{"text": "a", "opacity": 0}]}, "overlay[0].opacity", ""),
        ({"overlay": [{"text": "a"}] * 9}, "overlay", "8"),
        ({"overlay": [{"text": "a"}], "codec": "copy"}, "overlay", "codec: copy"),
        ({"filters": "hqdn3d", "codec": "copy"}, "filters", "codec: copy"),
        ({"filters": "split[a][b];[a]nullsink"}, "filters", "without ; and [labels]"),
        ({"filters": "hue\n,null"}, "filters", "one line"),
        ({"filters": ","}, "filters", "filters"),
    ],
)
def test_what_cannot_be_is_named_where_it_stands(video: dict[str, Any], place: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        _load(tmp_path, video)
    found = [str(problem) for problem in wrong.value.problems]
    assert any(one.startswith(f"streams.s.video.{place}:") and words in one for one in found), found


def test_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    first, second = _load(tmp_path, {"overlay": [{"file": "a.txt"}, {"image": "b.PNG"}]}).streams["s"].video.overlay
    assert (first.file, second.image) == (tmp_path / "a.txt", tmp_path / "b.PNG")


@pytest.mark.parametrize(
    ("video", "key"),
    [
        ({"overlay": [{"text": "a"}]}, None),
        ({"overlay": [{"text": "a"}, {"file": "/etc/passwd"}]}, "overlay[1].file"),
        ({"overlay": [{"image": "/home/me/logo.png"}]}, None),
        ({"filters": "hue=s=0,fps=10"}, None),
        ({"filters": "drawtext=textfile=/etc/passwd"}, "filters"),
        ({"filters": "metadata=mode=print:file=/home/me/.bashrc"}, "filters"),
    ],
)
def test_what_comes_by_api_reads_no_text_of_a_file(video: dict[str, Any], key: str | None) -> None:
    config = Config.model_validate({"streams": {}})
    found = {one.path for one in refused("cam", {"video": video}, None, config, Path("/etc/nd"))}
    assert found == ({f"streams.cam.video.{key}"} if key else set())
    assert not refused("cam", {"video": video}, {"video": video}, config, Path("/etc/nd")), "it stood there before"
