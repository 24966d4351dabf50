"""What the parameters of sound mean: its codec, its rate, its channels. Pure."""

from __future__ import annotations

from typing import NamedTuple

from supervisor.ffmpeg.parameters import Parameters

# By the numbers that ADTS (ISO 14496-3) and MPEG audio (ISO 11172-3, 13818-3) have for them.
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_AAC_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)
_MPEG_RATES = (44_100, 48_000, 32_000)
_MPEG_HALVED = {3: 1, 2: 2, 0: 4}  # by version
_LAYER_3, _MONO = 1, 3


class SoundFormat(NamedTuple):
    """Samples a second; None where the parameters do not tell."""

    codec: str
    sample_rate: int | None
    channels: int | None


OURS = SoundFormat("aac", 48_000, 2)  # as an encoder is told to make it (`codecs.tracks`)


def sound_format(parameters: Parameters) -> SoundFormat | None:
    """What copied sound is; None while that has not been seen."""
    audio = parameters.audio
    if audio.startswith(b"aac"):
        number = audio[3] >> 2 & 0x0F
        rate = _AAC_RATES[number] if number < len(_AAC_RATES) else None
        return SoundFormat("aac", rate, _AAC_CHANNELS[(audio[3] & 1) << 2 | audio[4] >> 6])
    if audio.startswith(b"mp3"):
        halved, number = _MPEG_HALVED.get(audio[3] >> 3 & 3), audio[4] >> 2 & 3
        rate = _MPEG_RATES[number] // halved if halved and number < len(_MPEG_RATES) else None
        codec = "mp3" if audio[3] >> 1 & 3 == _LAYER_3 else "mp2"
        return SoundFormat(codec, rate, 1 if audio[5] >> 6 == _MONO else 2)
    return None
