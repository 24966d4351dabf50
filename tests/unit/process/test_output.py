"""From the FIFO to the log: what is said is kept, and a flood of bytes or of lines costs next to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.ffmpeg.last_words import KEPT_LINES
from supervisor.machine.data_dir import DataDir
from supervisor.machine.machine import Machine
from supervisor.process.output import Output
from supervisor.secrets.secrecy import Redactor


class Counting(Redactor):
    """Knows how many lines it was given."""

    lines = 0

    def clean(self, text: str, *, cut: bool = False) -> str:
        self.lines += 1
        return super().clean(text, cut=cut)


class Said:
    """An output with a process that says what the test wants."""

    def __init__(self, data_dir: DataDir) -> None:
        self.redactor = Counting({"S3cr3t"})
        self.output = Output(Machine(), data_dir, "cam", "encoder", self.redactor, lambda *_: None, self._heed)
        self.output.begin_run("1")
        self._log = data_dir.path / "logs" / "cam" / "encoder.1.log"
        self._child = os.open(data_dir.path / "run" / "cam" / "encoder.output", os.O_WRONLY | os.O_NONBLOCK)

    @staticmethod
    def _heed(line: bytes) -> bool:
        return line.startswith(b"machine:")

    def say(self, data: bytes, now: float = 0.0) -> None:
        assert os.write(self._child, data) == len(data)
        self.output.read(now)

    @property
    def written(self) -> list[str]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.partition("Z ")[2] for line in lines]

    def close(self) -> None:
        os.close(self._child)
        self.output.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Said]:
    data_dir = DataDir(tmp_path)
    process = Said(data_dir)
    yield process
    process.close()
    data_dir.close()


def test_what_is_said_is_written_and_remembered(process: Said) -> None:
    process.say(b"one\ntwo S3cr3t\nhal")
    process.say(b"f\n")
    assert process.written == ["one", "two ***", "half"]
    assert process.output.last_lines == ("one", "two ***", "half")


def test_what_is_not_for_people_is_kept_nowhere(process: Said) -> None:
    process.say(b"one\nmachine: 1\nmachine: S3cr3t\ntwo\n")
    assert process.written == ["one", "two"]
    assert process.output.last_lines == process.output.take_unredacted() == ("one", "two")


def test_the_unredacted_words_are_for_one_look(process: Said) -> None:
    process.say(b"two S3cr3t\n")
    assert process.output.take_unredacted() == ("two S3cr3t",)
    assert process.output.take_unredacted() == ()
    assert process.output.last_lines == ("two ***",)


def test_much_at_once_is_taken_in_a_piece_at_a_time(process: Said) -> None:
    """One look must not take longer than the loop has time for; nothing is lost by that."""
    process.say(b"".join(b"line %c %s\n" % (65 + n % 26, b"y" * 60) for n in range(1000)))
    assert 0 < process.redactor.lines < 300
    for _ in range(9):
        process.output.read(0.0)
    assert process.redactor.lines == 1000
    assert not any("skipped" in line for line in process.written)


@pytest.mark.parametrize("line", [b"\n", b"a\n", b"\r", b"x \r\n", b"0 0 0\n"])
def test_a_flood_of_short_lines_is_not_looked_at(process: Said, line: bytes) -> None:
    flood = line * (250_000 // len(line))
    for now in range(3):
        process.say(flood, float(now))
    assert process.redactor.lines == 0, "not one line of it was cleaned"
    process.say(b"why it died\n", 10.0)
    assert process.output.last_lines[-1] == "why it died"
    assert process.redactor.lines <= KEPT_LINES + 2
    assert process.written[0] == f"… {3 * len(flood)} bytes of output skipped, too many at once"


def test_short_lines_use_up_the_allowance_by_their_number(process: Said) -> None:
    """400 lines of two bytes are no flood once; all day long they are."""
    for _ in range(40):
        process.say(b"".join(b"%c\n" % (65 + n % 26) for n in range(400)))
    assert process.redactor.lines < 256 * 1024 / 64
    before = process.redactor.lines
    process.say(b"later\n", 10.0)
    assert process.written[-1] == "later"
    assert process.redactor.lines > before


def test_what_was_said_last_is_known_though_there_was_too_much(process: Said) -> None:
    """A process that died in a flood: its exit must not wait for all of it to be read."""
    child = b"".join(b"trace %d\n" % n for n in range(20_000))
    os.write(process._child, child + b"[error] S3cr3t: Connection refused\n")
    lines = process.output.rest()
    assert "skipped" in lines[0]
    assert process.redactor.lines <= KEPT_LINES + 2
    assert process.output.last_lines[-1] == "[error] ***: Connection refused"
    assert process.output.take_unredacted()[-1] == "[error] S3cr3t: Connection refused"


def test_of_much_that_was_said_last_the_end_is_written_too(process: Said) -> None:
    os.write(process._child, b"".join(b"line %d %c %s\n" % (n, 65 + n % 26, b"y" * 80) for n in range(1000)))
    lines = process.output.rest()
    assert lines[0].endswith("bytes of output skipped, too many at once")
    assert 100 < len(lines) < 300
    assert lines[-1].startswith("line 999 ")


def test_a_text_of_ours_is_cleaned_too(process: Said) -> None:
    assert process.output.clean("cannot start ffmpeg -i S3cr3t") == "cannot start ffmpeg -i ***"
