"""Values of a configuration that are allowed and yet hardly meant: 3000 bits a second, a stall after 10 ms. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel

from supervisor.config.fields import text
from supervisor.config.problems import ConfigWarning
from supervisor.config.shape import Audio, Config, Video
from supervisor.config.urls import destination_scheme
from supervisor.model.destination_urls import RTMP_PORTS, rtmp_name, split
from supervisor.model.fallback import FallbackPolicy
from supervisor.model.policies import LimitsPolicy, RestartPolicy, StallPolicy, StopPolicy, UplinkPolicy, WatchdogPolicy
from supervisor.model.push_urls import PARAMETERS, goes_far, sends_unconfirmed
from supervisor.model.quantities import show_duration
from supervisor.secrets.secrecy import show_destination

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_RTMP = {"rtmp": "rtmps", "rtmps": "rtmp"}  # each with the other one


class _Usual(NamedTuple):
    """From where to where a value is usual, and what to say of one below or above that."""

    least: float
    most: float
    below: Callable[[float], str]
    above: Callable[[float], str]


def _in_thousands(value: float) -> str:
    return f"{value:g} bits a second; did you mean {value:g}k?"


def _of_megabits(what: str) -> Callable[[float], str]:
    return lambda value: f"{value / 1e6:g} megabits a second, more than {what}"


def _lasting(why: str) -> Callable[[float], str]:
    return lambda value: f"{show_duration(value)}: {why}"


_TOO_SOON = _lasting("FFmpeg tells of its progress twice a second, so healthy processes would be replaced")
_FROZEN = _lasting("for so long a process that stands still would be left alone")
_ASKED = _lasting("a server that refuses would be asked so often")
_DARK = _lasting("so long nothing would be tried")
_DARK_RUNG = _lasting("so long a source that is good again would not be shown")

_USUAL: Final[dict[tuple[type[BaseModel], str], _Usual]] = {
    (Video, "bitrate"): _Usual(64_000, 1e8, _in_thousands, _of_megabits("platforms take")),
    (Video, "keyframe_interval"): _Usual(0.2, 10, _lasting("so many keyframes cost quality"), str),
    (Audio, "bitrate"): _Usual(16_000, 1e6, _in_thousands, _of_megabits("AAC needs")),
    (LimitsPolicy, "bitrate"): _Usual(16_000, 1e8, _in_thousands, _of_megabits("streams have")),
    (LimitsPolicy, "memory"): _Usual(2.0**24, 2.0**44, lambda v: f"{v:g} bytes; did you mean {v:g}MiB?", str),
    (LimitsPolicy, "cpu"): _Usual(0.01, 32, str, lambda v: f"{v:g} cores; 4.0 = four cores, it is no percentage"),
    (StallPolicy, "timeout"): _Usual(1, 10 * _MINUTE, _TOO_SOON, _FROZEN),
    (StallPolicy, "startup"): _Usual(2, _HOUR, _lasting("hardly a process shows progress so soon"), _FROZEN),
    (UplinkPolicy, "timeout"): _Usual(1, 10 * _MINUTE, _lasting("a short jam would cost the connection"), _FROZEN),
    (WatchdogPolicy, "interval"): _Usual(1, _HOUR, _lasting("so often costs more than it tells"), _DARK),
    (RestartPolicy, "cooldown"): _Usual(1, _DAY, _ASKED, _DARK),
    (RestartPolicy, "max_delay"): _Usual(0, _HOUR, str, _DARK),
    (FallbackPolicy, "after"): _Usual(0, 10 * _MINUTE, str, _lasting("so long viewers would see nothing")),
    (FallbackPolicy, "return_after"): _Usual(2, _HOUR, _lasting("a source that comes and goes would flap"), _DARK_RUNG),
    (StopPolicy, "kill"): _Usual(
        0.1, 5 * _MINUTE, _lasting("no process ends so soon"), _lasting("a stop can take so long")
    ),
}


def doubtful_values(config: Config) -> Iterator[ConfigWarning]:
    """What is more likely a slip than meant, each said where it was written."""
    if not config.streams:
        yield ConfigWarning("streams", "none is wanted, so nothing will be on air")
    elif not any(stream.enabled for stream in config.streams.values()):
        yield ConfigWarning("streams", f"enabled: false in each of the {len(config.streams)}: nothing will be on air")
    yield from _unusual(config, "")
    yield from _doubtful_times(config)
    for name, stream in config.streams.items():
        for key, destination in stream.destinations.items():
            place, url = f"streams.{name}.destinations.{key}.url", text(destination.url)
            for doubt in _doubtful_url(url, text(destination.secret_key)):
                yield ConfigWarning(place, f"{show_destination(url)!r}: {doubt}")


def _doubtful_times(config: Config) -> Iterator[ConfigWarning]:
    """Hours of nobody knows where, and maintenance of nobody."""
    for name in config.streams:
        hours = config.schedule_of(name)
        if hours and "timezone" not in hours.model_fields_set:
            yield ConfigWarning(f"streams.{name}.schedule", "no timezone is given, so its hours are those of UTC")
    for place, window in enumerate(config.maintenance):
        for name in window.streams or ():
            if name not in config.streams:
                yield ConfigWarning(f"maintenance[{place}].streams", f"{name!r}: there is no such stream")


def _unusual(section: BaseModel, where: str) -> Iterator[ConfigWarning]:
    """Quantities beyond the usual in a section and all below it."""
    for key in sorted(section.model_fields_set):
        value, place = getattr(section, key), f"{where}.{key}".removeprefix(".")
        if isinstance(value, BaseModel):
            yield from _unusual(value, place)
        elif isinstance(value, dict):
            for name, below in value.items():
                if isinstance(below, BaseModel):
                    yield from _unusual(below, f"{place}.{name}")
        elif value is not None and (usual := _USUAL.get((type(section), key))):
            if value < usual.least:
                yield ConfigWarning(place, usual.below(value))
            elif value > usual.most:
                yield ConfigWarning(place, usual.above(value))


def _doubtful_url(url: str, key: str) -> Iterator[str]:
    """What is odd about a destination's URL that is taken as it is written, and that few servers understand."""
    scheme = destination_scheme(url)
    if scheme in PARAMETERS and sends_unconfirmed(url):
        yield "what goes there is sent, not confirmed: nothing tells whether it arrives"
    if goes_far(url):
        yield "multicast without ttl passes up to 16 routers: ttl=1 keeps it in this network"
    if scheme not in _RTMP:
        return
    application, _ = rtmp_name(url, key or None)
    if not application:
        yield f"names no application, which hardly a server takes: expected one behind the host, {scheme}://host/live"
    if key and application.partition("?")[0].rpartition("/")[2] == key:
        yield "ends with the key, which then comes twice: leave it out here"
    if "//" in application:
        yield "two slashes in a row are sent as they are; hardly a server takes them"
    other = _RTMP[scheme]
    if split(url).port == RTMP_PORTS[other]:
        yield f"port {RTMP_PORTS[other]} is usually that of {other}: did you mean {other}://?"
