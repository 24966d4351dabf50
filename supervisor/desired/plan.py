"""From a configuration to the processes that it asks for. Pure.

After a reload the new plan is compared with the one in force, process by process: what is equal is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from supervisor.config.fields import text
from supervisor.config.shape import Config, DestinationSection, Source, StreamSection, Video
from supervisor.config.urls import destination_scheme
from supervisor.desired.maintenance import Planned
from supervisor.desired.schedule import Schedule
from supervisor.ffmpeg.argv import Binary, encoder_argv, pusher_argv
from supervisor.ffmpeg.beside import plays_list, with_companions
from supervisor.ffmpeg.codecs import COPY, takes_sound, tracks
from supervisor.ffmpeg.listening import awaited_at
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.parameters import Picture
from supervisor.ffmpeg.recordings import recording_output
from supervisor.ffmpeg.renditions import Rendition, rendition, sent_audio, sent_video
from supervisor.ffmpeg.sources import SourceKind, SourcePlace, comes_in_pieces, kind_of, question_url, source_place
from supervisor.ffmpeg.uploads import uploaded_output, with_uploader
from supervisor.model.content import ContentPolicy
from supervisor.model.destination_urls import RTMP_PORTS, publishes_to
from supervisor.model.external import External
from supervisor.model.fallback import FallbackPolicy
from supervisor.model.hls_urls import hls_url, is_hls
from supervisor.model.overlays import OverlayFile
from supervisor.model.policies import Policies, UplinkPolicy
from supervisor.model.profiles import Profile
from supervisor.model.push_urls import TCP_PORTS, is_listener
from supervisor.model.quantities import Address, Size
from supervisor.model.recordings import Kept
from supervisor.model.terms import IngestRole, ProcessKey, Role
from supervisor.model.thresholds import FFMPEG_FIRST_SHARE
from supervisor.model.zones import instant, zone_of
from supervisor.secrets.secrecy import secrets_of_argv, secrets_of_url, show_url

PROGRESS = "{progress}"  # stands in argv for the progress URL, which is known when the process' slot is made
_NO_SOURCE = "/neverdark/drill/no-such-source.ts"
_MOST_FPS = 240  # a camera that tells none makes FFmpeg count its clock's ticks


class Way(NamedTuple):
    """An ingest as one connects to it."""

    address: Address
    tls: bool
    rtmp: bool = True  # else its door tells all that can be known


@dataclass(frozen=True, slots=True)
class Observed:
    """A destination that a command connects to by TCP."""

    name: str
    ingest: Address
    tls: bool
    uplink: UplinkPolicy
    rtmp: bool = True


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What one process is to be. `argv` holds secrets, so it is left out of the representation."""

    key: ProcessKey
    argv: tuple[str, ...] = field(repr=False)
    policies: Policies
    tracked: bool  # it reports progress
    video: bool  # its frames must advance; sound alone is no progress
    media_port: int | None = None  # the loopback port at which neverdark receives a pusher's media
    sound: bool = False  # what a pusher sends has sound
    feeds: tuple[str, ...] = ()  # the destinations that an encoder sends to
    ingest: Address | None = None  # where a pusher connects to by TCP
    tls: bool = False  # and whether it speaks TLS there
    rtmp: bool = True  # and RTMP
    listens: bool = False  # a pusher waits to be called
    uploads: bool = False  # what a pusher makes, a program beside it sends
    observed: tuple[Observed, ...] = ()  # where a command says that it connects to by TCP
    source: SourcePlace | None = None  # where a probe can look whether an encoder's source is there
    question_url: SecretStr | None = None  # what may be asked how long to wait, once its server has refused
    awaits: str | None = None  # where an encoder's source comes to by itself, in words
    keyed: bool = False  # and it must bring a key
    in_pieces: bool = False  # what an encoder reads comes in bursts
    live: bool = False  # what it reads comes from outside, in its own time
    takes_sound: bool = False  # what it reads may bring sound or not
    copies_picture: bool = False
    plays_list: bool = False  # a player beside it plays a list of tracks to it
    copies_sound: bool = False
    content: ContentPolicy | None = None  # what is looked at in the picture and sound of an encoder
    output_file: Path | None = None  # a pusher's file; a new run must not overwrite it
    kept: Kept | None = None  # a pusher's folder of segments
    made_anew: Rendition | None = None  # what a pusher encodes instead of copying it
    target: tuple[str, ...] = field(default=(), repr=False)  # a pusher's URL and key, or what a command is
    overlays: tuple[OverlayFile, ...] = ()  # what an encoder lays over its picture, and reads from files
    claim: tuple[str, ...] = field(init=False, repr=False)  # what two processes must not do at the same time
    at_once: bool = False  # an encoder that is sure to be there as soon as it is started: what it reads is here
    slate: bool = False  # it shows a picture of ours: there is no source that could be another one next time
    external: External | None = None  # somebody else's program: never started, never signalled
    ingests: tuple[Way, ...] = field(init=False)  # where it connects to by TCP

    def __post_init__(self) -> None:
        own = () if self.ingest is None else (Way(self.ingest, self.tls, self.rtmp),)
        known = (*own, *(Way(observed.ingest, observed.tls, observed.rtmp) for observed in self.observed))
        object.__setattr__(self, "ingests", known)  # once: it is asked for at every look at every process
        place = publishes_to(*self.target) if self.key.role is Role.PUSHER and self.target else None
        object.__setattr__(self, "claim", place or self.target)


