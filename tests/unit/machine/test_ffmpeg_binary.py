"""Finding FFmpeg, with little scripts that answer as one would."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.machine.ffmpeg_binary import Binary, FfmpegNotFound, find, missing_encoder, missing_filter

ANSWERS = """#!/bin/sh
case "$*" in
*-version*) echo "{banner}" ;;
*-encoders*)
    printf 'Encoders:\\n V..... = Video\\n ------\\n'
    printf ' V....D libx264   x\\n V..... h264_nvenc  x\\n A....D aac  x\\n' ;;
*-protocols*) printf 'Input:\\n  rtsp\\nOutput:\\n  rtmp\\n  srt\\n' ;;
*) {trial} ;;
esac
"""


def fake(path: Path, banner: str = "ffmpeg version 7.1.5-0+deb13u1 Copyright", trial: str = "exit 0") -> str:
    path.write_text(ANSWERS.format(banner=banner, trial=trial), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_questions_and_answers(tmp_path: Path) -> None:
    path = fake(tmp_path / "ffmpeg")
    assert find(path) == Binary(path, (7, 1), frozenset({"libx264", "h264_nvenc", "aac"}), frozenset({"rtmp", "srt"}))


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright", (5, 1)),
        ("ffmpeg version n9.0.2-17-g2a571b6068 Copyright", (9, 0)),
        ("ffmpeg version N-120000-gabcdef Copyright\nlibavutil      60.  8.100 / 60.  8.100", (8, 0)),
        ("ffmpeg version N-999999-gabcdef Copyright", (0, 0)),
    ],
)
def test_versions(tmp_path: Path, banner: str, version: tuple[int, int]) -> None:
    assert find(fake(tmp_path / "ffmpeg", banner)).version == version


def test_auto_takes_the_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / "ffmpeg")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find("auto").path == path


def test_auto_falls_back_to_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = pytest.importorskip("imageio_ffmpeg")
    path = fake(tmp_path / "bundled")
    monkeypatch.setattr(wheel, "get_ffmpeg_exe", lambda: path)
    monkeypatch.setenv("PATH", "/bin-that-is-not")
    # The script's own `printf` and `echo` are the shell's; only the look-up is without a PATH.
    assert find("auto").path == path


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(FfmpegNotFound, match="not there or not executable"):
        find(str(tmp_path / "none"))


@pytest.mark.parametrize("body", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "no program"])
def test_not_an_ffmpeg(tmp_path: Path, body: str) -> None:
    path = tmp_path / "ffmpeg"
    path.write_text(body, encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(FfmpegNotFound, match="FFmpeg"):
        find(str(path))


def test_encoders_that_are_missing(tmp_path: Path) -> None:
    binary = find(fake(tmp_path / "ffmpeg", trial="echo '[h264_nvenc] Cannot load libcuda.so.1' >&2; exit 1"))
    assert missing_encoder(binary, "copy") is None
    assert missing_encoder(binary, "libx264") is None
    assert "built without the encoder h264_qsv" in (missing_encoder(binary, "h264_qsv") or "")
    assert "Cannot load libcuda" in (missing_encoder(binary, "h264_nvenc") or "")


def test_hardware_that_is_there(tmp_path: Path) -> None:
    assert missing_encoder(find(fake(tmp_path / "ffmpeg")), "h264_nvenc") is None


def test_filters_that_are_missing(tmp_path: Path) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text(
        "#!/bin/sh\necho ' T.C overlay           VV->V      Overlay'\necho ' ..C movie             |->N       Read'\n"
    )
    script.chmod(0o755)
    binary = Binary(str(script), (7, 1), frozenset(), frozenset())
    assert missing_filter(binary, ("movie", "overlay")) is None
    assert missing_filter(binary, ("drawtext",)) == f"{script} was built without the filter drawtext"
    script.write_text("#!/bin/sh\nexit 1\n")
    assert missing_filter(binary, ("drawtext",)) is None, "it does all the rest"
