"""Programs that run their own FFmpeg: who has announced itself, and what neverdark is to watch of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from supervisor.model.external import Announcement, External, ExternalSnapshot, kept, recalled
from supervisor.model.snapshot import Refused
from supervisor.process.external_slot import Announced, ExternalSlot

if TYPE_CHECKING:
    from supervisor.desired.catalogue import Catalogue
    from supervisor.desired.plan import StreamSpec
    from supervisor.machine.foreign import Found
    from supervisor.machine.machine import Machine
    from supervisor.model.remembered import Memory
    from supervisor.stream.reconcile import Reconciler
    from supervisor.stream.streams import Streams

MOST = 200  # a program that announces itself by ever new names must not fill the machine
_FORGOTTEN_AFTER = 86_400.0  # seconds since its planned end


class Externals:
    """Lives on the engine's loop."""

    def __init__(
        self,
        machine: Machine,
        memory: Memory,
        catalogue: Catalogue,
        reconciler: Reconciler,
        streams: Streams,
        plan: Callable[[External], StreamSpec],
        may_run_commands: Callable[[], bool],
    ) -> None:
        """`plan` makes the stream of a program; it raises ValueError for what cannot be one."""
        self._machine = machine
        self._memory = memory
        self._catalogue = catalogue
        self._reconciler = reconciler
        self._streams = streams
        self._plan = plan
        self.may_run_commands = may_run_commands
        self._known: dict[str, External] = {}

    # --- what programs tell --------------------------------------------------------------------------

    def started(self, said: Announcement) -> External:
        """A program has started. Raises Refused, or ValueError for a URL that cannot be a destination's."""
        before = self._look_at_name(said)
        if said.recovery and said.recovery.command and not self.may_run_commands():
            raise Refused(
                "recovery.command: not allowed, because who gives it could run anything here: "
                "set external: {commands: true} in the configuration, or give a webhook"
            )
        if other := self._other_name(said):
            raise Refused(f"pid: process {said.pid} is watched as {other} already")
        found = self._machine.find_program(said.pid, said.begun)
        try:
            external = self._accepted(said, found)
        except BaseException:
            found.child.close()
            raise
        same = before is not None and before.is_process(external.pid, external.begun) and self._is_looked_at(said.name)
        self._follow({**self._known, said.name: external}, "announced")
        if same:
            found.child.close()
        elif slot := self._slot(said.name):
            slot.announce(Announced(found))
        self._reconciler.reconcile(said.name)
        return external

    def stopped(self, name: str) -> External | None:
        """A planned end: now or in a moment. None if there is no such program."""
        known = self._known.get(name)
        if known is None:
            return None
        if known.ended is None:
            self._follow({**self._known, name: known.over(self._machine.wall())}, "stopped by its owner")
        return self._known[name]

    def forget(self, name: str) -> bool:
        """Know no more of one that has ended. False if there is none. Raises Refused."""
        known = self._known.get(name)
        if known is None:
            return False
        if known.ended is None:
            raise Refused(f"{name}: still watched: tell its planned end first")
        self._follow({other: one for other, one in self._known.items() if other != name}, "forgotten")
        return True

    # --- what neverdark itself does ------------------------------------------------------------------

    def recall(self) -> None:
        """Those of an earlier neverdark, but for names that the configuration has now."""
        found: dict[str, External] = {}
        for name, body in self._memory.recall_externals().items():
            known = recalled(body)
            if known and name not in self._catalogue:
                try:
                    self._plan(known)
                except ValueError:
                    continue
                found[name] = known
        self._follow(found, "start", keep=False)  # what could not be read now may be there the next time
        for name, external in found.items():
            slot = self._slot(name)
            if slot and external.ended is None and external.boot == self._machine.boot():
                try:
                    program = self._machine.find_program(external.pid, external.begun)
                except Refused:
                    continue  # the place will find that out, and has it told
                slot.announce(Announced(program, remembered=True))

    def plan_anew(self) -> None:
        """The configuration's defaults may be others now."""
        if self._known:
            self._follow(self._known, "config", keep=False)

    def taken(self, names: Iterable[str]) -> list[str]:
        """Of these names, those by which programs are known."""
        return [name for name in names if name in self._known]

    def others_wanted(self) -> list[str]:
        """The streams that shall run and are none of these."""
        return [name for name in self._streams.wanted() if name not in self._known]

    def look(self) -> None:
        """Called every second: what ended long ago is forgotten."""
        before = self._machine.wall() - _FORGOTTEN_AFTER
        if any(one.ended is not None and one.ended < before for one in self._known.values()):
            kept_on = {name: one for name, one in self._known.items() if one.ended is None or one.ended >= before}
            self._follow(kept_on, "forgotten")

    # --- what it shows -------------------------------------------------------------------------------

    def snapshots(self) -> tuple[ExternalSnapshot, ...]:
        """All of them."""
        return tuple(self._shown(external) for external in self._known.values())

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def _shown(self, external: External) -> ExternalSnapshot:
        stream, slot = self._streams[external.name], self._slot(external.name)
        judged = stream.judge(self._machine.now())
        known = external.recovery
        recovery = None if known is None else "command" if known.command else "webhook"
        return ExternalSnapshot(
            external.name,
            external.pid,
            external.begun,
            external.since,
            external.ended,
            slot is not None and slot.alive,
            judged.on_air,
            judged.reason,
            stream.spec.destinations[0].shown_url,
            "file" if external.progress_file else "url" if external.progress_url else None,
            recovery,
            slot.recoveries if slot else 0,
            slot.last_recovery if slot else None,
        )

    # --- what it goes by -----------------------------------------------------------------------------

    def _follow(self, known: Mapping[str, External], why: str, *, keep: bool = True) -> None:
        specs = {name: self._plan(external) for name, external in known.items()}
        self._reconciler.announce(specs, why)
        self._known = dict(known)
        if keep:
            self._memory.keep_externals({name: kept(external) for name, external in known.items()})

    def _accepted(self, said: Announcement, found: Found) -> External:
        if (slot := self._rival(said, found)) and slot.child:
            raise Refused(
                f"{said.name}: process {slot.child.pid} is there still: end it first, tell its planned end, "
                "or say replace: true"
            )
        before = self._known.get(said.name)
        again = before is not None and before.is_process(said.pid, found.begun) and self._is_looked_at(said.name)
        external = External(
            said.name,
            said.pid,
            found.begun,
            self._machine.boot(),
            before.since if before and again else self._machine.wall(),
            said.destination_url,
            said.progress_file,
            said.progress_url,
            said.recovery,
        )
        self._plan(external)  # before anything is changed
        return external

    def _look_at_name(self, said: Announcement) -> External | None:
        before = self._known.get(said.name)
        if before is None and said.name in self._streams:
            raise Refused(f"{said.name}: expected another name: a stream of the configuration is called so")
        if before is None and len(self._known) >= MOST:
            raise Refused(f"{len(self._known)} programs are known: forget some of those that have ended")
        return before

    def _other_name(self, said: Announcement) -> str | None:
        for name, external in self._known.items():
            if name != said.name and external.ended is None and external.pid == said.pid and self._is_looked_at(name):
                return name
        return None

    def _rival(self, said: Announcement, found: Found) -> ExternalSlot | None:
        """The place of the program before, if that still lives and is another one."""
        known, slot = self._known.get(said.name), self._slot(said.name)
        if known is None or slot is None or said.take_over or not slot.lives:
            return None
        return None if known.is_process(said.pid, found.begun) else slot

    def _is_looked_at(self, name: str) -> bool:
        slot = self._slot(name)
        return slot is not None and slot.lives

    def _slot(self, name: str) -> ExternalSlot | None:
        stream = self._streams.get(name)
        found = next(iter(stream.slots.values()), None) if stream else None
        return found if isinstance(found, ExternalSlot) else None


def names_in_use(taken: Collection[str]) -> tuple[str, ...]:
    """Why a configuration that has these names cannot be put in force, in words."""
    return tuple(f"streams.{name}: expected another name: a program has announced itself by it" for name in taken)
