"""Two neverdarks on one key: who else publishes there is found out, and nobody's key is written down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.judge.rivals import suspicion
from supervisor.model import events
from supervisor.model.terms import ExitCause
from supervisor.probes.board import Board
from supervisor.watchdog.other_publishers import OtherPublishers, publishing_place
from tests.unit.watchdog.fakes import FAR, PUSHER, FakeProbes, FakeProcess, LoopClock, in_quick_time

KEY = "abcd-efgh-ZBait7"
PLACE = publishing_place(("rtmp://a.example/live2", KEY))
OTHER = publishing_place(("rtmp://a.example/live2", "another"))


def test_the_same_place_is_the_same_however_it_is_written() -> None:
    for target in (("rtmps://A.example./live2/", KEY), (f"rtmp://a.example/live2/{KEY}", "")):
        assert publishing_place(target) == PLACE
    for target in (
        ("rtmp://a.example/live2", "abcd"),
        ("rtmp://b.example/live2", KEY),
        ("rtmp://a.example:1936/live2", KEY),
    ):
        assert publishing_place(target) != PLACE


def test_both_learn_of_each_other_and_only_while_both_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    one, two = Board(folder, "/srv/one"), Board(folder, "/srv/two")
    assert one.exchange([PLACE, OTHER]) == {}
    found = two.exchange([PLACE])
    assert list(found) == [PLACE]
    assert "/srv/one" in found[PLACE]
    assert "/srv/two" in one.exchange([PLACE, OTHER])[PLACE]
    assert KEY not in "".join(file.read_text() for file in folder.iterdir())
    assert folder.stat().st_mode & 0o777 == 0o700

    assert two.exchange([]) == {}
    assert one.exchange([PLACE]) == {}
    two.exchange([PLACE])
    two.close()
    assert one.exchange([PLACE]) == {}
    one.close()
    assert not list(folder.iterdir())


def test_who_was_killed_is_forgotten_and_leaves_nothing(tmp_path: Path) -> None:
    killed = tmp_path / "4711-aa.json"  # a file that nobody keeps locked
    killed.write_text('{"pid": 4711, "data_dir": "/srv/dead", "claims": []}')
    tmp_path.chmod(0o700)
    board = Board(tmp_path, "/srv/one")
    assert board.exchange([PLACE]) == {}
    assert not killed.exists()
    board.close()


@pytest.mark.parametrize("kind", ["open", "link"])
def test_a_folder_that_others_can_enter_is_not_used(kind: str, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    folder = theirs
    if kind == "link":
        folder = tmp_path / "link"
        folder.symlink_to(theirs)
    with pytest.raises(OSError, match=r"not ours alone|[Nn]ot a directory|symbolic"):
        Board(folder, "/srv/one").exchange([PLACE])
    assert not list(theirs.iterdir())


def test_what_a_server_does_raises_a_suspicion() -> None:
    said = ("[rtmp @ 0x55] Server error: Already publishing",)
    assert "already: another encoder" in (suspicion(ExitCause.INGEST_REFUSED, said, 0, None) or "")
    assert "pid 7" in (suspicion(ExitCause.INGEST_REFUSED, said, 0, "another neverdark, pid 7") or "")
    assert suspicion(ExitCause.INGEST_REFUSED, ("Server error: wrong key",), 0, None) is None
    assert suspicion(ExitCause.INGEST_CLOSED, (), 2, None) is None
    assert "3 times in a row" in (suspicion(ExitCause.INGEST_CLOSED, (), 3, None) or "")
    assert "pid 7" in (suspicion(ExitCause.INGEST_CLOSED, (), 1, "another neverdark, pid 7") or "")
    assert suspicion(ExitCause.DISK_FULL, said, 9, "another neverdark, pid 7") is None


class Scene:
    """Two pushers, of which one is shared with somebody else."""

    def __init__(self) -> None:
        self.probes, self.told = FakeProbes(), list[events.Payload]()
        key = ("rtmp://a.example/live2", KEY)
        self.pusher = FakeProcess(PUSHER, LoopClock(), ingest=FAR.address, target=key)
        self.other = FakeProcess(
            PUSHER._replace(destination="twitch"),
            LoopClock(),
            ingest=FAR.address,
            target=("rtmp://b.example/x", "other"),
        )
        self.pushers = [self.pusher, self.other]
        self.watch = OtherPublishers(self.probes, lambda: self.pushers, self.told.append)
        self.probes.places = {PLACE: "another neverdark, pid 7"}


@in_quick_time
async def test_who_else_publishes_is_told_once_and_known_for_as_long_as_it_is_there() -> None:
    scene = Scene()
    assert scene.watch.of(PUSHER) is None
    for _ in range(3):
        await scene.watch.look()
    assert scene.told == [events.AnotherPublisher("cam", "youtube", "another neverdark, pid 7")]
    assert scene.watch.of(PUSHER) == "another neverdark, pid 7"
    assert scene.watch.of(scene.other.key) is None
    found, scene.probes.places = scene.probes.places, {}
    await scene.watch.look()
    assert scene.watch.of(PUSHER) is None
    scene.probes.places = found
    await scene.watch.look()
    assert len(scene.told) == 2, "it has come back"


@in_quick_time
async def test_only_what_publishes_and_is_wanted_is_told_to_others() -> None:
    scene = Scene()
    scene.pusher.status = scene.pusher.status._replace(wanted=False)
    scene.other.spec = replace(scene.other.spec, ingest=None)
    await scene.watch.look()
    assert scene.probes.asked == [()]


@in_quick_time
async def test_when_nobody_can_be_seen_nobody_is_known() -> None:
    """The folder was there, and is not ours alone any more: what was known is not known to be so still."""
    scene = Scene()
    await scene.watch.look()
    scene.probes.places = PermissionError("not ours alone")
    await scene.watch.look()
    assert (scene.watch.of(PUSHER), len(scene.told)) == (None, 1)


@in_quick_time
async def test_it_looks_after_a_second_and_then_twice_a_minute() -> None:
    scene = Scene()
    job = asyncio.create_task(scene.watch.run_forever())
    await asyncio.sleep(1.5)
    assert len(scene.probes.asked) == 1
    await asyncio.sleep(60)
    assert len(scene.probes.asked) == 3
    job.cancel()
