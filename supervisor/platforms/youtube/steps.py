"""What was seen of a destination's broadcast, what is remembered of it, and what can be done next, as values. Pure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

from supervisor.platforms.youtube.model import Broadcast, LiveStream

Aim = Literal["testing", "live", "complete"]


class Sight(NamedTuple):
    """One look. `sends`: the ingest acknowledges what we send. None: it could not be read, so nothing follows from it.

    `broadcasts` are all of the channel's, not only those of the stream.
    """

    sends: bool
    stream: LiveStream | None
    broadcasts: tuple[Broadcast, ...] | None
    made: frozenset[str] = frozenset()  # by this neverdark, for whatever stream
    channel: str = ""  # whose they are, where the login has told
    refused: str = ""  # YouTube's word for why we may not even look


class Policy(NamedTuple):
    """What the configuration allows. Seconds."""

    stream_id: str
    manage: bool = True  # broadcasts may be made and moved
    adopt: bool = False  # one that somebody else made on this stream may be taken as ours
    rotate_every: float | None = None
    poll: float = 60.0
    channel: str | None = None  # the login must be that of this one
    picture: Path | None = None  # of each broadcast that is made


class Intent(NamedTuple):
    """A broadcast that is to be made: kept before it is asked for, so that it is never made twice.

    `marker` stands in its description. `at` is wall clock. `rotation`: it follows one that is still live.
    """

    marker: str
    at: float
    rotation: bool = False


class Memory(NamedTuple):
    """What must outlive neverdark's own end, of one destination. Wall clock."""

    current: str = ""  # the broadcast that viewers are to see; "": none yet
    following: str = ""  # one that is to take its place, while it is brought up
    made: tuple[str, ...] = ()  # the latest that we made, the oldest first: only these are ever ended or deleted
    intent: Intent | None = None
    inserts: tuple[float, ...] = ()  # when broadcasts were asked for, of the last day
    live_since: float | None = None  # of `current`
    made_so_far: int = 0
    lost: bool = False  # it cannot be read any more, so there may be more than this


class Act(StrEnum):
    """What a step does."""

    LOOK = "look"  # again, after a while
    TAKE = "take"  # count this broadcast as ours from now on
    FORGET = "forget"  # the one that was to follow
    COMPARE_KEY = "compare_key"  # does ours lead to the stream that is asked about?
    RESTART_PUSHER = "restart_pusher"
    OTHER_ADDRESS = "other_address"  # the pusher is to send to another ingest of the same stream, or back to its own
    RESTART_ENCODER = "restart_encoder"
    INSERT = "insert"
    BIND = "bind"
    TRANSITION = "transition"
    DELETE = "delete"
    THUMBNAIL = "thumbnail"  # give it its picture

    @property
    def writes(self) -> bool:
        """It changes something at YouTube."""
        return self in {Act.INSERT, Act.BIND, Act.TRANSITION, Act.DELETE, Act.THUMBNAIL}


class Trouble(StrEnum):
    """What is wrong between the ingest and the viewers; `none` if nothing is."""

    NONE = "none"
    NOT_SENDING = "not_sending"
    NOT_READ = "not_read"
    STREAM_INACTIVE = "stream_inactive"
    NO_STREAM = "no_stream"  # the login's channel has none with this id
    WRONG_KEY = "wrong_key"  # it is inactive because what is sent goes to another one
    NOT_LIVE_YET = "not_live_yet"
    STUCK = "stuck"
    ENDED = "ended"
    ABSENT = "absent"
    REVOKED = "revoked"
    NOT_OURS = "not_ours"  # what is live on our stream was made by somebody else
    SEVERAL = "several"  # besides ours, somebody else's broadcast uses our stream
    UNHEALTHY = "unhealthy"
    NOT_PERMITTED = "not_permitted"
    TOO_MANY = "too_many"  # we made, or YouTube allows, no more for now
    WRONG_CHANNEL = "wrong_channel"  # the login is of another one than the configuration names
    CONFLICT = "conflict"  # another neverdark makes broadcasts on our stream
    MEMORY_LOST = "memory_lost"  # which broadcasts we made is not known any more
    NOT_MANAGED = "not_managed"  # it could be mended, but the configuration does not allow it


class Step(NamedTuple):
    """What is to be done now, because of what; then a look follows after `seconds`."""

    act: Act
    trouble: Trouble = Trouble.NONE
    seconds: float = 5.0
    broadcast: str = ""
    to: Aim | None = None  # of a transition
    rotation: bool = False
    new_in: float | None = None  # seconds until a new broadcast may be made, of which one is needed

    @property
    def stands_down(self) -> bool:
        """Nothing is left that could be tried by a program."""
        return self.act is Act.LOOK and self.trouble in {
            Trouble.REVOKED,
            Trouble.NOT_PERMITTED,
            Trouble.TOO_MANY,
            Trouble.NO_STREAM,
            Trouble.WRONG_KEY,
            Trouble.MEMORY_LOST,
        }


class Refused(StrEnum):
    """Why YouTube did not do a step, as far as the plan depends on it."""

    NO = "no"  # it was done, or was so already
    STREAM_INACTIVE = "stream_inactive"
    INVALID = "invalid"  # what was seen is not so any more
    LIMIT = "limit"  # of broadcasts at once, or on one stream
    NO_MORE_INSERTS = "no_more_inserts"
    NOT_PERMITTED = "not_permitted"
    UNSURE = "unsure"  # the answer was lost: it may have been done
    LATER = "later"  # quota, rate, their server, our line
