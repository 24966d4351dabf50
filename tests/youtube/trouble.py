"""What goes wrong on demand, and what happens around a call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.youtube.call import Answer, Call
from tests.youtube.errors import KINDS, ApiError

Happening = Callable[[Call], object]


class DroppedError(Exception):
    """The connection is closed without an answer."""


@dataclass
class _Trouble:
    methods: str
    applied: bool  # whether the call is carried out all the same
    answer: Callable[[], Answer | None]  # None: the call's own
    left: int | None  # so many times; None: until it is cleared

    def fits(self, method: str) -> bool:
        """`liveBroadcasts.insert`, `insert` (of any), or `*`."""
        return self.methods in {"*", method} or method.endswith(f".{self.methods}")


class Troubles:
    """`method` below: `liveBroadcasts.insert`; `insert`, of anything; `oauth.token`; `page`; `*`.

    `times`: for so many calls, None for all until `clear`. `applied`: the call is carried out, only its answer suffers.
    """

    def __init__(self) -> None:
        self._all: list[_Trouble] = []
        self._happenings: list[tuple[str, _Trouble, Happening]] = []
        self._over = threading.Event()
        self._counting = threading.Lock()

    def lose_answer(self, method: str, *, applied: bool = True, times: int | None = 1) -> None:
        """The connection is closed instead of an answer."""
        self._add(method, applied, _drop, times)

    def hang(self, method: str, seconds: float = 600.0, *, applied: bool = False, times: int | None = 1) -> None:
        """No answer for so long, and then none. Ends with the fake, or with `clear`."""

        def wait() -> Answer:
            self._over.wait(seconds)
            return _drop()

        self._add(method, applied, wait, times)

    def slow(self, method: str, seconds: float, *, times: int | None = 1) -> None:
        """The call is carried out, and its answer comes late."""
        self._add(method, True, lambda: self._late(seconds), times)

    def fail(
        self,
        method: str,
        reason: str,
        *,
        code: int | None = None,
        retry_after: int | None = None,
        applied: bool = False,
        times: int | None = 1,
    ) -> None:
        """Refused with this reason: one of tests.youtube.errors.KINDS, or another word with a code; of the login's own
        words (`invalid_grant`) where that is asked."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if method.startswith("oauth."):
            refusal = ApiError(reason, code=code if code or reason in KINDS else 400)
            body = {"error": reason, "error_description": refusal.message}
            answer = Answer.of(body, refusal.code, reason)
        else:
            answer = Answer.refused(ApiError(reason, code=code), headers)
        self._add(method, applied, lambda: answer, times)

    def say(self, method: str, body: str, *, code: int = 200, applied: bool = True, times: int | None = 1) -> None:
        """Answers something else; `garbage` for short."""
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        self._add(method, applied, lambda: Answer(code, body.encode(), kind, "said by the test"), times)

    def garbage(self, method: str, *, applied: bool = True, times: int | None = 1) -> None:
        """JSON that is cut off."""
        self.say(method, '{"kind": "youtube#liveBroadc', applied=applied, times=times)

    def before(self, method: str, act: Happening, *, times: int | None = 1) -> None:
        """Done before the call is carried out."""
        self._happenings.append(("before", _Trouble(method, True, lambda: None, times), act))

    def after(self, method: str, act: Happening, *, times: int | None = 1) -> None:
        """Done after it was carried out, before it is answered: here a neverdark dies between insert and bind."""
        self._happenings.append(("after", _Trouble(method, True, lambda: None, times), act))

    def clear(self) -> None:
        """All is well again, and who hangs is let go."""
        self._all.clear()
        self._happenings.clear()
        self._over.set()
        self._over = threading.Event()

    # The server

    def take(self, method: str) -> _Trouble | None:
        """That of this call."""
        return next((trouble for trouble in list(self._all) if trouble.fits(method) and self._used(trouble)), None)

    def happen(self, when: str, call: Call) -> None:
        """What shall be done around it."""
        for at, trouble, act in list(self._happenings):
            if at == when and trouble.fits(call.name) and self._used(trouble):
                act(call)

    def _add(self, methods: str, applied: bool, answer: Callable[[], Answer | None], times: int | None) -> None:  # noqa: FBT001
        self._all.append(_Trouble(methods, applied, answer, times))

    def _used(self, trouble: _Trouble) -> bool:
        with self._counting:
            if trouble.left == 0:
                return False
            if trouble.left is not None:
                trouble.left -= 1
            return True

    def _late(self, seconds: float) -> None:
        self._over.wait(seconds)


def _drop() -> Answer:
    raise DroppedError
