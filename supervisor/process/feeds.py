"""Where an encoder's media goes: the links of its destinations, and the side output that tells its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from supervisor.ffmpeg.destinations import TAP_PORT, sender_mark
from supervisor.ffmpeg.parameters import Parameters
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLinks
from supervisor.machine.parameter_tap import ParameterTap


class Feeds:
    """Lives with the place of one encoder, through all of its runs.

    Each run sends from ports of its own, and the links take media from these alone: nobody else can have them while it
    runs, and nobody knows them before.
    """

    def __init__(self, machine: Machine, links: MediaLinks, stream: str, tap: ParameterTap | None = None) -> None:
        """`tap` is that of a run that is to be taken over."""
        self.tap = tap or machine.parameter_tap()
        self.current: Parameters | None = None  # what the encoder sends, as far as it is known
        self.keyframe_distance = 0.0  # seconds between the latest two of a run
        self._keyframe: float | None = None  # when the latest one of this run came (monotonic)
        self._machine = machine
        self._links = links
        self._stream = stream
        self._ports: dict[str, int] = {}  # by destination, while a run lives; "" for the side output

    def begin_run(self, destinations: Sequence[str]) -> Callable[[str], str]:
        """Give a run its ports. Returns what makes a word of its command line what it is to be."""
        self._links.take_back(self._ports.values())
        links = {destination: self._links.get(self._stream, destination) for destination in destinations}
        self._ports = {name: link.fixed or self._links.sending_port() for name, link in links.items()}
        self._ports[""] = self._links.sending_port()
        for destination, link in links.items():
            link.send_from(self._ports[destination])
        self.tap.listen_to(self._ports[""])
        self._keyframe = None
        marks = {sender_mark(name): str(port) for name, port in self._ports.items()}
        marks[TAP_PORT] = str(self.tap.port)

        def fill(word: str) -> str:
            if "{" in word:
                for mark, port in marks.items():
                    word = word.replace(mark, port)
            return word

        return fill

    @property
    def recorded(self) -> dict[str, tuple[int, int]]:
        """The ports of this run, as its record has them."""
        return {name: (self._links.port(self._stream, name) if name else 0, port) for name, port in self._ports.items()}

    def go_on(self, feeds: Mapping[str, tuple[int, int]]) -> None:
        """A run that was started with these ports is taken over."""
        self._ports = {destination: port for destination, (_, port) in feeds.items()}
        self._links.lend(self._ports.values())
        for destination in self._ports.keys() - {""}:
            link = self._links.get(self._stream, destination)
            if link.sender != self._ports[destination]:
                link.send_from(self._ports[destination])
        self.tap.listen_to(self._ports[""])

    def robbed_by(self, ours: int) -> bool:
        """Whether somebody other than process `ours` has one of its ports: until it has them, they can be taken.

        From then on nothing of what is sent from them is taken.
        """
        robbed = any(self._machine.is_taken(port, ours) for port in self._ports.values())
        if robbed:
            self.ended()
        return robbed

    def ended(self) -> None:
        """No run is there: from now on the ports are anybody's."""
        for destination in self._ports.keys() - {""}:
            self._links.get(self._stream, destination).send_from(None)
        self._links.take_back(self._ports.values())
        self._ports = {}

    def heard(self, now: float) -> Parameters | None:
        """What the tap has to tell; None for nothing."""
        parameters = self.tap.read()
        if parameters is not None:
            self.current = (self.current or Parameters()).updated(parameters)
            self._note_keyframe(now, came=bool(parameters.video))
        return parameters and self.current

    def _note_keyframe(self, now: float, *, came: bool) -> None:
        if came:
            if self._keyframe is not None:
                self.keyframe_distance = now - self._keyframe
            self._keyframe = now

    def close(self) -> None:
        """Let go."""
        self.tap.close()
