"""One fault of a history: what the world does to the streams, to the machine, or to neverdark itself."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal[
    # a process
    "encoder_killed",
    "pusher_killed",
    "encoder_hangs",  # alive, reports frozen values
    "encoder_mute",  # alive, reports nothing
    "encoder_stopped",  # by a signal of somebody's
    "pusher_hangs",
    "encoder_error",  # exits with words of an error of its own
    # what an encoder reads
    "source_gone",
    "source_ended",
    "source_refused",
    "source_silent",
    "picture_black",  # it delivers nothing but that
    "picture_frozen",
    # what is shown instead: `destination` is the name of the rung
    "rung_gone",
    "rung_ended",
    "rung_refused",
    "rung_silent",
    "rung_killed",
    "slate_gone",  # the file that was made of it
    # how another encoder takes over
    "link_distant",  # the links cannot go over
    "no_keyframe",  # the next encoder sends none
    # where a pusher sends
    "ingest_down",
    "ingest_refuses",
    "ingest_drops",
    "ingest_freezes",
    "ingest_slow",
    "ingest_ghost",
    # the way
    "line_down",
    "dns_down",
    # this machine
    "memory_kill",
    "disk_full",
    "no_processes",  # the kernel starts none
    "looks_fail",  # the kernel tells nothing of connections and processes
    "late_loop",
    "clock_step",  # by `detail` seconds
    # an operator
    "stop",
    "start",
    "restart",
    "reload_changed",
    "reload_bad",
    "reload_same",
    "show",  # `destination` is the source that is to be seen, or auto; 0 seconds: until another order
    "drill_uplink",
    "drill_source",
    "drill_encoder",
    "hours",  # it is given hours on air, that end in `detail` minutes, for as long as it lasts; negative: that begin
    "switch",  # what was said before has ended, or a schedule has switched: this comes by itself
    "stop_until",  # for `detail` seconds
    "start_until",
    "maintenance",  # is ordered, for as long as it lasts
    "maintenance_planned",  # the configuration says so
    # neverdark itself: for `lasts` seconds there is none
    "neverdark_killed",
    "neverdark_killed_at_spawn",  # it has started a process, and has not noted it yet
    "neverdark_killed_in_call",  # at the next change that it asks YouTube for
    "neverdark_left",  # it lets its processes run on
    "neverdark_upgraded",  # likewise, and the next one is their parent, too
    "neverdark_stopped",
    # where it keeps what it remembers
    "database_locked",
    "database_full",
    "database_gone",
    "database_slow",
    # YouTube; those of the whole channel come to each of its streams
    "youtube_new",  # there is no broadcast yet: this comes by itself
    "youtube_ended",  # by a person
    "youtube_deleted",
    "youtube_foreign",  # a person's broadcast on our stream
    "youtube_elsewhere",  # likewise, and not on ours
    "youtube_unreceived",  # the ingest says so of what it acknowledges
    "youtube_unwell",  # it complains
    "youtube_stuck",  # who is starting stays so
    "youtube_spoilt",  # calls fail, or their answers are lost
    "youtube_slow",
    "youtube_quota",  # another program uses it up
    "youtube_consent",  # is revoked, and given again
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LIVES = frozenset(kind for kind in KINDS if kind.startswith("neverdark_"))
DATABASE = frozenset(kind for kind in KINDS if kind.startswith("database_"))
YOUTUBE = frozenset(kind for kind in KINDS if kind.startswith("youtube_"))
WISHES = frozenset[Kind](
    {"hours", "switch", "stop_until", "start_until", "maintenance", "maintenance_planned"},
)
REMEMBERED = LIVES | DATABASE | WISHES  # with one of these there is something to remember


class Fault(NamedTuple):
    """What begins `at` seconds after the world did, and `lasts` so long where it has a duration.

    `stream` and `destination` are empty where the kind concerns none.
    """

    at: float
    kind: Kind
    stream: str = ""
    destination: str = ""
    lasts: float = 0.0
    detail: float = 0.0
