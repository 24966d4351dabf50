"""Streams made by API: what an edit does to processes, what is kept, and how the file and they get along."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.problems import Problem
from supervisor.engine import Workshop
from supervisor.model import events
from supervisor.model.edits import (
    Bodies,
    Edit,
    Edited,
    Invalid,
    NoSuchDestination,
    NoSuchStream,
    OutOfReach,
)
from supervisor.model.snapshot import Refused
from supervisor.model.terms import Role
from tests.unit.hand_machine import Scene, play

FILE = "defaults: {watchdog: {enabled: false}}\nstreams:\n  own:\n    command: [program]\n"
GRAPH = "testsrc2=size=320x180:rate=25"


def destination(number: int = 1, **more: object) -> dict[str, object]:
    return {"url": f"rtmp://ingest{number}.example/live", "key": "bait-key", **more}


def body(**more: object) -> dict[str, Any]:
    return {"source": {"format": "lavfi", "url": GRAPH}, "destinations": {"out": destination()}, **more}


class FakeShelf:
    """Keeps what was made, unless it is out of reach."""

    def __init__(self, made: Bodies | None = None, *, known: bool = True) -> None:
        self.kept: Bodies | None = (made or {}) if known else None
        self.last: Bodies = {}
        self.fails = False
        self.writes = 0

    def made(self) -> Bodies | None:
        return self.kept

    def meanwhile(self) -> Bodies:
        return self.last

    def make(self, made: Bodies) -> None:
        self.writes += 1
        if self.fails:
            raise OutOfReach("the database is out of reach, so nothing was changed")
        self.kept = made


def run(
    folder: Path,
    test: Callable[[Scene], Awaitable[None]],
    shelf: FakeShelf | None = None,
    text: str = FILE,
    lacking: tuple[Problem, ...] = (),
) -> Scene:
    return play(folder, text, test, workshop=Workshop(shelf or FakeShelf(), lambda *_: lacking))


async def make(scene: Scene, name: str = "cam", made: Any = None, **kwargs: bool) -> Edited:
    return await scene.engine.editor.edit(Edit("make", name, made or body()), **kwargs)


async def patch(scene: Scene, patch: Any, **kwargs: bool) -> Edited:
    return await scene.engine.editor.edit(Edit("patch", "cam", patch), **kwargs)


async def wrong(scene: Scene, edit: Edit) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        await scene.engine.editor.edit(edit)
    return {one.path: one.expected for one in refused.value.wrong}


def pids(scene: Scene) -> dict[str, int]:
    return {slot.key.name: slot.child.pid for slot in scene.engine.streams["cam"].slots.values() if slot.child}


# --- edits ---------------------------------------------------------------------------------------------


def test_a_made_stream_runs_and_is_kept(tmp_path: Path) -> None:
    shelf = FakeShelf()

    async def test(scene: Scene) -> None:
        edited = await make(scene)
        assert (edited.change, edited.origin, {effect.change for effect in edited.processes}) == (
            "added",
            "api",
            {"starts"},
        )
        assert pids(scene).keys() == {"encoder", "pusher-out"}
        assert shelf.kept == {"cam": body()}
        streams = {one.name: one.origin for one in (await scene.engine.snapshot()).streams}
        assert streams == {"own": "file", "cam": "api"}
        assert scene.facts(events.StreamsEdited) == [events.StreamsEdited(("cam",), (), ())]

    run(tmp_path, test, shelf)


def test_what_was_kept_runs_from_the_start(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        assert pids(scene).keys() == {"encoder", "pusher-out"}
        assert scene.engine.editor.configured("cam") is not None

    run(tmp_path, test, FakeShelf({"cam": body()}))


def test_only_the_process_concerned_is_replaced(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await make(scene)
        await asyncio.sleep(2)
        before = pids(scene)
        await patch(scene, {"destinations": {"out": {"watchdog": {"interval": "10s"}, "key": "other-key"}}})
        await asyncio.sleep(5)
        after = pids(scene)
        assert after["encoder"] == before["encoder"]
        assert after["pusher-out"] != before["pusher-out"]
        await patch(scene, {"destinations": {"out": {"watchdog": {"interval": "20s"}}}})
        await asyncio.sleep(5)
        assert pids(scene) == after, "a setting of ours needs no other process"
        assert scene.engine.streams["cam"].policies("out").watchdog.interval == 20
        assert scene.facts(events.IncidentOpened) == []

    run(tmp_path, test)


def test_a_dry_run_tells_and_changes_nothing(tmp_path: Path) -> None:
    shelf = FakeShelf()

    async def test(scene: Scene) -> None:
        assert (await make(scene, dry_run=True)).change == "added"
        assert "cam" not in scene.engine.streams
        assert shelf.writes == 0
        await make(scene)
        before = pids(scene)
        told = await patch(scene, {"video": {"bitrate": "2M"}}, dry_run=True)
        assert [(one.role, one.change) for one in told.processes] == [(Role.ENCODER, "restarts")]
        added = await scene.engine.editor.edit(Edit("make", "cam", destination(2), "more"), dry_run=True)
        assert {(one.destination, one.change) for one in added.processes} == {("more", "starts"), (None, "restarts")}
        removed = await scene.engine.editor.edit(Edit("remove", "cam"), dry_run=True)
        assert (removed.change, removed.config) == ("removed", None)
        await asyncio.sleep(2)
        assert pids(scene) == before
        assert shelf.writes == 1

    run(tmp_path, test, shelf)


def test_a_removed_stream_ends_as_planned_and_is_gone(tmp_path: Path) -> None:
    shelf = FakeShelf({"cam": body()})

    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        await scene.engine.editor.edit(Edit("remove", "cam"))
        await asyncio.sleep(5)
        assert "cam" not in scene.engine.streams
        assert [one.name for one in (await scene.engine.snapshot()).streams] == ["own"]
        assert all(fact.planned for fact in scene.facts(events.ProcessExited))
        assert scene.facts(events.IncidentOpened) == []
        assert shelf.kept == {}
        with pytest.raises(NoSuchStream):
            await scene.engine.editor.edit(Edit("remove", "cam"))
        assert (await make(scene)).change == "added"

    run(tmp_path, test, shelf)


def test_destinations_come_and_go(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await make(scene)
        editor = scene.engine.editor
        await editor.edit(Edit("make", "cam", destination(2), "more"))
        assert "pusher-more" in pids(scene)
        with pytest.raises(Refused, match="has a destination 'more'"):
            await editor.edit(Edit("make", "cam", destination(3), "more"))
        await editor.edit(Edit("replace", "cam", {"enabled": False}, "more", "watchdog"))
        assert not scene.engine.streams["cam"].policies("more").watchdog.enabled
        await editor.edit(Edit("replace", "cam", {}, "more", "watchdog"))
        known = editor.configured("cam")
        assert known is not None
        assert "watchdog" not in known.config["destinations"]["more"]
        await editor.edit(Edit("remove", "cam", None, "more"))
        with pytest.raises(NoSuchDestination):
            await editor.edit(Edit("patch", "cam", {}, "more"))
        found = await wrong(scene, Edit("remove", "cam", None, "out"))
        assert found == {"streams.cam.destinations": "expected at least one destination"}

    run(tmp_path, test)


def test_an_operators_stop_holds_over_an_edit(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await make(scene)
        scene.engine.request("stop", "cam")
        await asyncio.sleep(4)
        await patch(scene, {"video": {"bitrate": "2M"}})
        await asyncio.sleep(2)
        assert pids(scene) == {}
        await patch(scene, {"enabled": False})
        await patch(scene, {"enabled": None})
        assert pids(scene).keys() == {"encoder", "pusher-out"}, "enabled anew is a newer word"

    run(tmp_path, test)


# --- what is refused -------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once_and_nothing_is_changed(tmp_path: Path) -> None:
    shelf = FakeShelf()

    async def test(scene: Scene) -> None:
        mistakes = {"sourc": {}, "video": {"bitrate": "x"}, "destinations": {"a": {"url": "http://h/x"}}}
        found = await wrong(scene, Edit("make", "cam", mistakes))
        assert found.keys() == {
            "streams.cam.sourc",
            "streams.cam.source",
            "streams.cam.video.bitrate",
            "streams.cam.destinations.a.url",
        }
        assert "did you mean source?" in found["streams.cam.sourc"]
        assert await wrong(scene, Edit("make", "Bad Name", body())) == {
            "name": "expected a name of 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit"
        }
        assert await wrong(scene, Edit("make", "cam", [])) == {"streams.cam": "expected keys and values"}
        assert shelf.writes == 0
        assert "cam" not in scene.engine.streams

    run(tmp_path, test, shelf)


def test_the_environment_is_not_read_for_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAIT", "bait-secret")

    async def test(scene: Scene) -> None:
        made = body(destinations={"out": destination(key="${BAIT}"), "two": destination(2, key="$${BAIT}")})
        found = await wrong(scene, Edit("make", "cam", made))
        assert found.keys() == {"streams.cam.destinations.out.key"}
        assert "cannot read the environment" in found["streams.cam.destinations.out.key"]
        assert "bait" not in str(found)
        made["destinations"]["out"]["key"] = "plain"
        words = await wrong(scene, Edit("make", "cam", {"command": ["${BAIT}"], "restart": {"max_delay": "${BAIT}"}}))
        assert words.keys() == {"streams.cam.command[0]", "streams.cam.restart.max_delay", "streams.cam.command"}
        await make(scene, made=made)
        pusher = scene.child("cam", Role.PUSHER, "two")
        assert any("${BAIT}" in word for word in pusher.argv)

    run(tmp_path, test)


def test_the_files_streams_are_edited_in_the_file_alone(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        for verb in ("make", "replace", "patch", "remove"):
            with pytest.raises(Refused, match=r"stands in .*neverdark\.yml: change it there"):
                await scene.engine.editor.edit(Edit(verb, "own", body()))
        await make(scene)
        with pytest.raises(Refused, match="there is a stream 'cam'"):
            await make(scene)
        with pytest.raises(NoSuchStream):
            await scene.engine.editor.edit(Edit("replace", "other", body()))

    run(tmp_path, test)


def test_one_place_has_one_publisher_also_across_file_and_api(tmp_path: Path) -> None:
    text = FILE + f"  cam1:\n    source: {{format: lavfi, url: {GRAPH}}}\n    destinations: {{a: {destination()}}}\n"

    async def test(scene: Scene) -> None:
        found = await wrong(scene, Edit("make", "cam", body()))
        assert len(found) == 1
        assert "streams.cam1.destinations.a" in str(found)
        await make(scene, made=body(destinations={"out": destination(2)}))
        await make(scene, "last", body(destinations={"out": destination(3)}))
        found = await wrong(scene, Edit("patch", "cam", {"destinations": {"out": destination(3)}}))
        assert next(iter(found)).startswith("streams.cam."), "who is edited is told, not who was there"

    run(tmp_path, test, text=text)


def test_what_the_machine_lacks_is_told(tmp_path: Path) -> None:
    lacking = (Problem("streams.cam.video.preset", None, "expected a preset"),)

    async def test(scene: Scene) -> None:
        assert await wrong(scene, Edit("make", "cam", body())) == {"streams.cam.video.preset": "expected a preset"}

    run(tmp_path, test, lacking=lacking)


def test_a_database_out_of_reach_changes_nothing(tmp_path: Path) -> None:
    shelf = FakeShelf({"cam": body()})

    async def test(scene: Scene) -> None:
        await asyncio.sleep(1)
        before, shelf.fails = pids(scene), True
        for edit in (Edit("make", "more", body()), Edit("patch", "cam", {"enabled": False}), Edit("remove", "cam")):
            if edit.stream == "more":
                edit.body["destinations"] = {"out": destination(2)}
            with pytest.raises(OutOfReach):
                await scene.engine.editor.edit(edit)
        assert "more" not in scene.engine.streams
        assert pids(scene) == before
        assert shelf.kept == {"cam": body()}

    run(tmp_path, test, shelf)


def test_what_this_machine_has_no_room_for_is_undone_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = FakeShelf()

    async def test(scene: Scene) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        with monkeypatch.context() as patched:
            patched.setattr(scene.machine, "outlet", full)
            with pytest.raises(OutOfReach, match="no room for it"):
                await make(scene)
        assert shelf.kept == {}
        assert "cam" not in scene.engine.streams
        assert scene.engine.loaded.config.streams.keys() == {"own"}
        assert (await make(scene)).change == "added"

    run(tmp_path, test, shelf)


def test_after_its_end_has_begun_nothing_is_made(tmp_path: Path) -> None:
    shelf = FakeShelf({"cam": body()})

    async def test(scene: Scene) -> None:
        scene.engine.leave()
        with pytest.raises(Refused, match="stopping"):
            await patch(scene, {"enabled": False})
        assert shelf.kept == {"cam": body()}

    run(tmp_path, test, shelf)


def test_what_is_known_late_runs_late(tmp_path: Path) -> None:
    shelf = FakeShelf(known=False)

    async def test(scene: Scene) -> None:
        with pytest.raises(OutOfReach, match="not known which streams were made"):
            await make(scene)
        shelf.kept = {"cam": body()}
        await asyncio.sleep(11)
        assert pids(scene).keys() == {"encoder", "pusher-out"}
        assert shelf.kept == {"cam": body()}

    run(tmp_path, test, shelf)


def test_until_it_is_known_what_was_known_last_runs(tmp_path: Path) -> None:
    shelf = FakeShelf(known=False)
    shelf.last = {"cam": body(), "old": body(destinations={"out": destination(2)})}

    async def test(scene: Scene) -> None:
        before = pids(scene)
        assert before.keys() == {"encoder", "pusher-out"}
        with pytest.raises(OutOfReach):
            await patch(scene, {"enabled": False})
        shelf.kept = {"cam": body()}
        await asyncio.sleep(11)
        assert pids(scene) == before
        assert "old" not in scene.engine.streams, "the database is what counts"

    run(tmp_path, test, shelf)


# --- secrets ---------------------------------------------------------------------------------------------


def test_what_is_hidden_keeps_its_value_when_it_is_sent_back(tmp_path: Path) -> None:
    shelf = FakeShelf()

    async def test(scene: Scene) -> None:
        await make(scene)
        known = scene.engine.editor.configured("cam")
        assert known is not None
        assert "bait" not in str(known)
        back = {**known.config, "video": {"bitrate": "2M"}}
        edited = await scene.engine.editor.edit(Edit("replace", "cam", back))
        assert "bait" not in str(edited)
        assert shelf.kept == {"cam": body(video={"bitrate": "2M"})}
        found = await wrong(scene, Edit("make", "other", back))
        assert "stands for one that is hidden" in found["streams.other.destinations.out.key"]

    run(tmp_path, test, shelf)


@pytest.mark.parametrize(
    "edit",
    [
        Edit("patch", "cam", {"destinations": {"out": {"url": "rtmp://mine.example/live"}}}),
        Edit("patch", "cam", {"url": "rtmp://mine.example/live"}, "out"),
        Edit("replace", "cam", {"url": "rtmp://mine.example/live", "key": "***"}, "out"),
    ],
)
def test_a_key_that_nobody_has_sent_goes_to_no_other_server(tmp_path: Path, edit: Edit) -> None:
    async def test(scene: Scene) -> None:
        await make(scene)
        found = await wrong(scene, edit)
        assert list(found) == ["streams.cam.destinations.out.key"]
        patched = {"url": "rtmp://mine.example/live", "key": "bait-key"}
        await scene.engine.editor.edit(Edit("patch", "cam", patched, "out"))

    run(tmp_path, test)


# --- the file and they -----------------------------------------------------------------------------------


async def reload(scene: Scene, text: str) -> events.ConfigReloaded:
    scene.write(text)
    told = await scene.engine.reload(allow_removal=False)
    assert isinstance(told, events.ConfigReloaded), told
    return told


def test_the_defaults_of_the_file_hold_for_made_streams(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await make(scene)
        told = await reload(scene, FILE.replace("}}", "}, stall: {timeout: 17s}}"))
        assert set(told.changed) == {"own", "cam"}
        assert scene.engine.streams["cam"].policies("out").stall.timeout == 17

    run(tmp_path, test)


@pytest.mark.parametrize("later", [-0.4, -0.2, 0.0, 0.2, 0.5])
def test_an_edit_and_a_reload_at_the_same_time_both_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    text = FILE.replace("}}", "}, stall: {timeout: 17s}}") + "  two:\n    command: [program, two]\n"

    async def test(scene: Scene) -> None:
        at_once = scene.machine.in_a_thread

        async def slowly(work: Callable[[], Any]) -> Any:
            found = await at_once(work)
            await asyncio.sleep(0.3)
            return found

        async def make_later() -> None:
            await asyncio.sleep(max(0.0, later))
            await make(scene)

        async def reload_later() -> None:
            await asyncio.sleep(max(0.0, -later))
            await reload(scene, text)

        monkeypatch.setattr(scene.machine, "in_a_thread", slowly)
        await asyncio.gather(make_later(), reload_later())
        assert scene.engine.streams.keys() == {"own", "two", "cam"}
        assert scene.engine.loaded.config.streams.keys() == {"own", "two", "cam"}
        assert scene.engine.streams["cam"].policies("out").stall.timeout == 17

    run(tmp_path, test)


def test_a_made_stream_that_does_not_go_with_the_file_stays_as_it_was(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await make(scene, made=body(restart={"initial_delay": "5s"}))
        await asyncio.sleep(2)
        before = pids(scene)
        told = await reload(scene, FILE.replace("}}", "}, restart: {max_delay: 2s}, stall: {timeout: 17s}}"))
        assert told.changed == ("own",)
        assert len(told.warnings) == 1
        assert told.warnings[0].startswith("streams.cam: made by API, is kept as it was")
        assert "initial_delay" in told.warnings[0]
        await asyncio.sleep(2)
        assert pids(scene) == before
        assert scene.engine.streams["cam"].policies("out").stall.timeout == 10
        known = scene.engine.editor.configured("cam")
        assert known is not None
        assert len(known.problems) == 1
        edited = await patch(scene, {"restart": None})
        assert edited.warnings == ()
        assert scene.engine.streams["cam"].policies("out").stall.timeout == 17

    run(tmp_path, test)


def test_after_a_start_it_runs_by_the_defaults_of_the_program(tmp_path: Path) -> None:
    text = FILE.replace("}}", "}, restart: {max_delay: 2s}}")

    async def test(scene: Scene) -> None:
        assert pids(scene).keys() == {"encoder", "pusher-out"}
        told = scene.facts(events.StreamsEdited)
        assert len(told) == 1
        assert "is kept as it was" in told[0].warnings[0]

    run(tmp_path, test, FakeShelf({"cam": body(restart={"initial_delay": "5s"})}), text)


def test_what_cannot_run_is_kept_told_and_tried_again(tmp_path: Path) -> None:
    key = tmp_path / "key"
    made = body(destinations={"out": {"url": "rtmp://ingest.example/live", "key_file": str(key)}})
    shelf = FakeShelf({"cam": made})

    async def test(scene: Scene) -> None:
        assert "cam" not in scene.engine.streams
        known = scene.engine.editor.configured("cam")
        assert known is not None
        assert "streams.cam.destinations.out.key_file" in known.problems[0]
        assert "cannot run" in scene.facts(events.StreamsEdited)[0].warnings[0]
        key.write_text("bait-key\n")
        await asyncio.sleep(70)
        assert pids(scene).keys() == {"encoder", "pusher-out"}
        assert shelf.kept == {"cam": made}

    run(tmp_path, test, shelf)


def test_a_name_that_the_file_takes_too_stays_the_made_stream_until_that_is_deleted(tmp_path: Path) -> None:
    text = FILE + f"  cam:\n    source: {{format: lavfi, url: {GRAPH}}}\n    destinations: {{out: {destination()}}}\n"

    async def test(scene: Scene) -> None:
        await make(scene, made=body())
        await asyncio.sleep(2)
        before = pids(scene)
        told = await reload(scene, text)
        assert "a stream of this name was made by API" in str(told.warnings)
        assert told.changed == ()
        await patch(scene, {"drills": False})
        edited = await scene.engine.editor.edit(Edit("remove", "cam"))
        assert (edited.change, edited.origin) == ("changed", "file")
        await asyncio.sleep(3)
        assert pids(scene) == before, "it runs as the file says, without an interruption"
        assert {one.name: one.origin for one in (await scene.engine.snapshot()).streams}["cam"] == "file"

    run(tmp_path, test)


def test_streams_of_the_file_do_not_vanish_behind_made_ones(tmp_path: Path) -> None:
    """A file that has lost its streams is refused, however many were made."""
    text = FILE + "  two:\n    command: [program, two]\n"

    async def test(scene: Scene) -> None:
        for number in (1, 2, 3, 4, 5):
            await make(scene, f"cam{number}", body(destinations={"out": destination(number)}))
        scene.write(FILE.replace("own", "another"))
        told = await scene.engine.reload(allow_removal=False)
        assert isinstance(told, events.ConfigRejected)
        assert "2 of the 2 streams" in str(told.problems)

    run(tmp_path, test, text=text)


def test_a_key_file_of_a_made_stream_is_watched(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("bait-key-1\n")
    made = body(destinations={"out": {"url": "rtmp://ingest.example/live", "key_file": "key"}})

    async def test(scene: Scene) -> None:
        await make(scene, made=made)
        await asyncio.sleep(4)
        assert scene.facts(events.ConfigReloaded) == [], "its own key file is no change of the file"
        key.write_text("bait-key-2\n")
        await asyncio.sleep(12)
        assert any("bait-key-2" in word for word in scene.child("cam", Role.PUSHER, "out").argv)

    run(tmp_path, test)