@dataclass(frozen=True, slots=True)
class DestinationSpec:
    """What is known of a destination before anything runs."""

    name: str
    shown_url: str
    required: bool  # primary and backup: one of them, as the primary says
    expected_bytes_per_second: float | None
    policies: Policies
    ingest: Way | None  # where media goes by TCP
    target: tuple[str, str] = field(default=("", ""), repr=False)  # its URL and its key as they are
    profile: Profile | None = None  # what is expected of what it is sent
    role: IngestRole | None = None


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """What one stream is to be."""

    name: str
    enabled: bool
    processes: tuple[ProcessSpec, ...]
    destinations: tuple[DestinationSpec, ...]
    secrets: frozenset[str] = field(repr=False)
    is_command: bool  # a program of the owner's, kept alive as one process
    drills: bool = True  # whether faults may be caused on purpose
    schedule: Schedule | None = None  # its hours on air, if it has any
    group: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    fallback: FallbackPolicy | None = None  # where it has fallbacks

    @property
    def pair(self) -> frozenset[str]:
        """The destinations that are the ingests of one place: one of them suffices. Empty unless there are several."""
        named = frozenset(one.name for one in self.destinations if one.role)
        return named if len(named) > 1 else frozenset()


MediaPort = Callable[[str, str], int]  # (stream, destination) → UDP port


def plan(
    config: Config, binary: Binary, media_port: MediaPort, *, ca_file: str | None, variables: frozenset[str]
) -> dict[str, StreamSpec]:
    """Every stream's processes. `variables` are the secret values that came from the environment."""
    return {
        name: _stream(config, name, stream, binary, media_port, ca_file, variables)
        for name, stream in config.streams.items()
    }


def _stream(
    config: Config,
    name: str,
    stream: StreamSection,
    binary: Binary,
    media_port: MediaPort,
    ca_file: str | None,
    variables: frozenset[str],
) -> StreamSpec:
    processes: tuple[ProcessSpec, ...]
    if stream.command is not None:
        processes = (_command(config, name, stream),)
    else:
        ports = {destination: media_port(name, destination) for destination in stream.destinations}
        # Pushers first: who listens before the encoder speaks loses nothing.
        processes = (
            *(_pusher(config, name, key, binary, port, ca_file) for key, port in ports.items()),
            encoder_of(config, name, stream, binary, ports, seen=config.content_of(name)),
        )
    return StreamSpec(
        name=name,
        enabled=stream.enabled,
        processes=processes,
        destinations=tuple(
            DestinationSpec(
                key,
                _shown(name, key, destination),
                _required(stream, destination),
                _expected_bytes_per_second(stream, destination),
                config.policies_of(name, key),
                Way(ingest, _tls(destination), _rtmp(destination)) if (ingest := _ingest(destination)) else None,
                _target(name, key, destination),
                destination.profile.profile if destination.profile else None,
                destination.role,
            )
            for key, destination in stream.destinations.items()
        ),
        is_command=stream.command is not None,
        drills=stream.drills,
        schedule=_schedule(config, name),
        group=stream.group,
        labels=tuple(stream.labels.items()),
        secrets=_secrets(stream) | variables | ({text(config.token)} if config.token else set()),
    )


def _required(stream: StreamSection, destination: DestinationSection) -> bool:
    primary = next((one for one in stream.destinations.values() if one.role == "primary"), None)
    return primary.required if primary and destination.role else destination.required


