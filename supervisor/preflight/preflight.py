"""Whether a valid configuration can run on this machine. IO; used by `check`, `run` and every reload."""

from __future__ import annotations

import resource
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import certifi

from supervisor.config.fields import text
from supervisor.config.file import Loaded
from supervisor.config.problems import ConfigError, ConfigWarning, Problem, near, shown
from supervisor.config.shape import Config, Video
from supervisor.config.tls import BadTls, server_context
from supervisor.config.urls import destination_scheme
from supervisor.config.yaml_nodes import Path_
from supervisor.ffmpeg.codecs import COPY, X264_PRESETS
from supervisor.ffmpeg.renditions import sent_video
from supervisor.machine.ffmpeg_binary import Binary, FfmpegNotFound, find, missing_encoder, missing_filter
from supervisor.preflight.places import missing_places, unknown_programs
from supervisor.preflight.seamless import no_seamless_switch
from supervisor.preflight.warnings import warnings_of

_FEWEST_CONNECTIONS = 32  # of HTTP clients
_FILES_OF_OURS = 68 + _FEWEST_CONNECTIONS  # probes, worker threads, the database, the libraries
_PROTOCOL_OF = {"rtsp": "rtp", "https": "pipe"}  # by which it is sent, or handed to who sends it
_FILES_OF_A_PROCESS = 5  # pidfd, output, progress, media or parameters, log file


def find_ffmpeg(loaded: Loaded, file: Path) -> Binary:
    """The FFmpeg to use. Raises `ConfigError` when there is none."""
    try:
        return find(loaded.config.ffmpeg)
    except FfmpegNotFound as error:
        raise ConfigError(file, [Problem("ffmpeg", repr(loaded.config.ffmpeg), str(error))]) from None


def preflight(loaded: Loaded, binary: Binary, file: Path, *, starting: bool = False) -> tuple[ConfigWarning, ...]:
    """What the owner should be told of a configuration that can run.

    Raises `ConfigError` with everything that this machine lacks, and with what `unusable` finds; only that does not
    keep a neverdark from `starting`: the other streams must not be dark for it. A certificate that cannot be used does,
    but not from a reload: the server goes on with the one that it has.
    """
    placed = loaded.fragments.problems
    problems, dead = placed(lacking(loaded.config, binary)), placed(unusable(loaded.config, binary))
    certificate = wrong_certificate(loaded.config)
    refused, warned = ([*problems, *certificate], dead) if starting else ([*problems, *dead], certificate)
    if refused:
        raise ConfigError(file, [*refused, *(dead if starting else ())])
    told = (ConfigWarning(one.path, ": ".join(filter(None, (one.value, one.expected))), one.file) for one in warned)
    return (*told, *doubts(loaded, file))


def doubts(loaded: Loaded, file: Path) -> list[ConfigWarning]:
    """What the owner should be told although all may be as it is meant, or be mended by itself."""
    machine = [*missing_places(loaded.config), *no_seamless_switch(loaded.config)]
    return loaded.fragments.warnings([*warnings_of(loaded, file), *machine])


def lacking(config: Config, binary: Binary) -> list[Problem]:
    """What this machine has not, and neverdark needs."""
    return [*_codecs(config, binary), *_protocols(config, binary), *_ports(config), *_limits(config)]


def lacking_for(config: Config, stream: str, binary: Binary) -> list[Problem]:
    """What keeps one stream from ever being on air beside the others."""
    only = config.model_copy(update={"streams": {stream: config.streams[stream]}})
    found = [*_codecs(only, binary), *_protocols(only, binary), *unusable(only, binary)]
    return [*found, *_ports(config), *_limits(config)]


def wrong_certificate(config: Config) -> list[Problem]:
    """What keeps `tls` from being served."""
    if config.tls is None:
        return []
    try:
        server_context(config.tls.cert_file, config.tls.key_file)
    except BadTls as error:
        value = getattr(config.tls, error.key)
        return [Problem(f"tls.{error.key}", repr(str(value)), str(error))]
    return []


def unusable(config: Config, binary: Binary) -> list[Problem]:
    """What keeps single streams from ever being on air: words that FFmpeg, x264 or PATH do not know."""
    return [*_presets(config), *_formats(config, binary), *_overlays(config, binary), *unknown_programs(config)]


