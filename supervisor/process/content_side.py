"""What the runs of one encoder tell of their picture and sound."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from supervisor.ffmpeg.content import Reading, parse
from supervisor.judge.content import ContentEvidence, ContentWatch, Turn, evidence_of, said
from supervisor.model import events
from supervisor.model.content import ContentPolicy, ContentState, Defect, Level, Sampling
from supervisor.model.fallback import source_name
from supervisor.model.terms import Cause, State
from supervisor.model.thresholds import KEYFRAME_SECONDS

if TYPE_CHECKING:
    from supervisor.machine.machine import Machine
    from supervisor.machine.progress_socket import ProgressSocket
    from supervisor.process.place import Place
    from supervisor.process.run import Run

_MOST_AT_ONCE = 100  # datagrams: a second has twelve
_FIRST_SECONDS = 5.0  # after so long an encoder has told something, if it ever will
_SOUND = frozenset({Level.SOUND, Level.PEAK, Level.OWN_SOUND})
_ON_PURPOSE = frozenset({State.STOPPED, State.STOPPING})


class ContentSide:
    """Lives with the place of one encoder, through all of its runs; does nothing where nothing is to be looked at.

    What is told waits in the socket, and is read once a second: no run and no report is slower for it. The socket is
    one as for progress, because that one knows who has sent.
    """

    def __init__(self, place: Place, known: int) -> None:
        """`known` is the port of a run that is to be taken over; 0 for none. Raises OSError."""
        self._place = place
        self._socket: ProgressSocket | None = None
        self._watch: ContentWatch | None = None
        self._told: set[Defect] = set()  # what is found, and was told
        self._began = -math.inf  # the latest run
        self._sampled = -math.inf  # when the latest sample was begun, or ended
        self.follow(place.spec.content, known)

    @property
    def port(self) -> int:
        """Where a run is to tell; 0 for nowhere."""
        return int(self._socket.url.rpartition(":")[2]) if self._socket else 0

    def follow(self, policy: ContentPolicy | None, known: int = 0) -> None:
        """What is to be looked at from now on. Raises OSError."""
        if policy is None:
            self.close()
        elif self._watch is None:
            self._socket = _socket(self._place.host.machine, known)
            self._watch = ContentWatch(policy)
        else:
            self._tell(self._watch.follow(policy))

    def begin_run(self, pid: int) -> None:
        """What was found stays so until this run shows something else."""
        self._sampled, self._began = -math.inf, self._place.host.loop.time()
        if self._watch:
            self._watch.begin_run()
        if self._socket:
            self._socket.begin_run(pid, family=False)

    # --- samples of what is copied -----------------------------------------------------------------

    @property
    def sampling(self) -> Sampling | None:
        """How often somebody is to bring a sample; None: the encoder tells all by itself."""
        return self._watch.policy.sampling if self._watch else None

    @property
    def wants_sound(self) -> bool:
        """A sample is to have sound, too: what is encoded the encoder tells of."""
        return self._place.spec.copies_sound and self._watch is not None and self._watch.listens

    def due(self, now: float) -> float | None:
        """For so many seconds a sample has been due; None: none is, or nothing can be seen."""
        if not self._watch or not self.sampling or not self._place.advancing(now):
            return None
        hurry = self._watch.hurry()
        pause = self.sampling.every if hurry is None else min(hurry, self.sampling.every)
        late = now - (self._sampled + pause)
        return late if late >= 0 else None

    def begin_sample(self, now: float) -> Run | None:
        """One is taken now; of which run."""
        self._sampled = now
        return self._place.run

    def end_sample(self, found: Sequence[Reading], run: Run | None, now: float) -> None:
        """What it has shown, if that is still of interest."""
        self._sampled = now
        if self._watch and self.sampling and self._place.run is run:
            for (level, value), at in _dated(found, now):
                self._watch.take(level, value, at, self._usual(now))

    def _usual(self, now: float) -> float:
        """Seconds without any news that prove nothing."""
        between = self.sampling.every + 2 * self.sampling.length + KEYFRAME_SECONDS if self.sampling else 0.0
        return self._place.usual_silence(now) + between

    # --- what is found -----------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Called every second."""
        if self._watch is None or self._socket is None:
            return
        usual = self._usual(now)
        for _ in range(_MOST_AT_ONCE):
            if not (datagram := self._socket.read()):
                break
            if reading := parse(datagram):
                self._watch.take(*reading, now, usual)
        leaves = self._place.status.state in _ON_PURPOSE
        self._tell(self._watch.forget() if leaves else self._watch.look(now, usual))

    def _tell(self, turns: list[Turn]) -> None:
        """Of a fallback only what viewers are given is told: nobody sees what is bad of another one."""
        key, tell = self._place.key, self._place.host.tell
        for defect, found, seconds, seen in turns:
            if found and (not key.rung or (self._place.feeds and self._place.feeds.on_feed)):
                words = said(defect, seconds)
                words = f"{source_name(key.rung)}: {words}" if key.rung else words
                self._told.add(defect)
                tell(events.ContentFound(key.stream, defect, seconds, words, key.rung))
            elif not found and defect in self._told:
                self._told.discard(defect)
                tell(events.ContentGood(key.stream, defect, seconds, seen, key.rung))

    def state(self, now: float) -> ContentState | None:
        """As it is now; None where nobody looks."""
        if self._watch is None:
            return None
        return self._watch.state(now, self._place.host.machine.wall(), self._usual(now))

    def evidence(self, now: float) -> ContentEvidence | None:
        """What the second layer is to know of it."""
        state = self.state(now)
        return evidence_of(state, self._watch.policy) if self._watch and state else None

    def unfit_for(self, now: float) -> float | None:
        """Seconds for which it has been known that viewers should see something else; None: there is no need."""
        return self._watch.unfit_for(now) if self._watch else None

    def doubtful(self, now: float) -> bool:
        """A run that has not shown anything else yet than what nobody should see, or nothing so far."""
        if self._watch is None:
            return False
        first = self.sampling.length + KEYFRAME_SECONDS if self.sampling else _FIRST_SECONDS
        return self._watch.doubtful or (not self._watch.heard and now - self._began < first)

    def shows(self, cause: Cause) -> bool:
        """That is found in it now."""
        return self._watch is not None and cause in self._watch.causes

    def close(self) -> None:
        """Nobody looks any more."""
        if self._watch:
            self._tell(self._watch.forget())
        if self._socket:
            self._socket.close()
        self._watch = self._socket = None


def _dated(found: Sequence[Reading], now: float) -> Iterator[tuple[Reading, float]]:
    """When each was so: sound comes a second at a time, and the latest one is now."""
    left = Counter(level for level, _ in found if level in _SOUND)
    for reading in found:
        left.subtract({reading.level} & _SOUND)
        yield reading, now - max(0, left[reading.level])


def _socket(machine: Machine, known: int) -> ProgressSocket:
    if known:
        with contextlib.suppress(OSError):  # somebody else has it: this run is not seen, and the next one is
            return machine.progress_socket(known)
    return machine.progress_socket()
