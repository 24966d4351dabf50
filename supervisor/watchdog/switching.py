"""Operators stop and start the watchdogs of destinations, and neverdark remembers that over its own end.

The first layer and the stream go on meanwhile. The configuration comes first: where it does not enable the watchdog, or
has the destination no more, a stop is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.remembered import Memory
from supervisor.model.snapshot import NotEnabled, WatchdogVerb
from supervisor.watchdog.interfaces import JudgedStream
from supervisor.watchdog.scheduler import Post
from supervisor.watchdog.second_layer import SecondLayer


class Switching:
    """Carries out what operators order of watchdogs. What is stopped stands at the second layer."""

    def __init__(
        self,
        second: SecondLayer,
        streams: Mapping[str, JudgedStream],
        memory: Memory,
        clock: Clock,
        tell: events.Tell,
        follow: Callable[[], None],
    ) -> None:
        """`follow` makes the second layer look after what it is to look after."""
        self._second = second
        self._streams = streams
        self._memory = memory
        self._clock = clock
        self._tell = tell
        self._follow = follow
        self._begun = False

    # --- over a restart ----------------------------------------------------------------------------

    def recall(self) -> None:
        """Before any stream is known: what was stopped when neverdark ended."""
        self._second.stopped = {Post(*name): since for name, since in self._memory.stopped_watchdogs().items()}

    def begin(self) -> None:
        """When all are known: what still counts is kept, and told."""
        self._begun = True
        self.look()
        self._keep()
        self._told(self._second.stopped, "as before neverdark was started anew", running=False)

    def look(self) -> None:
        """Called when something else may be configured."""
        if self._begun and self._second.stopped:
            enabled = set(self._enabled())
            self._set({post: since for post, since in self._second.stopped.items() if post in enabled})

    # --- orders ------------------------------------------------------------------------------------

    def order(self, verb: WatchdogVerb, post: Post) -> bool:
        """See `snapshot.Control.order_watchdog`."""
        stream = self._streams.get(post.stream)
        policies = dict(stream.posts()).get(post.destination) if stream else None
        if policies is None:
            return False
        if verb == "stop":
            self._stop([post] if policies.watchdog.enabled else [])
        elif not policies.watchdog.enabled:
            raise NotEnabled("the watchdog of this destination is not enabled in the configuration")
        elif verb == "restart" or post in self._second.stopped:
            self._start([post], verb)
            self._second.scheduler.hurry(post)
        return True

    def order_all(self, *, running: bool) -> None:
        """Stop all that are enabled, or start those that are stopped."""
        if running:
            self._start(self._second.stopped, "reload")
        else:
            self._stop(list(self._enabled()))

    def _stop(self, posts: Collection[Post]) -> None:
        running = [post for post in posts if post not in self._second.stopped]
        self._set(self._second.stopped | dict.fromkeys(running, self._clock.wall()))
        self._told(running, "stop", running=False)

    def _start(self, posts: Collection[Post], why: str) -> None:
        for post in posts:
            self._second.begin_anew(post)
        self._told(posts, why, running=True)
        self._set({post: since for post, since in self._second.stopped.items() if post not in posts})

    def _set(self, stopped: dict[Post, float]) -> None:
        if stopped != self._second.stopped:
            self._second.stopped = stopped
            self._keep()
            self._follow()

    def _keep(self) -> None:
        stopped = self._second.stopped
        self._memory.keep_stopped_watchdogs({(post.stream, post.destination): at for post, at in stopped.items()})

    def _enabled(self) -> Iterator[Post]:
        """Every destination whose watchdog the configuration enables. A bare command's is nobody's to stop."""
        for name, stream in self._streams.items():
            for destination, policies in stream.posts():
                if destination and policies.watchdog.enabled:
                    yield Post(name, destination)

    def _told(self, posts: Collection[Post], why: str, *, running: bool) -> None:
        if posts:
            self._tell(events.WatchdogsSwitched(tuple(map(str, posts)), running, why))