def _presets(config: Config) -> Iterator[Problem]:
    known = {*X264_PRESETS, *map(str, range(len(X264_PRESETS)))}
    for place, video in _encoded(config):
        preset = video.preset
        if video.codec != "libx264" or preset is None or preset.lower() in known:
            continue
        meant = near(preset.lower(), X264_PRESETS)
        expected = f"did you mean {meant}?" if meant else f"expected one of {', '.join(X264_PRESETS)}"
        yield Problem(f"{place}.preset", repr(preset), expected)


def _encoded(config: Config) -> Iterator[tuple[str, Video]]:
    """Every picture that is encoded, with the place where it is configured."""
    for name, stream in config.streams.items():
        if stream.source is None:
            continue
        if stream.video.codec != COPY:
            yield f"streams.{name}.video", stream.video
        for key, destination in stream.destinations.items():
            if destination.video is not None:
                own = {"preset": destination.video.preset}  # a wrong one of the stream's is reported there
                place = f"streams.{name}.destinations.{key}.video"
                yield place, sent_video(stream, destination).model_copy(update=own)


def _overlays(config: Config, binary: Binary) -> Iterator[Problem]:
    verdicts: dict[bool, str | None] = {}
    for name, stream in config.streams.items():
        for index, overlay in enumerate(stream.video.overlay):
            image = overlay.image is not None
            if image not in verdicts:
                verdicts[image] = missing_filter(binary, ("movie", "overlay") if image else ("drawtext",))
            if reason := verdicts[image]:
                yield Problem(f"streams.{name}.video.overlay[{index}]", None, reason)


def _formats(config: Config, binary: Binary) -> Iterator[Problem]:
    for name, stream in config.streams.items():
        for of, source in stream.sources.items():
            found = source.format
            if found is None or not binary.demuxers or found in binary.demuxers:
                continue
            if source.v4l2 or source.alsa:
                expected = f"expected an FFmpeg that was built with {found}, which {binary.path} was not"
                yield Problem(f"streams.{name}.{of}.{found}", None, expected)
                continue
            path: Path_ = ("streams", name, of, "format")
            meant = near(found, binary.demuxers)
            expected = f"expected an input format that {binary.path} knows"
            expected += f"; did you mean {meant}?" if meant else ""
            yield Problem(f"streams.{name}.{of}.format", shown(path, found), expected)


def _codecs(config: Config, binary: Binary) -> Iterator[Problem]:
    verdicts: dict[str, str | None] = {}
    for place, video in _encoded(config):
        codec = str(video.codec)
        if codec not in verdicts:
            verdicts[codec] = missing_encoder(binary, codec)
        if reason := verdicts[codec]:
            yield Problem(f"{place}.codec", repr(codec), reason)


def _protocols(config: Config, binary: Binary) -> Iterator[Problem]:
    for name, stream in config.streams.items():
        for place, source in stream.sources.items():
            if source.listen and source.listen not in binary.protocols:
                expected = f"expected a protocol that {binary.path} was built with"
                yield Problem(f"streams.{name}.{place}.listen", repr(source.listen), expected)
        for key, destination in stream.destinations.items() if stream.source else ():
            scheme = destination_scheme(text(destination.url))
            if _PROTOCOL_OF.get(scheme, scheme) not in binary.protocols:
                path = f"streams.{name}.destinations.{key}.url"
                yield Problem(path, f"'{scheme}://…'", f"expected a protocol that {binary.path} was built with")


def _ports(config: Config) -> Iterator[Problem]:
    needed = sum(len(stream.destinations) for stream in config.streams.values() if stream.source)
    have = config.ports.last - config.ports.first + 1
    if have < needed:
        yield Problem("ports", repr(str(config.ports)), f"expected at least {needed} ports, one for each destination")


def files_needed(config: Config) -> int:
    """Open files that neverdark needs for this configuration."""
    processes = sum(
        1 if stream.command is not None else 1 + len(stream.destinations) for stream in config.streams.values()
    )
    return _FILES_OF_OURS + _FILES_OF_A_PROCESS * processes


def room_for_connections(config: Config) -> int:
    """How many HTTP clients there may be at once, so that every process can be started at any time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, soft - files_needed(config) + _FEWEST_CONNECTIONS)


def _limits(config: Config) -> Iterator[Problem]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = files_needed(config)
    if hard != resource.RLIM_INFINITY and hard < needed:
        yield Problem(
            "streams",
            f"{len(config.streams)} streams",
            f"expected an open-file limit of at least {needed}, but it is {hard} (ulimit -Hn, LimitNOFILE=)",
        )


def ca_bundle() -> str:
    """The system's CA certificates, or certifi's where the system has none."""
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if candidate and Path(candidate).is_file():
            return candidate
    return certifi.where()
