"""What the runs of one encoder have found out about its source, and the command line that is made for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from supervisor.desired.plan import ProcessSpec
from supervisor.ffmpeg.failure import Failure
from supervisor.ffmpeg.listening import LEFT, TURNED_AWAY, was_no_publisher
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits, remembered
from supervisor.ffmpeg.parameters import Parameters, picture
from supervisor.ffmpeg.sources import lacks_picture, waiting_for_picture
from supervisor.ffmpeg.tracks import Tracks
from supervisor.judge.rhythm import Rhythm
from supervisor.judge.source_clock import SourceClock
from supervisor.judge.source_watch import Learned, SourceWatch
from supervisor.model.terms import ExitCause
from supervisor.model.thresholds import FFMPEG_FIRST_SHARE


class SourceSide:
    """Lives with the place of one encoder, through all of its runs."""

    def __init__(self, spec: ProcessSpec, adapted: Callable[[Traits], tuple[str, ...]]) -> None:
        """`adapted` makes the encoder's command line for what is known of its source."""
        self.clock = SourceClock()
        self.tracks: Tracks | None = None  # of the list that is played, if one is
        self._adapted = adapted
        self.renew(spec)

    def renew(self, spec: ProcessSpec) -> None:
        """It reads something else, or in another way: what was found out may not be so."""
        self.rhythm = Rhythm() if spec.in_pieces else None
        if bool(self.tracks) is not spec.plays_list:
            self.tracks = Tracks() if spec.plays_list else None
        self.watch = SourceWatch(sound=spec.takes_sound, copied=spec.copies_picture)
        self._spec = spec
        self._argv: tuple[str, ...] | None = None  # made for what the runs before have found out
        self._late_picture = False  # the source shows its picture later than FFmpeg waits for by itself
        self._began = 0.0  # the latest run
        self._came: float | None = None  # when its source was there, of one that comes by itself
        self._turned_away = False  # who came was not who is awaited

    def begin_run(self, now: float) -> None:
        """A new run opens the source anew."""
        self.clock.begin_run(now)
        self.watch.begin_run()
        self._began, self._came, self._turned_away = now, None, False

    def go_on_beside(self, now: float) -> None:
        """A run has opened the source while another one still read it: what it said of it is known."""
        self.clock.begin_run(now, seen=False)

    def go_on(self, now: float, learned: Any) -> None:
        """A run is taken over, and with it what the runs before it had found out."""
        self.clock.begin_run(now, seen=False)
        self.watch.traits = remembered(learned)
        if self.watch.traits != NOTHING_KNOWN:
            self._argv = self._adapted(self.watch.traits)
        if gap := self.watch.usual_gap:
            self.rhythm = Rhythm(max(gap, Rhythm.FIRST) if self._spec.in_pieces else gap)

    @property
    def learned(self) -> Traits:
        """What is known of it."""
        return self.watch.traits

    def words(self, once: Sequence[str] | None, startup: float) -> Sequence[str]:
        """The command line of the next run; `once` is another one, for that run alone."""
        words = once or self._argv or self._spec.argv
        return waiting_for_picture(words, FFMPEG_FIRST_SHARE * startup) if self._late_picture else words

    # --- what is found out -------------------------------------------------------------------------

    def heed(self, line: bytes, now: float) -> tuple[bool, bool]:
        """Look at a line of FFmpeg's: whether it is not for people, and whether `look` should come at once."""
        ours = self.watch.heed(line, now)
        if self._came is None and self._spec.awaits and self.watch.opened:
            self._came = now
        return ours, self.watch.due

    def look(self, now: float, *, advanced: bool) -> Learned | None:
        """What is known now that was not. One that is to be replaced for it has another command line from now on."""
        learned = self.watch.look(now, advanced=advanced)
        if learned is None:
            return None
        if gap := self.watch.usual_gap:
            self.rhythm = Rhythm(max(gap, Rhythm.FIRST) if self._spec.in_pieces else gap)
        before = self._argv or self._spec.argv
        self._argv = self._adapted(self.watch.traits)
        return None if learned.replace and self._argv == before else learned

    def see(self, parameters: Parameters) -> None:
        """The media that the encoder makes of it tells what the picture is."""
        if self.watch.traits.picture is None and (shown := picture(parameters)):
            self.watch.see(shown)
            self._argv = self._adapted(self.watch.traits)

    def hope(self) -> None:
        """Begin afresh with the source's sound."""
        if self.watch.note:
            self.watch.hope()
            self._argv = self._adapted(self.watch.traits)

    def has_patience(self, said: Sequence[str]) -> bool:
        """Whether a run that saw no picture is followed by one that waits longer for it: once for each source."""
        late = not self._late_picture and lacks_picture(self._spec.argv, said)
        self._late_picture = self._late_picture or late
        return late

    # --- a source that comes by itself -------------------------------------------------------------

    @property
    def awaited(self) -> str | None:
        """Where a publisher is awaited, in words, as long as none is there."""
        return self._spec.awaits if self._came is None else None

    def turn_away(self) -> str | None:
        """Who came is not who is awaited: in words what is done about it, the first time that this run says so."""
        if not self._spec.awaits or not self._spec.keyed or self._turned_away:
            return None
        self._turned_away = True
        return TURNED_AWAY

    def explained(self, failure: Failure) -> tuple[Failure, bool]:
        """Why a run ended that has listened, and whether it failed at nothing: then the next one listens at once."""
        if not self._spec.awaits:
            return failure, False
        if self._turned_away:
            return Failure(ExitCause.SOURCE_REFUSED, TURNED_AWAY), True
        if self._came is None:
            return failure, was_no_publisher(failure)
        if failure.cause in {ExitCause.SOURCE_UNREACHABLE, ExitCause.SOURCE_ENDED}:
            return replace(failure, cause=ExitCause.SOURCE_ENDED, said=LEFT, refusal=None), False
        return failure, False

    @property
    def note(self) -> str | None:
        """What its owner should know, for as long as it lasts."""
        return self.watch.note

    def patience(self, now: float) -> float:
        """Seconds that a start may take longer, for the source has little to show, or is not there yet."""
        waited = (now if self._came is None else self._came) - self._began if self._spec.awaits else 0.0
        return waited + self.watch.patience(now)
