"""What YouTube's ingest makes of what we send: not active though we send, or active and not well. Pure.

Nothing of this is mended by another broadcast.
"""

from __future__ import annotations

from typing import Final

from supervisor.platforms.youtube.model import HealthStatus, LiveStream, Severity, StreamStatus
from supervisor.platforms.youtube.since import Since
from supervisor.platforms.youtube.steps import Act, Step, Trouble

CONFIRM: Final = 15.0  # what may be a lag of lists is believed after so long
LOOK_SOON: Final = 5.0
SOON_FOR: Final = 300.0  # what is new is looked at often for so long
RESTART_EVERY: Final = 600.0
TAKES_UP: Final = 180.0  # what comes over a new connection is received by then
_COMPLAINTS: Final = 3  # looks in a row


class Delivery:
    """Of one destination. Monotonic seconds."""

    def __init__(self, poll: float) -> None:
        self._poll = poll
        self._since = Since()
        self._done: dict[Act, float] = {}
        self._complaints = 0  # looks in a row
        self._compared = self._wrong_key = False  # in this outage
        self._restarted = False  # in this outage
        self.confirmed = False  # what is sent is not received, and not only because it has just begun
        self.elsewhere = False  # there may be another address for it

    def not_sending(self) -> None:
        """Of what is not sent, nothing can be said."""
        self._since.forget("inactive")
        self.confirmed = False
        self._complaints = 0

    def inactive(self, stream: LiveStream, now: float) -> Step | None:
        """What is to be done because the ingest does not receive what we send; None: it does.

        It is believed at the second look. Then our key is compared with the stream's, once, and if it is the right one
        the connection is made anew, which may lead to another server of theirs; where that does not help, it is made to
        another address, and so on in turn.
        """
        if stream.status is StreamStatus.UNKNOWN:
            return Step(Act.LOOK, Trouble.NOT_READ, self._poll)
        gone = stream.status is not StreamStatus.ACTIVE or stream.health is HealthStatus.NO_DATA
        lasted = self._since.see("inactive", now, seen=gone)
        self.confirmed = lasted >= CONFIRM
        if not gone:
            self.forget_key()
            self._restarted = False
            return None
        if self._wrong_key:
            return Step(Act.LOOK, Trouble.WRONG_KEY, self._poll)
        if self.confirmed and not self._compared:
            self._compared = True
            return Step(Act.COMPARE_KEY, Trouble.STREAM_INACTIVE, LOOK_SOON)
        act = self._remedy(now) if self.confirmed else Act.LOOK
        # At this pace a day's units would not last for a day.
        return Step(act, Trouble.STREAM_INACTIVE, CONFIRM if lasted < SOON_FOR else max(CONFIRM, self._poll))

    def _remedy(self, now: float) -> Act:
        """A new connection, as often as is sensible."""
        act = Act.OTHER_ADDRESS if self.elsewhere and self._restarted else Act.RESTART_PUSHER
        anew, away = (self._done.get(one, float("-inf")) for one in (Act.RESTART_PUSHER, Act.OTHER_ADDRESS))
        follows = act is Act.OTHER_ADDRESS and anew > away
        if now - max(anew, away) < (TAKES_UP if follows else RESTART_EVERY):
            return Act.LOOK
        self._done[act] = now
        self._restarted = True
        return act

    def compared(self, *, matches: bool | None) -> None:
        """Whether our key leads to the stream; None: nobody knows."""
        self._wrong_key = matches is False

    def forget_key(self) -> None:
        """It may be another one now."""
        self._compared = self._wrong_key = False

    def unhealthy(self, stream: LiveStream, now: float) -> Step | None:
        """What is to be done because the ingest complains; None: it does not, or has only begun to."""
        severities = {issue.severity for issue in stream.issues}
        bad = stream.health is HealthStatus.BAD
        if not bad and not severities & {Severity.WARNING, Severity.ERROR}:
            self._complaints = 0
            return None
        self._complaints += 1
        if self._complaints < _COMPLAINTS:
            return None
        act = Act.LOOK
        # Once for each time that it falls ill: what a restart has not mended, the next one does not mend either.
        grave = bad and Severity.ERROR in severities
        if grave and self._complaints == _COMPLAINTS and self._is_due(Act.RESTART_ENCODER, now):
            act = Act.RESTART_ENCODER
            self._done[act] = now
        return Step(act, Trouble.UNHEALTHY, self._poll)

    def _is_due(self, act: Act, now: float) -> bool:
        return act not in self._done or now - self._done[act] >= RESTART_EVERY
