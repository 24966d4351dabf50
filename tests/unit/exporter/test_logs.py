"""Reading the logs of a process: newest run, rotation, following."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.api.logs import last_lines, lines_after


def write(directory: Path, file: str, *lines: str) -> None:
    with (directory / file).open("a", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)


def follow(directory: Path, after: str, count: int = 100) -> tuple[list[str], str]:
    page = lines_after(directory, "encoder", after, count)
    assert page is not None
    return page.lines, page.after


def begin(directory: Path, count: int = 100) -> tuple[list[str], str]:
    page = last_lines(directory, "encoder", None, count)
    assert page is not None
    return page.lines, page.after


def test_without_any_log_there_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, "encoder-x.r1.log", "not ours")
    assert last_lines(tmp_path, "encoder", "r1", 10) is None
    assert last_lines(tmp_path / "none", "encoder", "r1", 10) is None
    assert lines_after(tmp_path, "encoder", "encoder.r1.log:1:1", 10) is None


def test_the_running_run_comes_first_then_the_newest(tmp_path: Path) -> None:
    write(tmp_path, "encoder.20260101-1.log", "old")
    write(tmp_path, "encoder.20260102-2.log", "new")
    for run, expected in (
        ("20260101-1", ["old"]),
        ("20260102-2", ["new"]),
        ("20260103-3", ["new"]),
        (None, ["new"]),
    ):
        page = last_lines(tmp_path, "encoder", run, 10)
        assert page is not None
        assert page.lines == expected


def test_lines_reach_back_into_the_older_part(tmp_path: Path) -> None:
    write(tmp_path, "encoder.r1.log.1", "1", "2", "3")
    write(tmp_path, "encoder.r1.log", "4", "5")
    assert begin(tmp_path, 4)[0] == ["2", "3", "4", "5"]
    assert begin(tmp_path, 1)[0] == ["5"]


def test_following_gives_each_line_once(tmp_path: Path) -> None:
    write(tmp_path, "encoder.r1.log", "1", "2")
    lines, after = begin(tmp_path)
    assert lines == ["1", "2"]
    assert follow(tmp_path, after) == ([], after)
    write(tmp_path, "encoder.r1.log", "3", "4", "5")
    lines, after = follow(tmp_path, after, 2)
    assert lines == ["3", "4"]
    lines, after = follow(tmp_path, after)
    assert lines == ["5"]


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "encoder.r1.log"
    log.write_bytes(b"whole\nhal")
    lines, after = begin(tmp_path)
    assert lines == ["whole"]
    assert follow(tmp_path, after)[0] == []
    log.write_bytes(b"whole\nhalf\n")
    assert follow(tmp_path, after)[0] == ["half"]


def test_following_survives_rotation(tmp_path: Path) -> None:
    log = tmp_path / "encoder.r1.log"
    write(tmp_path, log.name, "1", "2")
    _, after = begin(tmp_path)
    write(tmp_path, log.name, "3")
    log.rename(tmp_path / "encoder.r1.log.1")
    write(tmp_path, log.name, "4", "5", "6", "7")
    lines, after = follow(tmp_path, after)
    assert lines == ["3"]
    lines, after = follow(tmp_path, after)
    assert lines == ["4", "5", "6", "7"]


def test_following_after_two_rotations_goes_on_with_the_oldest_there_is(tmp_path: Path) -> None:
    log = tmp_path / "encoder.r1.log"
    write(tmp_path, log.name, "1")
    held = log.open()  # so that the file system does not give its number to another file
    _, after = begin(tmp_path)
    for line in ("2", "3"):
        log.rename(tmp_path / "encoder.r1.log.1")
        write(tmp_path, log.name, line)
    lines, after = follow(tmp_path, after)
    assert lines == ["2"]
    assert follow(tmp_path, after)[0] == ["3"]
    held.close()


def test_following_goes_on_to_the_next_runs(tmp_path: Path) -> None:
    (tmp_path / "encoder.r1.log").write_bytes(b"1\n2\nlast words")
    lines, after = begin(tmp_path)
    assert lines == ["1", "2"]
    write(tmp_path, "encoder.r2.log")
    write(tmp_path, "encoder.r3.log", "4")
    lines, after = follow(tmp_path, after)
    assert lines == ["last words"]
    lines, after = follow(tmp_path, after)
    assert lines == ["4"]
    assert follow(tmp_path, after) == ([], after)


def test_following_a_run_that_was_removed_goes_on_with_what_is_left(tmp_path: Path) -> None:
    write(tmp_path, "encoder.r1.log", "1")
    _, after = begin(tmp_path)
    (tmp_path / "encoder.r1.log").unlink()
    write(tmp_path, "encoder.r2.log", "2")
    assert follow(tmp_path, after)[0] == ["2"]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "encoder.r1.log").write_bytes(b"caf\xe9\nok\n")
    assert begin(tmp_path)[0] == ["caf�", "ok"]


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "encoder.r1.log",
        "encoder.r1.log:1",
        "encoder.r1.log:-1:0",
        "../encoder.r1.log:1:0",
        "pusher.r1.log:1:0",
    ],
)
def test_a_made_up_cursor_is_refused(tmp_path: Path, after: str) -> None:
    write(tmp_path, "encoder.r1.log", "1")
    with pytest.raises(ValueError, match="next"):
        lines_after(tmp_path, "encoder", after, 10)


@pytest.mark.parametrize("file", ["encoder.r1.log", "encoder.r2.log", "encoder.r1.log.1"])
def test_a_link_is_no_log(tmp_path: Path, file: str) -> None:
    """Whoever can put one there must not read by it what he cannot read himself."""
    logs, secret = tmp_path / "logs", tmp_path / "secret"
    logs.mkdir()
    secret.write_text("precious\n")
    write(logs, "encoder.r1.log", "ours")
    (logs / file).unlink(missing_ok=True)
    (logs / file).symlink_to(secret)
    for page in (last_lines(logs, "encoder", "r1", 10), lines_after(logs, "encoder", "encoder.r1.log:0:0", 10)):
        assert "precious" not in str(page)
    (tmp_path / "link").symlink_to(logs)
    assert last_lines(tmp_path / "link", "encoder", "r1", 10) is None


def test_what_would_keep_us_waiting_is_no_log(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "encoder.r1.log")
    page = last_lines(tmp_path, "encoder", "r1", 10)
    assert page is None or page.lines == []
