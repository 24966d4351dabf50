"""What only `check` looks for, because it takes time or asks others: FFmpeg, name servers, cameras, the port. IO.

Nothing is published and no stream is read. All looks go on at once; those at the network have a second and a half
together, and what no answer came to is a warning. A start or a reload does none of this.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Final, NamedTuple

from supervisor.config.fields import text
from supervisor.config.listening import TRANSPORTS
from supervisor.config.problems import ConfigWarning, Problem, near
from supervisor.config.shape import Config, Source, Video
from supervisor.ffmpeg.sources import ServerPlace, SourceKind, kind_of, source_place
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.model.destination_urls import split
from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.preflight.database import look_at_database
from supervisor.preflight.fallback import SLATE_PATIENCE, last_rungs
from supervisor.preflight.playlists import look_at_list
from supervisor.preflight.trial import refused_chain, refused_graph, refused_option, refused_overlay
from supervisor.preflight.youtube import backup_addresses, needs
from supervisor.probes.names import literal
from supervisor.probes.source import reach_source
from supervisor.probes.together import together

_PATIENCE: Final = 1.5  # seconds for all looks at the network together
_TRIAL_PATIENCE: Final = 15.0  # for all of FFmpeg's: a tenth of a second each, unless the machine is busy
_DATABASE_PATIENCE: Final = 6.0  # for a server of which nobody answers, PostgreSQL's client takes three
_CONNECT: Final = 1.0
_ANSWER: Final = 0.8
_AT_ONCE: Final = 64
_TRIALS_AT_ONCE: Final = 4
_LIKE: Final = 0.85  # hosts of one kind are all a little like each other

# Where much of the world publishes: a name that is nearly one of these is a slip.
_INGESTS: Final = (
    *("a.rtmp.youtube.com", "b.rtmp.youtube.com", "a.rtmps.youtube.com", "b.rtmps.youtube.com"),
    *("live.twitch.tv", "ingest.global-contribute.live-video.net", "live-api-s.facebook.com"),
    *("rtmp-global.cloud.vimeo.com", "live.restream.io", "dc4-1.rtmp.t.me"),
)

_UNREACHABLE: Final = {
    Reach.REFUSED: "nobody listens there now",
    Reach.TIMEOUT: "it does not answer now",
    Reach.NO_ROUTE: "this machine knows no way there now",
    Reach.SILENT: "it lets us connect and then says nothing",
    Reach.CLOSED: "it lets us connect and then hangs up",
}

_Found = Problem | ConfigWarning
_Question = Callable[[], _Found | None]


class Findings(NamedTuple):
    """What keeps a stream from ever being on air here, what may be otherwise a minute later, and what is proved."""

    problems: list[Problem]
    warnings: list[ConfigWarning]
    proved: tuple[str, ...] = ()


def checkup(config: Config, binary: Binary) -> Findings:
    """Look at all that can be looked at without publishing; of the network, for a second and a half at most."""
    trials, looks = dict(_trials(config, binary)), dict(_looks(config))
    kept: dict[str, _Question] = {_key_of_database(config): partial(look_at_database, config)}
    # The looks at the network mostly wait, the trials mostly work: neither is to be late because of the other.
    parts: dict[str, Callable[[], dict[str, _Found | None]]] = {
        "trials": partial(together, trials, _TRIAL_PATIENCE, _TRIALS_AT_ONCE),
        "looks": partial(together, looks, _PATIENCE, _AT_ONCE),
        "kept": partial(together, kept, _DATABASE_PATIENCE, 1),
    }
    last = partial(last_rungs, config, binary, SLATE_PATIENCE)
    with ThreadPoolExecutor(1) as slates:
        shown = slates.submit(last)
        answers = together(parts, _TRIAL_PATIENCE + 1, len(parts))
    found = answers.get("trials", {}) | answers.get("looks", {}) | answers.get("kept", {})
    told = [what for place in (*trials, *looks, *kept) if (what := found.get(place))]
    silent = ((trials, "FFmpeg has not answered"), (looks, "no answer; is there a name server?"), (kept, "no answer"))
    for of, nobody in silent:
        if waiting := [place for place in of if place not in found]:
            more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
            told.append(ConfigWarning(waiting[0] + more, nobody))
    rungs = shown.result()
    return Findings(
        [*(what for what in told if isinstance(what, Problem)), *rungs.problems],
        [*(what for what in told if isinstance(what, ConfigWarning)), *rungs.warnings],
        (*rungs.proved, *needs(config), *backup_addresses(config)),
    )


def _key_of_database(config: Config) -> str:
    return "database_url" if config.database_url else "data_dir"


# --- what FFmpeg says ------------------------------------------------------------------------------


def _trials(config: Config, binary: Binary) -> Iterator[tuple[str, _Question]]:
    """Each different list of options and each different graph once."""
    tried: set[tuple[str, ...]] = set()
    for name, stream in config.streams.items():
        if stream.source is not None:
            yield from _of_video(f"streams.{name}.video", stream.video, binary)
        for of, source in stream.sources.items():
            place, options = f"streams.{name}.{of}", tuple(text(word) for word in source.options)
            if source.playlist:
                videos = of != "audio.source" and stream.video.generate is None
                yield f"{place}.playlist", partial(look_at_list, place, source, binary, videos=videos)
            if options and options not in tried:
                yield f"{place}.options", partial(_option, f"{place}.options", binary, options)
            graph = ("lavfi", text(source.url))
            if kind_of(source) is SourceKind.LAVFI and not options and graph not in tried:
                yield f"{place}.url", partial(_graph, f"{place}.url", binary, graph[1])
            tried |= {options, graph}


def _of_video(place: str, video: Video, binary: Binary) -> Iterator[tuple[str, _Question]]:
    if video.filters:
        yield f"{place}.filters", partial(_refused, f"{place}.filters", partial(refused_chain, binary, video.filters))
    for index, overlay in enumerate(video.overlay):
        where = f"{place}.overlay[{index}]"
        if overlay.image and not overlay.image.is_file():
            continue  # told with the files that are not there
        drawn = overlay.model_copy(update={"file": None, "text": "text"}) if overlay.file else overlay
        yield where, partial(_refused, where, partial(refused_overlay, binary, drawn))


def _refused(place: str, look: Callable[[], str | None]) -> Problem | None:
    reason = look()
    return Problem(place, None, reason) if reason else None


def _option(place: str, binary: Binary, options: tuple[str, ...]) -> Problem | None:
    refusal = refused_option(binary, options)
    if refusal is None:
        return None
    return Problem(place if refusal.at is None else f"{place}[{refusal.at}]", None, refusal.expected)


def _graph(place: str, binary: Binary, graph: str) -> Problem | None:
    reason = refused_graph(binary, graph)
    return Problem(place, None, reason) if reason else None


# --- what the network says -------------------------------------------------------------------------


def _looks(config: Config) -> Iterator[tuple[str, _Question]]:
    """The port, each different camera and each different name once, of the streams that shall run."""
    yield "listen", partial(_listen, config, "listen", config.listen)
    if config.metrics_listen:
        yield "metrics_listen", partial(_listen, config, "metrics_listen", config.metrics_listen)
    for name, stream in config.streams.items():
        for key, source in stream.sources.items() if stream.enabled else ():
            if source.listen:
                place = f"streams.{name}.{key}.port"
                yield place, partial(_awaiting, config, place, name, source)
    seen: set[object] = set()
    for place, where in _servers(config):
        if where in seen or (isinstance(where, str) and literal(where)):
            continue
        seen.add(where)
        if isinstance(where, ServerPlace):
            yield place, partial(_camera, place, where)
        else:
            yield place, partial(_name, place, where)


def _servers(config: Config) -> Iterator[tuple[str, ServerPlace | str]]:
    """Cameras that may be connected to, and the names of all other hosts."""
    if config.network.reference:
        yield "network.reference", config.network.reference.host
    for name, stream in config.streams.items():
        if not stream.enabled:
            continue
        for of, source in stream.sources.items():
            if where := _of_source(source):
                yield f"streams.{name}.{of}.url", where
        for key, destination in stream.destinations.items():
            if host := _host(text(destination.url)):
                yield f"streams.{name}.destinations.{key}.url", host


def _of_source(source: Source) -> ServerPlace | str | None:
    if isinstance(place := source_place(source), ServerPlace):
        return place
    if source.listen or source.pipe:
        return None  # it is our own port, or no place of the network
    return None if source.format == "lavfi" else _host(text(source.url))


def _host(url: str) -> str | None:
    try:
        return split(url).hostname if "://" in url else None
    except ValueError:
        return None


def _camera(place: str, camera: ServerPlace) -> ConfigWarning | None:
    reached = reach_source(camera, _CONNECT)
    if reached is Reach.UNRESOLVED:
        return _name(place, camera.address.host)
    return ConfigWarning(place, f"{camera.address}: {_UNREACHABLE[reached]}") if reached in _UNREACHABLE else None


def _name(place: str, host: str) -> ConfigWarning | None:
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise  # no answer: told of all such names at once
        meant = near(host, _INGESTS, _LIKE)
        asked = f"did you mean {meant}?" if meant and meant != host else "is it spelt right?"
        return ConfigWarning(place, f"{host}: no such host is known; {asked}")
    except (OSError, UnicodeError):
        return ConfigWarning(place, f"{host}: this cannot be a host's name")
    return None


# --- our own port ----------------------------------------------------------------------------------


def _listen(config: Config, key: str, listen: Address) -> ConfigWarning | None:
    try:
        family, kind, number, _, where = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with closing(socket.socket(family, kind, number)) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(where)
            ours.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _taken(config, key, listen)
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host is known"
        return ConfigWarning(key, f"{listen}: neverdark cannot listen there: {reason}")
    return None


def _awaiting(config: Config, place: str, stream: str, source: Source) -> ConfigWarning | None:
    """Whether a source that comes to us can be awaited there; a neverdark that has this stream does so already."""
    where = source.awaited_at
    kind = socket.SOCK_STREAM if TRANSPORTS[str(source.listen)] == "tcp" else socket.SOCK_DGRAM
    try:
        with closing(socket.socket(socket.AF_INET6 if ":" in where.host else socket.AF_INET, kind)) as ours:
            if kind is socket.SOCK_STREAM:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(tuple(where))
            if kind is socket.SOCK_STREAM:
                ours.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            theirs = _streams_at(config.listen, tls=config.tls is not None) or set()
            return None if stream in theirs else ConfigWarning(place, f"{where}: another program has this port")
        return ConfigWarning(place, f"{where}: it cannot be listened there: {os.strerror(error.errno or 0)}")
    return None


def _taken(config: Config, key: str, listen: Address) -> ConfigWarning | None:
    """Who has our port: a neverdark with streams of this file is this file's own."""
    theirs = _streams_at(config.listen, tls=config.tls is not None)
    if theirs is None:
        return ConfigWarning(key, f"{listen}: another program has this port")
    if theirs & config.streams.keys() or not theirs or not config.streams:
        return None
    return ConfigWarning(key, f"{listen}: another neverdark has this port, of other streams")


def _streams_at(listen: Address, *, tls: bool) -> set[str] | None:
    """The streams of the neverdark that answers there; None if none does."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - compared with
    if tls:  # what answers is compared with what this file says, and not believed in anything
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        asking: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, listen.port, timeout=_ANSWER, context=unverified
        )
    else:
        asking = http.client.HTTPConnection(host, listen.port, timeout=_ANSWER)
    with closing(asking) as connection:
        try:
            connection.request("GET", "/api/streams")
            answer = json.loads(connection.getresponse().read())
            return {str(stream["stream"]) for stream in answer["streams"]}
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            return None
