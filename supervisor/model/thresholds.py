"""Limits that several folders go by, each said once: name, value, unit, and why it is so. Pure.

What only one file goes by stands in that file; what the owner may set is in `policies.py`.
"""

from __future__ import annotations

from typing import Final

from supervisor.model.terms import Cause, Trouble

# Seconds. An advance proves for so long that media flows: FFmpeg reports twice a second, and a report may be late.
ON_AIR_SECONDS: Final = 3.0

# Seconds. Media that has flowed for so long without a gap is back: an incident closes, a stream's time off air ends.
SUSTAINED_SECONDS: Final = 30.0

# Seconds. Where a line is too thin, or a machine too weak, each new process does well for a minute or two, until it is
# late again: only what has kept up for so long is well, or one slow evening would be a hundred incidents.
KEEPS_UP_SECONDS: Final = 180.0

# Seconds. A connection that was dropped while nothing was sent breaks with the first bytes after it: what fails so soon
# after media came back belongs to the failure before.
BREAKS_WITHIN_SECONDS: Final = 10.0

# Seconds. A connection that ends so early was ended by somebody, not by chance.
ENDED_SOON_SECONDS: Final = 30.0

# Seconds. The same trouble again is worth a line in the log so often, and no oftener.
TELL_AGAIN_SECONDS: Final = 600.0

# Seconds. Reading a configuration anew may take so long: encoders of the hardware are tried.
RELOAD_SECONDS: Final = 30.0

# Seconds. An order to a thousand streams is given to one after the other, with the loop free in between.
ORDERS_SECONDS: Final = 20.0

# A part of one. So much of a time limit of ours is FFmpeg's own: it gives up first, and can say what went wrong.
FFMPEG_FIRST_SHARE: Final = 0.8


def closes_after(cause: Cause) -> float:
    """For how many seconds media must have flowed until an incident that is named after this cause is over."""
    return KEEPS_UP_SECONDS if cause in {Trouble.BACKLOG, Trouble.SLOW} else SUSTAINED_SECONDS


# Where an encoder copies, its source decides how far keyframes are apart: so long who looks at one waits for it.
KEYFRAME_SECONDS = 15.0
