"""How long a token has to wait until it is looked at: not at all, unless many wrong ones came of late. Pure.

Each address has a wait of its own, so nobody who guesses can hold up the owner somewhere else. Behind one address, a
proxy's, there may be both: so no wait is long, and nobody is shut out.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

_FREE: Final = 5  # wrong tokens that cost nothing: anybody may mistype one
_FIRST_STEP: Final = 0.1  # seconds between two tokens after that; doubled by each wrong one
_LONGEST_STEP: Final = 1.0
LONGEST_WAIT: Final = 3.0  # seconds; the owner's own token may wait in the same queue
MOST_WAITING: Final = 64  # of one address
MOST_WAITING_OF_ALL: Final = 128  # each holds a connection
_FORGOTTEN: Final = 60.0  # seconds without a wrong token
MOST_ADDRESSES: Final = 1024
TOLD_AGAIN: Final = 3600.0  # seconds
_NETWORK: Final = 64  # bits of an IPv6 address that tell whose it is; the rest, one machine may choose as it likes
OTHERS: Final = "others"


class Brake:
    """One queue for all tokens, right or wrong: nobody can tell a wrong one by how long its answer takes.

    `now` is monotonic seconds.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.told = -TOLD_AGAIN
        self.untold = 0
        self.latest = 0.0  # of the wrong ones
        self._wrong = 0
        self._turn = 0.0  # of the last one in the queue

    def wait(self, now: float) -> float | None:
        """Seconds until the turn of one more; None when too many wait."""
        step = self._step(now)
        if not step:
            return 0.0
        if self.waiting >= MOST_WAITING:
            return None
        self._turn = min(max(self._turn, now) + step, now + LONGEST_WAIT)
        return self._turn - now

    def refused(self, now: float) -> int:
        """A token was wrong. Returns how many were since that was last told; 0 if it need not be told now."""
        self._wrong = self._wrong + 1 if now - self.latest < _FORGOTTEN else 1
        self.latest = now
        self.untold += 1
        if now - self.told < TOLD_AGAIN:
            return 0
        times, self.told, self.untold = self.untold, now, 0
        return times

    def _step(self, now: float) -> float:
        if self._wrong <= _FREE or now - self.latest >= _FORGOTTEN:
            return 0.0
        return float(min(_FIRST_STEP * 2.0 ** min(self._wrong - _FREE - 1, 10), _LONGEST_STEP))


class Brakes:
    """A brake for each address that has tried wrong tokens, and one for those beyond `MOST_ADDRESSES` together."""

    def __init__(self) -> None:
        self.waiting = 0  # of all
        self._known: dict[str, Brake] = {}
        self._others = Brake()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, address: str) -> Brake:
        """The one that holds for `address` now; of one that has done nothing wrong it is a new one, that holds nobody.

        While all places are taken by others that one is shared: who has ten thousand addresses guesses no faster.
        """
        if (known := self._known.get(whose(address))) is not None:
            return known
        return self._others if len(self._known) >= MOST_ADDRESSES else Brake()

    def refused(self, address: str, now: float) -> tuple[str, int]:
        """A token from `address` was wrong: whose that is to be called, and `Brake.refused`."""
        name = whose(address)
        if name not in self._known and len(self._known) >= MOST_ADDRESSES:
            self._forget(now)
        if name in self._known or len(self._known) < MOST_ADDRESSES:
            return name, self._known.setdefault(name, Brake()).refused(now)
        return OTHERS, self._others.refused(now)

    def _forget(self, now: float) -> None:
        """Those that have been quiet for so long that they would be told of again."""
        for name in [name for name, brake in self._known.items() if now - brake.latest >= TOLD_AGAIN]:
            del self._known[name]


def whose(address: str) -> str:
    """The address, or the network that one machine has to itself."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return str(found)
    return f"{IPv6Address(int(found) >> _NETWORK << _NETWORK)}/{_NETWORK}"
