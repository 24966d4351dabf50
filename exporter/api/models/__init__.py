"""The REST answers: the documentation and the answers are made from them, tests hold the two against each other.

A field that is called otherwise in the snapshot says where it comes from; `shape.show` fills an answer.
"""

from __future__ import annotations

from exporter.api.models.configuration import Configuration, RefusedConfiguration, Reload, ReloadChanges
from exporter.api.models.errors import Problem
from exporter.api.models.health import Live, Ready, ReadyStream
from exporter.api.models.incidents import (
    Attempt,
    IncidentFinding,
    IncidentList,
    IncidentPage,
    IncidentReport,
    PastIncident,
    Subject,
    ToldSomebody,
)
from exporter.api.models.logs import LogPage
from exporter.api.models.maintenance import MaintenanceList, MaintenanceWindow
from exporter.api.models.orders import Accepted, Ordered, OrderedAll, StreamOrdered, Switched, TokenIsRight
from exporter.api.models.processes import Failure, Process, ProcessPolicies, Progress, UplinkState
from exporter.api.models.recordings import Recording, RecordingList
from exporter.api.models.streams import Desired, Destination, Link, Stream, StreamList
from exporter.api.models.watchdog import (
    Watchdog,
    WatchdogOfDestination,
    WatchdogOrdered,
    WatchdogReport,
    WatchdogsReloaded,
    WatchdogsStopped,
    WatchdogState,
    WatchdogStatus,
)

__all__ = [
    "Accepted",
    "Attempt",
    "Configuration",
    "Desired",
    "Destination",
    "Failure",
    "IncidentFinding",
    "IncidentList",
    "IncidentPage",
    "IncidentReport",
    "Link",
    "Live",
    "LogPage",
    "MaintenanceList",
    "MaintenanceWindow",
    "Ordered",
    "OrderedAll",
    "PastIncident",
    "Problem",
    "Process",
    "ProcessPolicies",
    "Progress",
    "Ready",
    "ReadyStream",
    "Recording",
    "RecordingList",
    "RefusedConfiguration",
    "Reload",
    "ReloadChanges",
    "Stream",
    "StreamList",
    "StreamOrdered",
    "StreamSource",
    "Subject",
    "Switched",
    "TokenIsRight",
    "ToldSomebody",
    "UplinkState",
    "Watchdog",
    "WatchdogOfDestination",
    "WatchdogOrdered",
    "WatchdogReport",
    "WatchdogState",
    "WatchdogStatus",
    "WatchdogsReloaded",
    "WatchdogsStopped",
]
