"""Streams and destinations made, changed and removed by API: from an edit to streams that are so and stay so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from supervisor.config.by_api import refused
from supervisor.config.made import Joined, judge
from supervisor.config.problems import Problem, dotted
from supervisor.desired.edits import edited
from supervisor.desired.plan import StreamSpec
from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.model.edits import (
    FILE,
    Bodies,
    Body,
    Change,
    Configured,
    Edit,
    Edited,
    Invalid,
    OutOfReach,
    ProcessEffect,
    Wrong,
)
from supervisor.model.snapshot import Refused
from supervisor.secrets.bodies import hidden, revealed, sends_elsewhere
from supervisor.secrets.secrecy import HIDDEN, Redactor
from supervisor.stream.configuration import Configuration
from supervisor.stream.reconcile import Reconciler
from supervisor.stream.reload import Reload

_LOOK_SECONDS: Final = 5.0
_LOOKS: Final = 6  # between two attempts to run what is left out
_MARK: Final = (
    f"expected the value itself: {HIDDEN} stands for one that is hidden, and keeps only what stands there now"
)
_ELSEWHERE: Final = "expected the key as well: url names another server, and it is not shown to that unless you know it"


class Editor:
    """One edit at a time, and each as a whole: judged, written, put in force."""

    def __init__(
        self,
        configuration: Configuration,
        reload: Reload,
        reconciler: Reconciler,
        machine: Machine,
        tell: events.Tell,
        followed: Callable[[], None],
        is_ending: Callable[[], bool],
    ) -> None:
        """`followed` is called when other files than before are to be watched; `is_ending`: whether neverdark is."""
        self._is_ending = is_ending
        self._configuration = configuration
        self._reload = reload
        self._reconciler = reconciler
        self._machine = machine
        self._workshop = configuration.home.workshop
        self._tell = tell
        self._followed = followed
        self._alone = asyncio.Lock()

    # --- what is configured ------------------------------------------------------------------------

    def configured(self, stream: str) -> Configured | None:
        """What is configured of a stream, secrets hidden; None: there is none."""
        joined = self._configuration.joined
        origin = joined.origin(stream)
        if origin is None:
            return None
        body = self._shown(joined.file.tree["streams"][stream]) if origin == FILE else hidden(joined.made[stream])
        config = joined.config_of(stream)
        policies = {
            name: config.policies_of(stream, name).watchdog.model_dump()
            for name in (config.streams[stream].destinations if stream in config.streams else ())
        }
        return Configured(stream, origin, body, joined.problems(stream), policies)

    def _shown(self, body: Body) -> Body:
        """A body of the file, without its secrets and without those of the environment."""
        redactor = Redactor(self._configuration.loaded.variables)

        def clean(value: object) -> object:
            if isinstance(value, dict):
                return {key: clean(item) for key, item in value.items()}
            if isinstance(value, list):
                return [clean(item) for item in value]
            return redactor.clean(value) if isinstance(value, str) else value

        return {key: clean(value) for key, value in hidden(body).items()}

    # --- edits -------------------------------------------------------------------------------------

    async def edit(self, edit: Edit, *, dry_run: bool = False) -> Edited:
        """Carry out an edit, or tell what would come of it.

        Raises `Invalid`, `Refused`, `NoSuchStream`, `NoSuchDestination`, `OutOfReach`.
        """
        async with self._alone:
            self._refuse_at_the_end()
            before = self._configuration.joined
            joined, spec = await self._judged(edit, before)
            told = self._effects(edit.stream, before, joined, spec)
            if dry_run or joined.made == before.made:
                return told
            await self._write(joined.made)
            try:
                if self._configuration.joined is not before:  # the file was read meanwhile
                    joined = await self._joined_again(joined.made)
                await self._put_in_force(joined)
            except BaseException as error:
                await self._unmake(before.made)
                if isinstance(error, OSError):
                    raise OutOfReach(f"this machine has no room for it, so nothing was changed: {error}") from None
                raise
            return told

    async def _judged(self, edit: Edit, joined: Joined) -> tuple[Joined, StreamSpec | None]:
        """What would be in force instead of `joined`; nothing is changed."""
        if edit.stream not in joined.made and edit.stream in joined.file.config.streams:
            fragment = joined.file.fragments.get(edit.stream)
            file = fragment.file if fragment else self._configuration.home.file
            raise Refused(f"the stream {edit.stream!r} stands in {file}: change it there")
        if self._reload.is_announced(edit.stream):
            raise Refused(f"{edit.stream}: expected another name: a program has announced itself by it")
        if not self._configuration.made_known:
            raise OutOfReach("the database is out of reach, so it is not known which streams were made")
        made = edited(joined.made, edit)
        judged = await self._machine.in_a_thread(partial(self._judge, joined, made, edit))
        return judged, self._configuration.plan_one(judged, edit.stream)

    def _judge(self, before: Joined, made: dict[str, Body], edit: Edit) -> Joined:
        """Raises `Invalid`. Blocks."""
        name, configuration = edit.stream, self._configuration
        file, folder = before.file, configuration.folder
        if name not in made:
            return configuration.join(file, made, before)
        old = before.made.get(name, {})
        made[name], unknown = revealed(made[name], old)
        sent = {"destinations": {edit.destination: edit.body}} if edit.destination and not edit.section else edit.body
        places = [(place, _MARK) for place in unknown]
        places += [(place, _ELSEWHERE) for place in sends_elsewhere(made[name], old, sent)]
        problems = [Problem(dotted(("streams", name, *place)), None, expected) for place, expected in places]
        judged, found = judge(file, made, name, folder, before)
        problems += [*found, *refused(name, made[name], before.made.get(name), file.config, folder)]
        if not problems and self._workshop:
            problems += self._workshop.examine(judged.config_of(name), name)
        if problems:
            raise Invalid(tuple(_wrong(dict.fromkeys(problems))))
        return judged

    async def _write(self, made: Bodies) -> None:
        if self._workshop is None:
            raise OutOfReach("there is no database")
        await self._machine.in_a_thread(partial(self._workshop.shelf.make, made))

    async def _unmake(self, made: Bodies) -> None:
        """It is not in force, so it must not be after the next start."""
        with contextlib.suppress(OutOfReach):
            await self._write(made)

    async def _joined_again(self, made: Bodies) -> Joined:
        """With the file as it is in force at the end of it."""
        while True:
            before = self._configuration.joined
            joined = await self._machine.in_a_thread(partial(self._configuration.join, before.file, made, before))
            if self._configuration.joined is before:
                return joined

    async def _put_in_force(self, joined: Joined) -> None:
        """Raises OSError for want of ports, descriptors or memory, and `Refused`; then all is as before."""
        self._refuse_at_the_end()
        configuration = self._configuration
        specs = configuration.plan_change(joined, self._reconciler.specs)
        before, news = configuration.in_force, configuration.follow(joined)
        try:
            change = self._reload.follow(specs, "api")
        except BaseException:
            configuration.in_force = before
            raise
        self._followed()
        self._tell(events.StreamsEdited(*change, news))
        await self._reconciler.reconcile_in_turn(change.added)

    def _refuse_at_the_end(self) -> None:
        if self._is_ending():
            raise Refused("neverdark is stopping")

    # --- what comes of it --------------------------------------------------------------------------

    def _effects(self, stream: str, before: Joined, after: Joined, new: StreamSpec | None) -> Edited:
        old = self._reconciler.specs.get(stream)
        change: Change = "none" if old == new else "added" if old is None else "removed" if new is None else "changed"
        if change == "none" and before.made.get(stream) != after.made.get(stream):
            change = "changed" if stream in after.made or new else "removed"
        warnings = (str(one) for one in after.warnings if one.about == f"streams.{stream}")
        origin = after.origin(stream)
        shown = hidden(after.made[stream]) if stream in after.made else None
        return Edited(stream, change, origin, tuple(_changes(old, new)), tuple(warnings), shown)

    # --- later -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Called once, at the start: tell of those that do not go with the file."""
        if warnings := self._configuration.joined.warnings:
            self._tell(events.StreamsEdited((), (), (), tuple(map(str, warnings))))

    async def run_forever(self) -> None:
        """Make what was made known as soon as the database tells, and run what could not as soon as it can."""
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            looks += 1
            made = self._workshop.shelf.made() if self._workshop and not self._configuration.made_known else None
            if made is not None or (self._configuration.joined.left_out and looks % _LOOKS == 0):
                async with self._alone:
                    await self._look_again(made)

    async def _look_again(self, made: Bodies | None) -> None:
        before = self._configuration.joined
        joined = await self._joined_again(before.made if made is None else made)
        self._configuration.made_known = True
        if joined.made != before.made or joined.left_out.keys() != before.left_out.keys():
            with contextlib.suppress(OSError, Refused):  # there is no room for them now
                await self._put_in_force(joined)


def _wrong(problems: Collection[Problem]) -> list[Wrong]:
    found = sorted(problems, key=lambda problem: problem.path)
    return [Wrong(problem.path, problem.value, problem.expected) for problem in found]


def _changes(old: StreamSpec | None, new: StreamSpec | None) -> list[ProcessEffect]:
    """What becomes of each process, if the stream is wanted."""
    was = {process.key: process for process in old.processes} if old else {}
    shall = {process.key: process for process in new.processes} if new else {}
    found: list[ProcessEffect] = []
    for key in dict.fromkeys([*was, *shall]):
        before, after = was.get(key), shall.get(key)
        about = key.role, key.destination or None
        if before is None:
            found.append(ProcessEffect(*about, "starts"))
        elif after is None:
            found.append(ProcessEffect(*about, "stops"))
        elif before.argv != after.argv:
            found.append(ProcessEffect(*about, "restarts"))
        elif before != after:
            found.append(ProcessEffect(*about, "goes on with other settings"))
    return found