def _schedule(config: Config, name: str) -> Schedule | None:
    hours = config.schedule_of(name)
    return Schedule(hours.on or (), hours.off or (), hours.timezone) if hours else None


def maintenance(config: Config) -> list[Planned]:
    """The maintenance windows of a configuration."""
    planned = []
    for window in config.maintenance:
        zone, duration = zone_of(window.timezone), window.duration or 0.0
        since = instant(window.begin, zone) if window.begin else 0.0
        until = instant(window.until, zone) if window.until else since + duration
        planned.append(Planned(window.streams, window.reason, since, until, window.cron, duration, window.timezone))
    return planned


def _command(config: Config, name: str, stream: StreamSection) -> ProcessSpec:
    argv = tuple(text(word) for word in stream.command or ())
    tracked = any(PROGRESS in word for word in argv)
    policies = config.policies_of(name)
    return ProcessSpec(
        ProcessKey(name, Role.COMMAND),
        argv,
        policies,
        tracked,
        video=False,
        observed=tuple(
            Observed(key, ingest, _tls(destination), config.policies_of(name, key).uplink, _rtmp(destination))
            for key, destination in stream.destinations.items()
            if (ingest := _ingest(destination))
        ),
        target=argv,
    )


def sourceless(config: Config, name: str, binary: Binary, media_port: MediaPort) -> tuple[str, ...]:
    """The command line of a stream's encoder, but that its source is not there: for drills."""
    stream = config.streams[name]
    assert stream.source is not None  # the configuration's own rule
    without = stream.model_copy(update={"source": Source(url=SecretStr(_NO_SOURCE))})
    links = {key: media_port(name, key) for key in stream.destinations}
    return encoder_of(config, name, without, binary, links, seen=config.content_of(name)).argv


def adapted(config: Config, name: str, binary: Binary, media_port: MediaPort, traits: Traits) -> tuple[str, ...]:
    """The command line of a stream's encoder, made for what its runs have found out.

    A source that comes back with another size or rate must not change what goes out: the picture stays as it began.
    """
    stream = config.streams[name]
    if found := picture_of(stream.video, traits.picture):
        stream = stream.model_copy(update={"video": stream.video.model_copy(update=found)})
    links = {key: media_port(name, key) for key in stream.destinations}
    return encoder_of(config, name, stream, binary, links, traits, seen=config.content_of(name)).argv


def picture_of(video: Video, picture: Picture | None) -> dict[str, object]:
    """What is left open in the configuration and known from the first run."""
    found: dict[str, object] = {}
    if picture is None or video.codec == COPY or not picture.square:
        return found
    if video.size is None:
        found["size"] = Size(picture.width, picture.height)
    if video.fps is None and picture.rate is not None and picture.rate <= _MOST_FPS:
        found["fps"] = picture.rate
    return found


def encoder_of(
    config: Config,
    name: str,
    stream: StreamSection,
    binary: Binary,
    links: Mapping[str, int],
    traits: Traits = NOTHING_KNOWN,
    seen: ContentPolicy | None = None,
) -> ProcessSpec:
    """An encoder from the stream's source to `links`, the ports by destination; `seen` is what is looked at in it."""
    assert stream.source is not None  # the configuration's own rule
    policies = config.policies_of(name)
    overlays = _overlays(config, name, stream.video)
    argv = encoder_argv(
        binary,
        stream.source,
        _with_copies(stream.video, overlays),
        stream.audio,
        links=links,
        progress_url=PROGRESS,
        read_timeout=policies.stall.timeout * FFMPEG_FIRST_SHARE + (2 / traits.rate if traits.rate else 0.0),
        traits=traits,
        seen=seen,
    )
    note = config.data_dir / "playlists" / name
    argv = with_companions(argv, stream.source, stream.video, stream.audio, note=note)
    return ProcessSpec(
        ProcessKey(name, Role.ENCODER),
        tuple(argv),
        policies,
        tracked=True,
        video=True,
        source=source_place(stream.source),
        question_url=question_url(stream.source),
        in_pieces=comes_in_pieces(stream.source),
        awaits=awaited_at(stream.source),
        keyed=stream.source.listen == "rtmp" and stream.source.publisher_secret is not None,
        live=kind_of(stream.source) not in {SourceKind.LAVFI, SourceKind.FILE},
        feeds=tuple(links),
        takes_sound=takes_sound(stream.audio),
        copies_picture=stream.video.codec == COPY,
        plays_list=plays_list(stream.source, stream.audio),
        overlays=tuple(overlays.values()),
        copies_sound=tracks(stream.audio).copied,
        content=seen,
    )


