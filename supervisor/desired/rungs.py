"""The rungs of a stream's fallback: what the encoder of each is to be. Pure.

All of them send the stream's own picture and sound, so that a viewer's decoder goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from supervisor.config.fallback import Slate
from supervisor.config.shape import Config, Source, StreamSection, Video
from supervisor.desired.plan import PROGRESS, MediaPort, ProcessSpec, StreamSpec, encoder_of, picture_of
from supervisor.ffmpeg.argv import Binary
from supervisor.ffmpeg.codecs import COPY
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.parameters import UNSAID
from supervisor.ffmpeg.slate import Still, drawn_argv, slate_argv
from supervisor.ffmpeg.sources import SourceKind, kind_of
from supervisor.model.content import ContentPolicy, Defect
from supervisor.model.quantities import Size
from supervisor.model.terms import ProcessKey, Role

BACK_SOON = "Back soon"

# What is shown of a stream of which nothing is known yet.
_SIZE = Size(1280, 720)
_FPS = 30.0
_LOCAL = frozenset({SourceKind.LAVFI, SourceKind.FILE})


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung, counted from 1 as people do: 0 would be the stream's own source.

    It has one of `source` and `still`. `live`: its source comes from outside and may be kept warm.
    """

    number: int
    source: Source | None = None
    still: Still | None = None
    live: bool = False

    @property
    def label(self) -> str:
        """Its name in metrics and orders."""
        return f"fallback{self.number}"


def rungs_of(config: Config, name: str, traits: Traits = NOTHING_KNOWN) -> tuple[Rung, ...]:
    """The rungs of a stream, the best one first. `traits` are what the runs of its own encoder have found out."""
    stream = config.streams[name]
    return tuple(
        Rung(number, still=still_of(name, stream, rung.slate, traits))
        if rung.slate
        else Rung(number, source=rung.source, live=rung.source is not None and kind_of(rung.source) not in _LOCAL)
        for number, rung in enumerate(stream.fallback, 1)
    )


def still_of(name: str, stream: StreamSection, slate: Slate, traits: Traits) -> Still:
    """A slate in the stream's own size, frame rate and codec, as far as they are known."""
    return Still(
        slate.text or f"{BACK_SOON}\n{name}",
        _shown(stream.video, traits),
        stream.audio,
        image=slate.image,
        last_frame=slate.last_frame,
        clock=slate.clock,
        colours=traits.picture.colours if traits.picture else UNSAID,
        owner=name,
    )


def _shown(video: Video, traits: Traits) -> Video:
    """What a slate is encoded to. Of a copied picture it is the size and rate that were seen, by x264."""
    if video.codec == COPY:
        video = video.model_copy(update={"codec": "libx264", "bitrate": None})
    video = video.model_copy(update=picture_of(video, traits.picture))
    return video.model_copy(update={"size": video.size or _SIZE, "fps": video.fps or _FPS})


def with_fallbacks(
    spec: StreamSpec, config: Config, binary: Binary, media_port: MediaPort, *, font: str | None
) -> StreamSpec:
    """A stream with the encoders of its rungs; a slate is drawn while it is sent, as long as it is not made."""
    if not config.streams[spec.name].fallback:
        return spec
    links = {one.name: media_port(spec.name, one.name) for one in spec.destinations}
    encoders = [_encoder(config, spec.name, rung, binary, links, font) for rung in rungs_of(config, spec.name)]
    return replace(spec, processes=(*spec.processes, *encoders), fallback=config.fallback_policy_of(spec.name))


def _encoder(
    config: Config, name: str, rung: Rung, binary: Binary, links: Mapping[str, int], font: str | None
) -> ProcessSpec:
    if rung.still:
        made = slate_encoder(config, name, rung.still, None, binary, links, font=font)
    else:
        made = rung_encoder(config, name, rung, binary, links)
    return replace(
        made,
        key=ProcessKey(name, Role.ENCODER, rung=rung.number),
        at_once=rung.still is not None or not rung.live,
        slate=rung.still is not None,
    )


def rung_encoder(
    config: Config,
    name: str,
    rung: Rung,
    binary: Binary,
    links: Mapping[str, int],
    traits: Traits = NOTHING_KNOWN,
    own: Traits = NOTHING_KNOWN,
) -> ProcessSpec:
    """The encoder of a rung that is a source, in the stream's own picture and sound.

    `traits` are those of the stream's own source, which tell the picture; `own` those of this one.
    """
    stream = config.streams[name]
    video = stream.video.model_copy(update=picture_of(stream.video, traits.picture))
    rung_of = stream.model_copy(update={"source": rung.source, "video": video})
    return encoder_of(config, name, rung_of, binary, links, own, seen_in(rung, config.content_of(name)))


def seen_in(rung: Rung, policy: ContentPolicy | None) -> ContentPolicy | None:
    """What is looked at in a rung: a file may well be a card that never changes, and without sound, but not black."""
    if policy is None or rung.live:
        return policy
    black = policy.bounds.get(Defect.BLACK)
    return policy._replace(bounds={Defect.BLACK: black}) if black else None


def slate_encoder(
    config: Config,
    name: str,
    still: Still,
    path: str | None,
    binary: Binary,
    links: Mapping[str, int],
    *,
    font: str | None,
) -> ProcessSpec:
    """The encoder of a rung that is a slate, from its file; without one it is drawn while it is sent."""
    stream = config.streams[name]
    spec = encoder_of(config, name, stream, binary, links)
    if path is None:
        argv = drawn_argv(binary, still, links=links, progress_url=PROGRESS, font=font)
    else:
        argv = slate_argv(binary, still, path, links=links, progress_url=PROGRESS, font=font)
    copied = path is not None and not still.clock
    return replace(
        spec,
        argv=tuple(argv),
        source=None,
        question_url=None,
        in_pieces=False,
        live=False,
        takes_sound=False,
        copies_picture=copied,
    )
