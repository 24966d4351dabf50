"""What FFmpeg refuses of an owner's words, asked of both FFmpegs."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio_ffmpeg
import pytest

from supervisor.machine.ffmpeg_binary import Binary, find
from supervisor.preflight.trial import NotTaken, refused_graph, refused_option

SECRET = "S3CR3T"
NO_OPTION = "FFmpeg has no such option"


@pytest.fixture(scope="module", params=["debian", "wheel"])
def binary(request: pytest.FixtureRequest) -> Binary:
    found = shutil.which("ffmpeg") if request.param == "debian" else imageio_ffmpeg.get_ffmpeg_exe()
    assert found
    return find(found)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (["-nonsense", "1"], NotTaken(0, NO_OPTION)),
        (["-timeout", "5", "-rtsp_transprt", "tcp"], NotTaken(2, f"{NO_OPTION}; did you mean -rtsp_transport?")),
        ([f"-{SECRET}", "1"], NotTaken(0, NO_OPTION)),
        (["-b:v", "100k"], NotTaken(0, "this is an option of outputs: here it is about reading the source")),
        (["-stream_loop", SECRET], NotTaken(0, "expected a number behind this option")),
        (["-rtsp_transport"], NotTaken(None, "expected a value behind the last option")),
        (["-rtsp_transport", "tcp", "-timeout", "5000000"], None),
        (["-input_format", "mjpeg", "-framerate", "30"], None),
        (["-nonsense", "1", "-i", "camera"], None),
        (["-nonsense", "1", "-report"], None),
    ],
)
def test_options(binary: Binary, options: list[str], refusal: NotTaken | None) -> None:
    assert refused_option(binary, options) == refusal


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ("testsrcc2=size=320x240", "FFmpeg has no filter of that name; did you mean testsrc2?"),
        (SECRET, "FFmpeg has no filter of that name"),
        ("testsrc2=sizee=320x240", "FFmpeg cannot make this graph: "),
        ("testsrc2=size=", "FFmpeg cannot make this graph: "),
        ("testsrc2=size=320x240:rate=25[out0];sine=440[out1]", None),
        ("sine=440", None),
        (f"movie=rtsp\\\\://u\\\\:{SECRET}@127.0.0.1\\\\:1/x", None),
    ],
)
def test_graphs(binary: Binary, graph: str, reason: str | None) -> None:
    found = refused_graph(binary, graph)
    assert (found or "").startswith(reason or "")
    assert (found is None) == (reason is None)
    assert SECRET not in (found or "")


def test_the_formats_that_it_can_read_are_known(binary: Binary) -> None:
    assert {"lavfi", "v4l2", "video4linux2", "concat", "rtsp", "hls", "mp4", "3dostr"} <= binary.demuxers
    assert "lavfii" not in binary.demuxers


def test_nothing_is_tried_at_the_source_itself(binary: Binary, tmp_path: Path) -> None:
    """A pipe would lose what it holds, a camera its one place; an output would be written."""
    assert refused_option(binary, ["-f", "lavfi", "-i", "color", "-t", "1", "-y", str(tmp_path / "x.flv")]) is None
    assert refused_graph(binary, f"color=d=1,metadata=print:file={tmp_path / 'y'}") is None
    assert refused_graph(binary, f"color=d=1,split[a][b];[a][b]psnr=stats_file={tmp_path / 'z'}") is None
    assert not list(tmp_path.iterdir())
