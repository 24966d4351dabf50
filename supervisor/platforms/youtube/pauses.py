"""When YouTube may be asked for something again, after what it has answered. Pure; monotonic seconds."""

from __future__ import annotations

from typing import Final

from supervisor.platforms.youtube.delivery import CONFIRM, LOOK_SOON
from supervisor.platforms.youtube.steps import Act, Aim, Refused, Step, Trouble

LISTED: Final = 30.0  # what was made is in the lists by then
TAKES: Final = 60.0  # a transition
LATER: Final = 3600.0  # after something that is not possible for now
_LONGEST_PAUSE: Final = 3600.0
_LONGEST_WITHOUT_ROTATION: Final = 8 * LATER
_PAUSES: Final = {Refused.STREAM_INACTIVE: CONFIRM, Refused.INVALID: TAKES, Refused.UNSURE: TAKES}
Name = tuple[str, Aim | None]  # a broadcast, and the state that it is to have; of a new one, nothing
AN_INSERT: Final[Name] = ("", None)


class Pauses:
    """Of one destination."""

    def __init__(self) -> None:
        self.no_insert_before = self.no_rotation_before = float("-inf")
        self.down_until = float("-inf")  # YouTube does not permit it, and no program can change that
        self._asked: dict[Name, float] = {}  # not before then is it asked for again
        self._refusals: dict[Name, int] = {}  # in a row
        self._given_up = 0  # rotations in a row

    def until(self, name: Name, now: float) -> float:
        """When it may be asked for."""
        return self._asked.get(name, now)

    def was_refused(self, name: Name) -> bool:
        """The last time."""
        return self._refusals.get(name, 0) > 0

    def ask(self, name: Name, now: float) -> None:
        """It is asked for now, and not again before it has had the time that it takes."""
        self._asked[name] = now + TAKES

    def rotated(self) -> None:
        """A rotation has come to its end."""
        self._given_up = 0

    def give_up_rotation(self, now: float) -> None:
        """Not now; ever later where that goes on."""
        self.no_rotation_before = now + min(LATER * 2**self._given_up, _LONGEST_WITHOUT_ROTATION)
        self._given_up += 1

    def answered(self, step: Step, why: Refused, now: float) -> None:
        """YouTube has done the step, or has not, and says why."""
        name, inserts = (step.broadcast, step.to), step.act is Act.INSERT
        self._refusals[name] = self._refusals.get(name, 0) + 1 if why is not Refused.NO else 0
        again = 2 ** min(self._refusals[name] - 1, 20)
        match why:
            case Refused.STREAM_INACTIVE | Refused.INVALID | Refused.UNSURE:
                pause = LISTED if inserts else _PAUSES[why]
                self._asked[name] = now + min(pause * again, _LONGEST_PAUSE)
            case Refused.NOT_PERMITTED if step.trouble is not Trouble.NONE:
                self.down_until = now + LATER
            case Refused.LIMIT if not inserts and not step.rotation:  # over as soon as they have counted one that ended
                self._asked[name] = now + min(TAKES * again, LATER)
            case Refused.LIMIT | Refused.NOT_PERMITTED:  # or while viewers have a picture all the same
                self._asked[name] = now + (0.0 if inserts else LATER)
            case Refused.LATER:
                self._asked[name] = now + min(LOOK_SOON * again, _LONGEST_PAUSE)
            case Refused.NO | Refused.NO_MORE_INSERTS:
                pass
        if inserts and why not in {Refused.NO, Refused.UNSURE, Refused.LATER} and not gives_up(step, why):
            self.no_insert_before = now + LATER


def gives_up(step: Step, why: Refused) -> bool:
    """It was for a rotation, which is not possible for now: nothing that a repair would have to wait for."""
    return step.rotation and (why is Refused.LIMIT or (why is Refused.NOT_PERMITTED and step.trouble is Trouble.NONE))
