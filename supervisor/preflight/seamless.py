"""Whether another encoder can take over here before the one that feeds is ended: tried with real sockets. IO."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from supervisor.config.problems import ConfigWarning
from supervisor.config.shape import Config
from supervisor.machine.switch_trial import switch_trial


def no_seamless_switch(config: Config, trial: Callable[[], str] = switch_trial) -> Iterator[ConfigWarning]:
    """A warning if it does not, and there is a stream for which it matters."""
    if any(stream.source is not None for stream in config.streams.values()) and (why := trial()):
        cost = "so an encoder is ended before another one feeds, and viewers see a gap at each switch and restart"
        yield ConfigWarning(
            "streams", f"this kernel or container forbids what a switch without a gap needs ({why}); {cost}"
        )
