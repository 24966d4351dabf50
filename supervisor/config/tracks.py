"""Which tracks of a source are used, where it has several of a kind."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from supervisor.model.policies import Section
from supervisor.model.quantities import Count

_MOST: Final = 99


class TrackMap(Section):
    """The numbers of the tracks among those of their kind, from 0, in the order in which FFmpeg lists them."""

    video: Count = Field(default=0, ge=0, le=_MOST)
    audio: Count = Field(default=0, ge=0, le=_MOST)
