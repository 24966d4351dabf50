"""One attempt to have somebody else's program started again: a command of the owner's, or a webhook."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from supervisor.machine.foreign import reap_alone
from supervisor.model import events

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from supervisor.machine.process import Child
    from supervisor.model.terms import RestartReason
    from supervisor.process.external_slot import ExternalSlot


class Attempt:
    """Lives on the engine's loop. What it starts is the owner's: it carries no mark of ours, and outlives us."""

    def __init__(self, slot: ExternalSlot, number: int, reason: RestartReason) -> None:
        self._slot = slot
        self._number = number
        self._reason = reason
        self._recovery = slot.external.recovery
        self._program = slot.external.pid, slot.external.begun
        self._child: Child | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._over = False

    def begin(self) -> None:
        """Carry it out."""
        known, slot = self._recovery, self._slot
        if known is None or self._over:
            return
        slot.host.tell(
            events.RecoveryOrdered(
                slot.key, self._reason, "a command is run" if known.command else "a webhook is called"
            )
        )
        if known.command:
            self._run(known.command, known.timeout)
        else:
            self._task = slot.host.loop.create_task(self._call(known.webhook, known.timeout))

    @property
    def pid(self) -> int | None:
        """Of the command, while it runs."""
        return self._child.pid if self._child else None

    def confirmed(self) -> None:
        """A program has been announced: what the command does from here on is its own business."""
        self._slot.last_recovery = "confirmed"
        self._over = True
        self._forget()

    def give_up(self) -> None:
        """It has taken too long, or is not wanted any more: a command that has announced nothing is ended."""
        child, self._over = self._child, True
        if child:
            child.signal_group(signal.SIGKILL)
        if self._task:
            self._task.cancel()
        self._forget()

    # --- a webhook ---------------------------------------------------------------------------------

    async def _call(self, url: str, seconds: float) -> None:
        self._answer(await self._slot.host.machine.call_webhook(url, self._told(), seconds))

    # --- a command ---------------------------------------------------------------------------------

    def _run(self, argv: tuple[str, ...], timeout: float) -> None:
        slot, host = self._slot, self._slot.host
        if not host.may_run_commands():
            self._answer("not carried out: the configuration does not allow commands (external: commands: true)")
            return
        told = {f"NEVERDARK_{name.upper()}": str(value or "") for name, value in self._told().items()}
        environment = {**host.environments.of_programs, **told}
        try:
            self._child = child = host.machine.spawn(
                list(argv), environment, slot.reports.output.outlet.fd, {}, host.file_limits
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            self._answer(slot.reports.output.clean(f"the command cannot be started: {reason or 'it cannot be used'}"))
            return
        host.loop.add_reader(child.pidfd, self._ended)
        self._timer = host.loop.call_later(timeout, self._late, timeout)

    def _ended(self) -> None:
        """It has done what it does. What it has started lives on: that is what it is for."""
        child = self._child
        assert child is not None
        how = reap_alone(child)
        words = f"exit code {how.code}" if how.signal is None else f"signal {how.signal}"
        self._forget()
        self._answer(None if how.code == 0 else f"the command failed ({words})")

    def _late(self, timeout: float) -> None:
        self._timer = None
        self._answer(f"the command was not done within {timeout:g} s, and was ended")

    # --- both --------------------------------------------------------------------------------------

    def _told(self) -> Mapping[str, Any]:
        """What whoever starts it again is told."""
        slot = self._slot
        open_incident = slot.host.book.open.of(slot.key)
        return {
            "name": slot.key.stream,
            "reason": str(self._reason),
            "segment": str(slot.segment),
            "cause": str(slot.last_cause or ""),
            "said": slot.last_said or "",
            "incident": open_incident.id if open_incident else None,
            "attempt": self._number,
            "pid": self._program[0],
            "start_time": self._program[1],
        }

    def _answer(self, error: str | None) -> None:
        if self._over:
            return
        self._slot.last_recovery = error or "taken"
        self._slot.host.tell(events.RecoveryAnswered(self._slot.key, error))
        if error:
            self._slot.attempt_failed(self)

    def _forget(self) -> None:
        child, self._child = self._child, None
        if self._timer:
            self._timer.cancel()
        if child:
            host = self._slot.host
            host.loop.remove_reader(child.pidfd)
            child.close()
