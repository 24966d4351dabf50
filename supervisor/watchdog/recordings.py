"""Keeps the folders of recordings in order: what is too much goes, what is there and what lacks is written down.

All that touches a disk goes on in a thread of its own, one for each recording: a disk that hangs holds up nothing else.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

from supervisor.judge.recordings import (
    SHORTEST_WITHIN_RUN,
    index,
    left_behind,
    must_wait,
    read_gaps,
    recorded,
    too_much,
)
from supervisor.lifecycle.types import RetryNow, Useless
from supervisor.machine import segments as disk
from supervisor.machine.machine import Machine
from supervisor.machine.segments import Segments
from supervisor.model import events
from supervisor.model.recordings import Gap, Kept, Recorded, Segment
from supervisor.model.terms import ProcessKey, RestartReason, Trouble
from supervisor.watchdog.interfaces import RecordingProcess
from supervisor.watchdog.storage import StorageWatch

_INTERVAL = 10.0  # seconds; a disk of which 5 % is free does not fill up in that time
_HANGS_AFTER = 30.0
_ANSWERS_WITHIN = 2.0  # who asks what is there does not wait longer
_MOST_GAPS = 1000
_WHOLE_AFTER = 15.0  # seconds without a byte
_MOST_INDEX = 2 * 1024 * 1024


class _Found(NamedTuple):
    """What a look at a folder has found."""

    free: float
    gaps: tuple[Gap, ...]  # those that the index has
    indexed: tuple[str, ...] | None  # what it lists, if it is as it should be
    error: OSError | None  # why it is not


class _Folder:
    """What is known of one recording."""

    def __init__(self, kept: Kept, storage: StorageWatch) -> None:
        self.kept = kept
        self.storage = storage
        self.work: asyncio.Future[_Found] | None = None
        self.begun = 0.0  # when the latest look began
        self.due = 0.0
        self.gaps: tuple[Gap, ...] | None = None  # None: the index has not been read yet
        self.news: list[Gap] = []  # those that are not written down yet
        self.sent: list[Gap] = []  # those that are being written down
        self.indexed: tuple[str, ...] | None = None
        self.waits: str | None = None  # why it is to wait
        self.advance: tuple[str | None, float | None] = (None, None)  # of which run, and when the latest one was


class Recordings:
    """All recordings. Lives on the engine's loop."""

    def __init__(
        self, machine: Machine, pushers: Callable[[], Collection[RecordingProcess]], tell: events.Tell
    ) -> None:
        self._machine = machine
        self._pushers = pushers
        self._tell = tell
        self._folders: dict[ProcessKey, _Folder] = {}
        self._looks = disk.Looks(_ANSWERS_WITHIN)

    def readers(self, stream: str, destination: str | None) -> tuple[Callable[[int], Recorded], ...]:
        """What reads the recordings of a stream, or of one destination, in any thread: told how many segments."""
        return tuple(
            partial(read, slot.key.destination, slot.spec.kept, self._looks)
            for slot in self._pushers()
            if slot.spec.kept and slot.key.stream == stream and destination in {None, slot.key.destination}
        )

    def look(self, now: float, wall: float) -> None:
        """Called every second; `now` is monotonic, `wall` the time of day."""
        mine = [slot for slot in self._pushers() if slot.spec.kept]
        if not mine and not self._folders:  # as a rule
            return
        for key in self._folders.keys() - {slot.key for slot in mine}:
            del self._folders[key]
        for slot in mine:
            folder = self._folders.get(slot.key)
            if folder is None or folder.kept != slot.spec.kept:
                folder = self._folders[slot.key] = self._made(slot)
            _note_gap(folder, slot, now, wall)
            self._go_on(folder, slot, now, wall)

    def _made(self, slot: RecordingProcess) -> _Folder:
        assert slot.spec.kept is not None
        return _Folder(slot.spec.kept, StorageWatch(self._machine, self._tell))

    def _go_on(self, folder: _Folder, slot: RecordingProcess, now: float, wall: float) -> None:
        if folder.work is None:
            if now >= folder.due:
                folder.sent, folder.news, folder.begun = folder.news, [], now
                work = partial(_keep, folder.kept, folder.gaps, folder.sent, folder.indexed, wall)
                folder.work = self._machine.apart(work)
        elif folder.work.done():
            done, folder.work, folder.due = folder.work, None, now + _INTERVAL
            self._take(folder, slot, done)
        elif now - folder.begun > _HANGS_AFTER:
            folder.storage(folder.kept.folder, OSError(errno.ETIMEDOUT, "it does not answer"))

    def _take(self, folder: _Folder, slot: RecordingProcess, work: asyncio.Future[_Found]) -> None:
        """A look has come to its end."""
        error = work.exception()
        if error is None:
            found = work.result()
            error, folder.indexed, folder.gaps = found.error, found.indexed, found.gaps
            _let(slot, folder, must_wait(folder.kept, found.free, waits=folder.waits is not None))
        elif isinstance(error, OSError):
            folder.news = [*folder.sent, *folder.news]
        else:
            raise error
        folder.storage(folder.kept.folder, error)


