"""Where an encoder's media goes: the links of its destinations, and the side output that tells its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from supervisor.ffmpeg.destinations import CLOCK, TAP_PORT, sender_mark
from supervisor.ffmpeg.parameters import Parameters
from supervisor.judge.clocks import free_clock
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLink, MediaLinks
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
        self.latest_keyframe: float | None = None  # when it came (monotonic), of this run
        self._machine = machine
        self._links = links
        self._stream = stream
        self._ports: dict[str, int] = {}  # by destination, while a run lives; "" for the side output
        self._next: dict[str, int] = {}  # of a run that is to follow it, and lives already
        self.on_feed = True  # the links take media from this encoder, and not from another one of the stream
        self.clock = 0  # the time stamp that the latest run began with, in seconds
        self.clocks: Callable[[], Sequence[float]] = lambda: ()  # the time stamps that the stream's runs are at

    def begin_run(self, destinations: Sequence[str]) -> Callable[[str], str]:
        """Give a run its ports. Returns what makes a word of its command line what it is to be."""
        self._links.take_back(self._ports.values())
        self._ports = self._choose_ports(destinations)
        if self.on_feed:
            self._connect()
        self._listen()
        return self._fill(self._ports)

    def _choose_ports(self, destinations: Sequence[str]) -> dict[str, int]:
        links = {destination: self._links.get(self._stream, destination) for destination in destinations}
        ports = {name: link.fixed or self._links.sending_port() for name, link in links.items()}
        return {**ports, "": self._links.sending_port()}

    def _fill(self, ports: Mapping[str, int]) -> Callable[[str], str]:
        marks = {sender_mark(name): str(port) for name, port in ports.items()}
        marks[TAP_PORT] = str(self.tap.port)
        self.clock = free_clock(self.clocks())
        marks[CLOCK] = str(self.clock)

        def fill(word: str) -> str:
            if "{" in word:
                for mark, port in marks.items():
                    word = word.replace(mark, port)
            return word

        return fill

    def _listen(self) -> None:
        self.tap.listen_to(self._ports[""])
        self.latest_keyframe = None

    def _connect(self) -> None:
        for link, port in self.links.items():
            link.send_from(port)

    @property
    def links(self) -> Mapping[MediaLink, int]:
        """The links of the destinations of its run, with the port that each is sent from."""
        return self._links_of(self._ports)

    def _links_of(self, ports: Mapping[str, int]) -> dict[MediaLink, int]:
        return {self._links.get(self._stream, name): port for name, port in ports.items() if name}

    def quiet_for(self, destinations: Sequence[str]) -> float | None:
        """Seconds since the last media came to these links, whoever sent it; None: that is not known.

        An encoder sends to all of them together: who reads latest knows best.
        """
        links = (self._links.get(self._stream, name) for name in destinations)
        return min((quiet for link in links if (quiet := link.quiet_for) is not None), default=None)

    @property
    def recorded(self) -> dict[str, tuple[int, int]]:
        """The ports of the run that is being started, as its record has them."""
        ports = self._next or self._ports
        return {name: (self._links.port(self._stream, name) if name else 0, port) for name, port in ports.items()}

    # --- one run beside another --------------------------------------------------------------------

    def begin_beside(self, destinations: Sequence[str]) -> Callable[[str], str]:
        """Give the run ports that is to follow the one that feeds, and begins before that one ends."""
        self._next = self._choose_ports(destinations)
        return self._fill(self._next)

    @property
    def next_links(self) -> Mapping[MediaLink, int]:
        """Where that run sends to, and from where."""
        return self._links_of(self._next)

    def take_next(self, *, connect: bool) -> None:
        """That run follows now. `connect`: the links have not gone over to it yet."""
        self._links.take_back(self._ports.values())
        self._ports, self._next = self._next, {}
        if connect and self.on_feed:
            self._connect()
        self._listen()

    def drop_next(self) -> None:
        """That run does not follow."""
        self._links.take_back(self._next.values())
        self._next = {}

    def go_on(self, feeds: Mapping[str, tuple[int, int]], clock: int) -> None:
        """A run that was started with these ports, and time stamps from `clock` on, is taken over."""
        self.clock = clock
        self._ports = {destination: port for destination, (_, port) in feeds.items()}
        self._links.lend(self._ports.values())
        if self.on_feed:
            for link, port in self.links.items():
                if link.sender != port:
                    link.send_from(port)
        self._listen()

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
        for link, port in self.links.items():
            if link.sender == port:  # or another encoder feeds it by now
                link.send_from(None)
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
            if self.latest_keyframe is not None:
                self.keyframe_distance = now - self.latest_keyframe
            self.latest_keyframe = now

    def close(self) -> None:
        """Let go."""
        self.tap.close()