def _overlays(config: Config, name: str, video: Video) -> dict[int, OverlayFile]:
    """The files that are laid over a picture, by the number of the overlay."""
    folder, found = config.data_dir / "overlays", dict[int, OverlayFile]()
    for number, overlay in enumerate(video.overlay):
        if file := overlay.file or overlay.image:
            kind = file.suffix.lower() if overlay.image else ".txt"
            found[number] = OverlayFile(file, folder / f"{name}.{number}{kind}", image=overlay.image is not None)
    return found


def _with_copies(video: Video, overlays: Mapping[int, OverlayFile]) -> Video:
    """As FFmpeg gets it: it reads our copies."""
    if not overlays:
        return video
    read = list(video.overlay)
    for number, one in overlays.items():
        read[number] = read[number].model_copy(update={"image" if one.image else "file": one.copy})
    return video.model_copy(update={"overlay": tuple(read)})


def _pusher(config: Config, stream: str, name: str, binary: Binary, port: int, ca_file: str | None) -> ProcessSpec:
    destination = config.streams[stream].destinations[name]
    url, kept = text(destination.url), _kept(stream, name, destination)
    scheme = destination_scheme(url)
    output_file = (kept.pattern if kept else Path(url)) if scheme == "file" else None
    sound = config.streams[stream].audio.source != "none"
    argv = pusher_argv(
        binary,
        str(output_file) if output_file else url,
        text(destination.secret_key) or None,
        progress_url=PROGRESS,
        audio=sound,
        ca_file=ca_file,
        output=recording_output(kept) if kept else uploaded_output() if is_hls(url) else None,
        rendition=rendition(config.streams[stream], destination),
    )
    if is_hls(url):
        argv = with_uploader(argv, hls_url(url, text(destination.secret_key)), ca_file=ca_file)
    return ProcessSpec(
        key=ProcessKey(stream, Role.PUSHER, name),
        argv=tuple(argv),
        policies=config.policies_of(stream, name),
        tracked=True,
        video=True,
        media_port=port,
        sound=sound,
        ingest=_ingest(destination),
        tls=_tls(destination),
        rtmp=_rtmp(destination),
        listens=is_listener(url),
        uploads=is_hls(url),
        output_file=output_file,
        kept=kept,
        made_anew=rendition(config.streams[stream], destination),
        target=_target(stream, name, destination),
    )


def _kept(stream: str, name: str, destination: DestinationSection) -> Kept | None:
    found = destination.recording
    if found is None:
        return None
    size, age, free = found.keep.size, found.keep.age, found.keep.free
    return Kept(found.directory, f"{stream}.{name}", f".{found.format}", found.segment, size, age, free)


def _target(stream: str, name: str, destination: DestinationSection) -> tuple[str, str]:
    """The URL and the key of a destination as they are."""
    kept = _kept(stream, name, destination)
    return (kept.shown, "") if kept else (text(destination.url), text(destination.secret_key))


def _shown(stream: str, name: str, destination: DestinationSection) -> str:
    url, key = _target(stream, name, destination)
    return show_url(url, key or None)


def _ingest(destination: DestinationSection) -> Address | None:
    parts = urlsplit(text(destination.url))
    port = TCP_PORTS.get(parts.scheme.lower())
    return Address(parts.hostname or "", parts.port or port) if port else None


def _rtmp(destination: DestinationSection) -> bool:
    return destination_scheme(text(destination.url)) in RTMP_PORTS


def _tls(destination: DestinationSection) -> bool:
    return destination_scheme(text(destination.url)) in {"rtmps", "https"}


def _expected_bytes_per_second(stream: StreamSection, destination: DestinationSection) -> float | None:
    video, audio = sent_video(stream, destination), sent_audio(stream, destination)
    if stream.command is not None or video.bitrate is None:
        return None
    return (video.bitrate + (audio.bitrate if audio.source != "none" and audio.codec != "copy" else 0)) / 8


def _secrets(stream: StreamSection) -> frozenset[str]:
    found: set[str] = set()
    for source in stream.sources.values():
        found |= secrets_of_url(text(source.url))
        found |= secrets_of_argv(text(word) for word in (*source.options, *(source.pipe or ())))
        found |= {text(source.publisher_secret)} - {""}
    found |= secrets_of_argv(text(word) for word in stream.command or ())
    for destination in stream.destinations.values():
        found |= secrets_of_url(text(destination.url), text(destination.secret_key) or None)
    return frozenset(found)
