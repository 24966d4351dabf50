"""Why the runs of one place have failed, as far as it is known."""

from __future__ import annotations

import errno
from collections.abc import Mapping

from supervisor.ffmpeg.phrases import CERTIFICATE, OF_CERTIFICATES
from supervisor.judge.attribution import FailureEvidence, segment_of
from supervisor.model.snapshot import LastFailure
from supervisor.model.terms import EXITS_OF, Cause, ExitCause, Role, Segment


class Failures:
    """Lives with the place of one process, through all of its runs. What is kept here is written here alone."""

    def __init__(self, role: Role) -> None:
        self.exits: Mapping[ExitCause, int] = dict.fromkeys(EXITS_OF[role], 0)
        self.uncounted: ExitCause | None = None  # why a run has ended, until that is told
        self.cause: Cause | None = None  # of the last failure, until it is over
        self.said: str | None = None  # more than the cause tells, in words for people
        self.evidence = FailureEvidence(role)  # of the last failure
        self.last: LastFailure | None = None
        self._certificate: str | None = None  # why it was not accepted, as far as somebody has looked

    @property
    def segment(self) -> Segment:
        """The segment to which the last failure points; without one, the process' own."""
        return segment_of(self.evidence._replace(cause=self.cause))

    def blame(self, cause: Cause, said: str | None = None) -> None:
        """It has failed for this."""
        self.cause, self.said = cause, said

    def weigh(self, evidence: FailureEvidence) -> None:
        """This is what is known of the last failure."""
        self.evidence = evidence

    def count(self, cause: ExitCause) -> None:
        """A run has ended, or could not be started."""
        self.uncounted = None
        self.exits = {**self.exits, cause: self.exits.get(cause, 0) + 1}

    def count_on(self, exits: Mapping[str, int]) -> None:
        """Go on from what an earlier neverdark has counted."""
        known = {ExitCause(name): count for name, count in exits.items() if name in self.exits}
        self.exits = {**self.exits, **known}

    def show(self, last: LastFailure) -> None:
        """What people are to see of the last failure."""
        self.last = last

    def want_of_memory(self) -> None:
        """Whoever killed it was the kernel."""
        if self.cause is ExitCause.KILLED:
            self.cause = ExitCause.OUT_OF_MEMORY

    def forgive(self) -> None:
        """What has failed before has nothing to do with what comes now."""
        self.cause = None

    def end(self) -> None:
        """Whatever it was, it is over: media advances."""
        self.cause = self._certificate = None

    # --- certificates ------------------------------------------------------------------------------

    def in_full(self, said: str | None) -> str | None:
        """The words of a failure, or those that tell more."""
        return self._certificate if self._certificate and said == CERTIFICATE else said

    def explain(self, said: str) -> bool:
        """Why the ingest's certificate is not accepted. Returns whether that is what failed last."""
        self._certificate = said
        if self.said not in OF_CERTIFICATES:
            return False
        self.said = said
        if self.last:
            self.last = self.last._replace(said=said)
        return True

    def forget_certificate(self) -> None:
        """It is another command line, and perhaps another ingest."""
        self._certificate = None


def why_not_started(error: OSError | ValueError, role: Role) -> tuple[ExitCause, str]:
    """The cause, and the reason in words, when a program could not be started."""
    code = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "the command line cannot be used"
    if code in {errno.EAGAIN, errno.ENOMEM}:
        return ExitCause.OUT_OF_MEMORY, reason
    if code == errno.ENOSPC:
        return ExitCause.DISK_FULL, reason
    if code in {errno.EMFILE, errno.ENFILE}:
        return ExitCause.OTHER, reason
    return ExitCause.BAD_ARGUMENTS if role is Role.COMMAND else ExitCause.ENCODER_MISSING, reason
