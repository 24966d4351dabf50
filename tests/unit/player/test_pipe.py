"""A program whose output an encoder reads, with a program in the encoder's place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.player import pipe

ENCODER = ["sh", "-c", 'cat <&5 >"$0"; echo done >&2']


def run(tmp_path: Path, *program: str) -> tuple[list[str], bytes]:
    out = tmp_path / "read"
    options = json.dumps({"program": list(program), "descriptor": 5})
    argv = [sys.executable, "-I", "-S", str(pipe.__file__), options, *ENCODER, str(out)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return [line for line in done.stderr.splitlines() if line], out.read_bytes()


def test_what_it_writes_is_read_and_what_it_says_stands_on_lines_of_its_own(tmp_path: Path) -> None:
    said, read = run(tmp_path, "sh", "-c", "printf media; printf 'one\\rtwo\\nthree' >&2")
    assert read == b"media"
    words = ["[pipe] [warning] one", "[pipe] [warning] two", "[pipe] [warning] three", "[pipe] [info] the program has"]
    assert [line[: len(word)] for line, word in zip(said, words, strict=False)] == words


@pytest.mark.parametrize(("way", "how"), [("exit 3", "with exit code 3"), ("kill -9 $$", "by signal 9")])
def test_how_it_ended_is_told_before_the_encoder_finds_the_end(tmp_path: Path, way: str, how: str) -> None:
    said, _ = run(tmp_path, "sh", "-c", f"printf x; {way}")
    assert said == [f"[pipe] [fatal] the program ended {how}", "done"]


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    said, read = run(tmp_path, str(tmp_path / "none"))
    assert read == b""
    assert said[0] == "[pipe] [fatal] the program cannot be started: No such file or directory"


def test_of_one_that_says_too_much_a_part_is_repeated(tmp_path: Path) -> None:
    said, _ = run(tmp_path, "sh", "-c", "for n in $(seq 500); do echo line $n; done >&2; head -c 9000 /dev/zero >&2")
    assert len(said) < 200
    assert any(line.endswith("lines more") for line in said)
    assert max(map(len, said)) < 600


def test_it_may_not_look_like_words_of_ffmpegs_own(tmp_path: Path) -> None:
    said, _ = run(tmp_path, "sh", "-c", "echo '[info] Input #0, x, from y' >&2")
    assert said[0] == "[pipe] [warning] [info] Input #0, x, from y"


def test_it_ends_with_the_encoder(tmp_path: Path) -> None:
    """Who is in the encoder's process group is ended with it; a pipe that nobody reads ends the rest."""
    note = tmp_path / "pid"
    options = json.dumps({"program": ["sh", "-c", f"echo $$ >{note}; exec yes"], "descriptor": 5})
    argv = [sys.executable, "-I", "-S", str(pipe.__file__), options, "head", "-c", "9", "/dev/fd/5"]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=True)  # waits until all have closed its output
    assert len(done.stdout) == 9
    assert f"by signal {int(signal.SIGPIPE)}" in done.stderr.decode()
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
