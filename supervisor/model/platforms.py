"""What a platform says of a destination, in words and numbers that fit every platform. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from supervisor.model.terms import Check, Trouble, Verdict

# As causes: what a platform says of what it is sent, and of what viewers see.
OF_PLATFORMS = frozenset(
    {
        Trouble.NOT_RECEIVED,
        Trouble.NOT_WELL_RECEIVED,
        Trouble.BROADCAST_NOT_LIVE,
        Trouble.BROADCAST_ENDED,
        Trouble.BROADCAST_REFUSED,
        Trouble.KEY_OF_ANOTHER,
        Trouble.PAGE_NOT_LIVE,
    }
)


class Opinion(NamedTuple):
    """What one check of a platform finds; `said` tells more, in words for people.

    `cause` is set where it is bad, and where it is not good yet: with that alone nothing begins, and nothing is over.
    """

    verdict: Verdict
    cause: Trouble | None = None
    said: str = ""


class Measure(NamedTuple):
    """One value of a metric of the platform's; `name` without the common prefix, labels besides the usual ones."""

    name: str
    value: float
    labels: Mapping[str, str] = {}


class PlatformState(NamedTuple):
    """How a destination stands at its platform.

    `address` is where viewers see it, or will; None where there is nothing, or where that is not known any more: then
    `former_address` is the latest, and `ended` when it ended. `words` are states by name, as the platform calls them.
    `exhausted`: nothing is left that a program could try. `plan` is what would be done next, in words. `account` is the
    login that it is asked with, "" where there is none. `as_of` is when the platform said all this. Times: wall clock.
    """

    platform: str
    stream: str
    destination: str
    opinions: Mapping[Check, Opinion] = {}
    address: str | None = None
    words: Mapping[str, str] = {}
    measures: tuple[Measure, ...] = ()
    exhausted: bool = False
    plan: str = ""
    account: str = ""
    former_address: str | None = None
    ended: float | None = None
    as_of: float | None = None


class LoginState(NamedTuple):
    """How a login at a platform stands. `mend` is the command that mends it, where a person has to.

    `unasked` tells why the platform cannot be asked now, empty while it can.
    """

    platform: str
    account: str
    good: bool | None
    said: str = ""
    mend: str = ""
    measures: tuple[Measure, ...] = ()
    unasked: str = ""
