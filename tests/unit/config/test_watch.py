"""When a changed file is read: look by look, on real files, without any waiting."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.config.stamp import stamp_of
from supervisor.config.watch import ConfigWatch, Files, Looks, Outcome
from supervisor.model.events import ConfigRejected, ConfigReloaded

WHOLE = "streams:\n  a: {command: [x]}\n  b: {command: [x]}\n"
RELOADED = ConfigReloaded(Path("c.yml"), (), (), (), ())
REJECTED = ConfigRejected(Path("c.yml"), ("wrong",))
QUICK, PATIENT = 2, 6  # looks, from the first that sees the change to the one that has it read


class Watched:
    """A file in force, and looks at it."""

    def __init__(self, folder: Path, content: str = WHOLE) -> None:
        self.file = folder / "neverdark.yml"
        self.file.write_text(content)
        self.in_force = self.now()
        self.looks = Looks(self.in_force)

    def now(self) -> Files:
        return {self.file: stamp_of(self.file)}

    def due(self) -> bool:
        return self.looks.due(self.now(), self.in_force)

    def looks_until_due(self, most: int = 20) -> int:
        return next(n for n in range(1, most) if self.due())

    def replace(self, content: str) -> None:
        """As most editors save: the whole file takes the old one's place."""
        new = self.file.with_suffix(".new")
        new.write_text(content)
        new.replace(self.file)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_what_does_not_change_is_not_read(watched: Watched) -> None:
    assert not any(watched.due() for _ in range(20))


SAVES: dict[str, tuple[Callable[[Watched], object], int]] = {
    "longer, in place": (lambda w: w.file.write_text(WHOLE + "# more\n"), QUICK),
    "as long, in place": (lambda w: w.file.write_text(WHOLE.replace("x", "y")), QUICK),
    "another file": (lambda w: w.replace(WHOLE.replace("x", "yy")), QUICK),
    "another, shorter file": (lambda w: w.replace("streams: {}\n"), QUICK),
    "shorter, in place: half saved?": (lambda w: w.file.write_text("streams:\n  a: {command: [x]}\n"), PATIENT),
    "emptied": (lambda w: w.file.write_text(""), PATIENT),
    "the last line has no end": (lambda w: w.file.write_text(WHOLE + "  c: {command: [x]}"), PATIENT),
    "another file whose last line has no end": (lambda w: w.replace(WHOLE + "  c: {command: [x]}"), PATIENT),
    "gone": (lambda w: w.file.unlink(), QUICK),
    "may be read by now": (lambda w: w.file.chmod(0o600), QUICK),
}


@pytest.mark.parametrize("how", SAVES)
def test_a_change_is_read_once_it_has_rested(watched: Watched, how: str) -> None:
    save, looks = SAVES[how]
    watched.due()
    save(watched)
    assert watched.looks_until_due() == looks


def test_a_file_that_goes_on_changing_is_left_alone(watched: Watched) -> None:
    for n in range(20):
        watched.file.write_text(WHOLE + "#" * n + "\n")
        assert not watched.due()
    assert watched.looks_until_due() == QUICK - 1


@pytest.mark.timeout(20)
def test_a_pipe_in_the_files_place_is_not_waited_for(watched: Watched) -> None:
    watched.file.unlink()
    os.mkfifo(watched.file)
    assert watched.looks_until_due() in {QUICK, PATIENT}  # a new file may have the number of one that is gone


def test_a_slow_save_in_place_is_not_read_before_its_rest_has_come(watched: Watched) -> None:
    watched.file.write_text("")
    assert not any(watched.due() for _ in range(PATIENT - 1))
    watched.file.write_text(WHOLE[:30])
    assert not any(watched.due() for _ in range(PATIENT - 1))
    watched.file.write_text(WHOLE + "  c: {command: [x]}\n")
    assert watched.looks_until_due() == QUICK


def test_what_was_saved_after_the_reading_and_before_the_first_look_is_read(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.replace(WHOLE + "  c: {command: [x]}\n")
    assert watched.looks_until_due() == QUICK


def test_what_was_saved_during_a_reload_is_read_again(watched: Watched) -> None:
    watched.replace(WHOLE + "# one\n")
    assert watched.looks_until_due() == QUICK
    before = watched.now()
    watched.replace(WHOLE + "# two\n")
    watched.looks.accepted(before)
    assert watched.looks_until_due() == QUICK
    before = watched.now()
    watched.replace(WHOLE + "# three\n")
    watched.looks.rejected(before)
    assert watched.looks_until_due() == QUICK
    watched.looks.accepted(watched.now())
    assert not any(watched.due() for _ in range(20))


def test_what_was_rejected_is_tried_again_but_not_while_it_changes(watched: Watched) -> None:
    watched.file.write_text("")
    assert watched.looks_until_due() == PATIENT
    watched.looks.rejected(watched.now())
    assert watched.looks_until_due() == 5
    watched.looks.rejected(watched.now())
    assert not any(watched.due() for _ in range(4))
    watched.file.write_text(WHOLE[:30])  # still the save that emptied it: shorter than what is in force
    assert watched.looks_until_due() == PATIENT


# --- who asks --------------------------------------------------------------------------------------


class Engine:
    """Answers one reload after the other as it is told."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[tuple[bool, bool]] = []

    async def reload(self, *, asked: bool, allow_removal: bool) -> Outcome:
        self.asked.append((asked, allow_removal))
        await asyncio.sleep(0)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_who_asks_is_answered(watched: Watched) -> None:
    engine = Engine(REJECTED, RELOADED, RELOADED)

    async def ask() -> None:
        watch = ConfigWatch(lambda: watched.in_force, lambda: None)
        running = asyncio.create_task(watch.run_forever(engine.reload))
        assert await watch.ask() is REJECTED
        assert await watch.ask(allow_removal=True) is RELOADED
        assert list(await asyncio.gather(watch.ask(), watch.ask())) == [RELOADED, RELOADED]
        running.cancel()

    asyncio.run(ask())
    assert engine.asked == [(True, False), (True, True), (True, False)], "two at a time are one reload"


def test_who_gets_no_answer_is_told_so(watched: Watched) -> None:
    engine = Engine(OSError("a mistake of ours"), RELOADED)

    async def ask() -> None:
        watch = ConfigWatch(lambda: watched.in_force, lambda: None)
        answer = watch.ask()
        with pytest.raises(OSError, match="a mistake of ours"):
            await watch.run_forever(engine.reload)
        assert answer.cancelled()
        running = asyncio.create_task(watch.run_forever(engine.reload))
        assert await watch.ask() is RELOADED
        running.cancel()

    asyncio.run(ask())
