"""What the runs of one encoder tell of their picture and sound."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from supervisor.ffmpeg.content import parse
from supervisor.judge.content import ContentEvidence, ContentWatch, Turn, evidence_of, said
from supervisor.model import events
from supervisor.model.content import ContentPolicy, ContentState
from supervisor.model.terms import State

if TYPE_CHECKING:
    from supervisor.machine.machine import Machine
    from supervisor.machine.progress_socket import ProgressSocket
    from supervisor.process.place import Place

_MOST_AT_ONCE = 100  # datagrams: a second has twelve
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
        if self._socket:
            self._socket.begin_run(pid, family=False)

    def look(self, now: float) -> None:
        """Called every second."""
        if self._watch is None or self._socket is None:
            return
        usual = self._place.usual_silence(now)
        for _ in range(_MOST_AT_ONCE):
            if not (datagram := self._socket.read()):
                break
            if reading := parse(datagram):
                self._watch.take(*reading, now, usual)
        leaves = self._place.status.state in _ON_PURPOSE
        self._tell(self._watch.forget() if leaves else self._watch.look(now, usual))

    def _tell(self, turns: list[Turn]) -> None:
        stream, tell = self._place.key.stream, self._place.host.tell
        for defect, found, seconds, seen in turns:
            if found:
                tell(events.ContentFound(stream, defect, seconds, said(defect, seconds)))
            else:
                tell(events.ContentGood(stream, defect, seconds, seen))

    def state(self, now: float) -> ContentState | None:
        """As it is now; None where nobody looks."""
        if self._watch is None:
            return None
        return self._watch.state(now, self._place.host.machine.wall(), self._place.usual_silence(now))

    def evidence(self, now: float) -> ContentEvidence | None:
        """What the second layer is to know of it."""
        state = self.state(now)
        return evidence_of(state, self._watch.policy) if self._watch and state else None

    def unfit_for(self, now: float) -> float | None:
        """Seconds for which it has been known that viewers should see something else; None: there is no need."""
        return self._watch.unfit_for(now) if self._watch else None

    def close(self) -> None:
        """Nobody looks any more."""
        if self._watch:
            self._tell(self._watch.forget())
        if self._socket:
            self._socket.close()
        self._watch = self._socket = None


def _socket(machine: Machine, known: int) -> ProgressSocket:
    if known:
        with contextlib.suppress(OSError):  # somebody else has it: this run is not seen, and the next one is
            return machine.progress_socket(known)
    return machine.progress_socket()
