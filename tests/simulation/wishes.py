"""What shall be, as the simulation understands it: an oracle of its own, over all lives of neverdark.

Hours on air go by the clock on the wall. The last word of an operator counts before them, until it ends; while
neverdark is away, one that was given for so and so long goes by that clock, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supervisor.model.until import Ends

if TYPE_CHECKING:
    from tests.simulation.hours import Hours
    from tests.simulation.lives import End
    from tests.simulation.world import World


class Word(NamedTuple):
    """An operator's. `until` is on the clock on the wall, or, of AFTER while neverdark lives, virtual seconds."""

    wanted: bool
    ends: Ends
    until: float | None
    given: float  # virtual


class Window(NamedTuple):
    """Of maintenance; times as those of the configuration (on the wall) or of an order (virtual seconds)."""

    stream: str
    since: float
    until: float
    ordered: bool
    certain: bool = True  # False: the neverdark that it was ordered of is gone


class Wishes:
    """Of all streams. `changed` tells when it was last said or seen that something else is wanted."""

    def __init__(self, world: World) -> None:
        self.hours: dict[str, Hours] = {}
        self.changed: dict[str, float] = {}
        self.uncertain: set[str] = set()  # a word on these may not have been written down
        self.windows: list[Window] = []
        self._words: dict[str, Word] = {}
        self._known: dict[str, bool] = {}
        self._world = world

    # --- what is said ------------------------------------------------------------------------------

    def order(self, stream: str, *, wanted: bool, ends: Ends | None, seconds: float) -> None:
        """An operator's word; `ends` None: at the next switch of its hours on air, if it has any."""
        world = self._world
        ends = ends or (Ends.NEXT if stream in self.hours else Ends.NEVER)
        until: float | None = None
        if ends is Ends.NEXT:
            until = self.hours[stream].next(world.wall())
        elif ends is Ends.AFTER:
            until = world.now + seconds
        elif ends is Ends.AT:
            until = world.wall() + seconds
        self._words[stream] = Word(wanted, ends, until, world.now)
        self.uncertain.discard(stream)
        self._note(stream)

    def keep_hours(self, stream: str, hours: Hours) -> None:
        """The configuration has other hours on air: they have another next switch."""
        self.hours[stream] = hours
        word = self._words.get(stream)
        if word and word.ends is Ends.NEXT:
            self._words[stream] = word._replace(until=hours.next(self._world.wall()))
        self._note(stream)

    def _note(self, stream: str) -> None:
        self._known[stream] = self.wanted(stream)
        self.changed[stream] = self._world.now

    # --- what follows ------------------------------------------------------------------------------

    def wanted(self, stream: str) -> bool:
        """Whether it shall run now."""
        if word := self._words.get(stream):
            return word.wanted
        hours = self.hours.get(stream)
        return hours is None or hours.wanted(self._world.wall())

    def excused(self, stream: str, slack: float = 0.0) -> bool:
        """Whether it is in maintenance, or was or will be within so many seconds."""
        return any(
            one.stream == stream and one.since - slack <= self._time(ordered=one.ordered) < one.until + slack
            for one in self.windows
        )

    def surely_excused(self, stream: str, slack: float) -> bool:
        """Whether it is, and will be, and has been."""
        return any(
            one.certain
            and one.stream == stream
            and one.since + slack <= self._time(ordered=one.ordered) < one.until - slack
            for one in self.windows
        )

    def second(self) -> list[str]:
        """A second is over. Returns the streams of which something else is wanted now."""
        for stream, word in tuple(self._words.items()):
            if word.until is not None and self._time(ordered=word.ends is Ends.AFTER) >= word.until:
                del self._words[stream]
        switched = [stream for stream, known in self._known.items() if self.wanted(stream) != known]
        for stream in switched:
            self._note(stream)
        return switched

    def _time(self, *, ordered: bool) -> float:
        """What the end of a word goes by; see `Word`."""
        return self._world.now if ordered and self._world.lives.present else self._world.wall()

    # --- over the lives of neverdark ---------------------------------------------------------------

    def life_over(self, how: End) -> None:
        """What was not written down by then may be forgotten."""
        del how
        store, world = self._world.lives.latest.store, self._world
        written = store.writer.written_until if store else -1.0
        self.uncertain |= {stream for stream, word in self._words.items() if word.given > written}
        by = world.wall() - world.now
        self._words = {stream: _shifted(word, by) for stream, word in self._words.items()}
        self.windows = [_kept(one, by) if one.ordered else one for one in self.windows]

    def life_begins(self) -> None:
        """It knows what was written down, if it can read that."""
        world, store = self._world, self._world.lives.latest.store
        if store is None or store.writer.recalled is None:
            self._words, self.uncertain = {}, set()
        by = world.now - world.wall()
        self._words = {
            stream: _shifted(word, by)
            for stream, word in self._words.items()
            if word.until is None or word.until > world.wall()
        }
        self.windows = [_kept(one, by) if one.ordered else one for one in self.windows]
        self.changed = dict.fromkeys(self.changed, world.now)


def _kept(window: Window, by: float) -> Window:
    return window._replace(since=window.since + by, until=window.until + by, certain=False)


def _shifted(word: Word, by: float) -> Word:
    return word if word.ends is not Ends.AFTER or word.until is None else word._replace(until=word.until + by)
