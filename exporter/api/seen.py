"""What a platform says of each destination, as the answers of /api/streams show it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from exporter.api.shape import show_time
from supervisor.model.platforms import LoginState, PlatformState
from supervisor.model.snapshot import Snapshot
from supervisor.model.terms import Verdict

Seen = Mapping[tuple[str, str], Mapping[str, Any]]
_WORST_FIRST: Final = (Verdict.UNHEALTHY, Verdict.DEGRADED, Verdict.HEALTHY)
_SHOWN: Final = ("stream", "health", "broadcast", "page")


def seen_at_platforms(snapshot: Snapshot) -> Seen:
    """Fields of a destination, by its stream and name; empty where no destination says what it is at a platform."""
    logins = {(one.platform, one.account): one for one in snapshot.logins}
    return {
        (one.stream, one.destination): {
            "watch_url": one.address,
            "platform": _shown(one, logins.get((one.platform, one.account))),
        }
        for one in snapshot.platforms
    }


def _shown(state: PlatformState, login: LoginState | None) -> dict[str, Any]:
    verdicts = {opinion.verdict for opinion in state.opinions.values()}
    mend = login.mend if login else ""
    return {
        "platform": state.platform,
        "verdict": next((one for one in _WORST_FIRST if one in verdicts), Verdict.UNKNOWN),
        "said": "; ".join(_sentences(state, login.said if login and mend else None, login.unasked if login else "")),
        "exhausted": state.exhausted,
        "mend": mend,
        "former_url": state.former_address,
        "ended": show_time(state.ended),
        "as_of": show_time(state.as_of),
    }


def _sentences(state: PlatformState, refused: str | None, unasked: str) -> Iterator[str]:
    """What is wrong first. `refused`: why the login does not work; `unasked`: why nothing can be asked."""
    if refused is not None:
        yield f"somebody has to log in again ({refused.replace('_', ' ')})"
    told = dict.fromkeys(one.said for one in state.opinions.values() if one.said and one.verdict is not Verdict.UNKNOWN)
    yield from told
    words = ", ".join(f"{name} {state.words[name].replace('_', ' ')}" for name in _SHOWN if name in state.words)
    if state.words.get("trouble") == "not_read":
        why = f" ({unasked})" if unasked else ""
        yield f"it cannot be asked now{why}{f', before: {words}' if words else ''}"
    else:
        yield words or "nothing is known yet"
