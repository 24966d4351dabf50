"""The file's configuration, at the start and again: from what it says to streams that are so."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.config.watch import Outcome
from supervisor.desired.catalogue import Change
from supervisor.desired.environment import Environments
from supervisor.desired.plan import StreamSpec
from supervisor.model import events
from supervisor.stream.configuration import Configuration, Fresh, Read
from supervisor.stream.externals import Externals, names_in_use
from supervisor.stream.maintaining import Maintaining
from supervisor.stream.reconcile import Reconciler


class Reload:
    """Called to read the file again; see `config.watch.Reload`."""

    def __init__(
        self,
        configuration: Configuration,
        read: Callable[[], Read],
        environments: Environments,
        reconciler: Reconciler,
        maintaining: Maintaining,
        externals: Externals,
        tell: events.Tell,
    ) -> None:
        """`read` reads the file; it blocks."""
        self._configuration = configuration
        self._read = read
        self._environments = environments
        self._reconciler = reconciler
        self._maintaining = maintaining
        self._externals = externals
        self._tell = tell

    async def __call__(self, *, asked: bool, allow_removal: bool) -> Outcome:
        """Put the file's configuration in force, or reject it; that is told if it is news."""
        configuration = self._configuration
        file = configuration.home.file
        spare = None if allow_removal else self._of_the_file
        found = await configuration.read_again(self._read, spare, self._reconciler.switched_off)
        if isinstance(found, Fresh) and (taken := self._externals.taken(found.specs)):
            found = names_in_use(taken)
        if not isinstance(found, Fresh):
            rejected = events.ConfigRejected(file, found)
            if configuration.refuse(found) or asked:
                self._tell(rejected)
            return rejected
        if self._reconciler.ending:
            return events.ConfigRejected(file, ("neverdark is stopping",))
        before, need_restart = configuration.in_force, configuration.accept(found)
        try:
            change = self.follow(found.specs, "config")
        except BaseException:
            configuration.in_force = before
            raise
        self._externals.plan_anew()
        told = events.ConfigReloaded(file, *change, need_restart, found.warnings)
        self._tell(told)
        await self._reconciler.reconcile_in_turn(change.added)
        return told

    def _of_the_file(self) -> list[str]:
        made = self._configuration.joined.made
        return [name for name in self._externals.others_wanted() if name not in made]

    def is_announced(self, name: str) -> bool:
        """Whether a program has announced itself by this name."""
        return name in self._externals

    def prepare(self, specs: dict[str, StreamSpec]) -> None:
        """Make the environments that these streams ask for."""
        commands = [name for name, spec in specs.items() if spec.is_command]
        self._environments.follow(commands, self._configuration.loaded.named)

    def follow(self, specs: dict[str, StreamSpec], why: str) -> Change:
        """The configuration in force asks for these streams; new ones are still to be started."""
        self.prepare(specs)
        # Made by API before a program took the name, and known only now that the database is back: later, or never.
        specs = {name: spec for name, spec in specs.items() if not self.is_announced(name)}
        change = self._reconciler.follow(specs, why, self._configuration.joined.made)
        self._maintaining.plan(self._configuration.maintenance())
        return change
