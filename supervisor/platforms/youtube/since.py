"""How long something has been seen without a break. Pure; monotonic seconds."""

from __future__ import annotations


class Since:
    """Of several things, by name."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}

    def see(self, name: str, now: float, *, seen: bool = True) -> float:
        """Seconds since it was first seen; 0 if it is not seen now."""
        if not seen:
            self._first.pop(name, None)
            return 0.0
        return now - self._first.setdefault(name, now)

    def forget(self, name: str) -> None:
        """It begins anew."""
        self._first.pop(name, None)

    def keep_only(self, begins: str, name: str) -> None:
        """Of those whose names begin so, let go of all but one."""
        for other in [other for other in self._first if other.startswith(begins) and other != name]:
            del self._first[other]