def read(destination: str, kept: Kept, look: disk.Looks, most: int) -> Recorded:
    """What is there of a recording, with `most` segments; for who may wait. Never raises: a folder may not be there."""
    try:
        shelf, written = look(kept, _MOST_INDEX)
    except OSError as error:
        return Recorded(destination, kept, trouble=f"the folder cannot be read: {error.strerror or error}")
    return recorded(destination, kept, shelf.segments, written, most)


def _note_gap(folder: _Folder, slot: RecordingProcess, now: float, wall: float) -> None:
    """Media that has come late has left a gap; what lies between two runs, their files tell."""
    (run, before), latest = folder.advance, slot.meter.last_advance
    folder.advance = slot.run_id, latest
    if run != slot.run_id or before is None or latest is None or latest - before < SHORTEST_WITHIN_RUN:
        return
    folder.news.append(Gap(float(int(wall - (now - before))), float(int(wall - (now - latest)))))
    del folder.news[:-_MOST_GAPS]


def _let(slot: RecordingProcess, folder: _Folder, waits: str | None) -> None:
    """Have it wait for room, or have it go on."""
    before, folder.waits = folder.waits, waits
    if isinstance(slot.recording, Segments):
        slot.recording.waits = waits
    if waits and slot.alive and not slot.status.ending:
        slot.dispatch(Useless(RestartReason.LIMIT, Trouble.STORAGE))
    elif before and not waits:
        slot.dispatch(RetryNow())


def _keep(
    kept: Kept, known: tuple[Gap, ...] | None, news: Sequence[Gap], indexed: tuple[str, ...] | None, wall: float
) -> _Found:
    """Remove what is too much and write down what is there. In a thread. Raises OSError."""
    shelf = disk.look(kept)
    if gone := [*too_much(kept, shelf.segments, wall), *left_behind(shelf.empty, wall, kept.segment)]:
        disk.remove(kept, gone)
        shelf = disk.look(kept)
    gaps, error = known, None
    try:
        if gaps is None:
            gaps = tuple(read_gaps(disk.read_index(kept, _MOST_INDEX)))
        gaps = (*gaps, *news)[-_MOST_GAPS:]
        listed = _listed(shelf.segments, wall)
        if news or listed != indexed:
            disk.write_index(kept, index(shelf.segments, gaps))
            indexed = listed
    except OSError as raised:
        indexed, error = None, raised
    return _Found(shelf.free, gaps if gaps is not None else tuple(news), indexed, error)


def _listed(segments: Sequence[Segment], wall: float) -> tuple[str, ...]:
    """What an index would list: the names, and whether the newest seems to be whole by now."""
    whole = [str(one.size) for one in segments[-1:] if one.end < wall - _WHOLE_AFTER]
    return (*(one.file for one in segments), *whole)
