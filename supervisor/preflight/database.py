"""Whether what is to be remembered can be: a look at the database before `run` opens it. IO."""

from __future__ import annotations

import os
from pathlib import Path

from supervisor.config.problems import ConfigWarning, Problem
from supervisor.config.shape import Config
from supervisor.store.examine import examine_postgres, examine_sqlite
from supervisor.store.sqlite import FILE


def look_at_database(config: Config) -> Problem | ConfigWarning | None:
    """One thing to know of it: a problem if no neverdark would start with it."""
    if config.database_url:
        try:
            found = examine_postgres(config.database_url.get_secret_value())
        except ValueError as error:
            return Problem("database_url", None, str(error))
        key = "database_url"
    else:
        if unwritable := _unwritable(config.data_dir):
            return unwritable
        found, key = examine_sqlite(config.data_dir / FILE), "data_dir"
    if found is None:
        return None
    about = found.text if config.database_url else f"{config.data_dir / FILE}: {found.text}"
    return Problem(key, None, about) if found.refused else ConfigWarning(key, about)


def _unwritable(data_dir: Path) -> Problem | None:
    """Its owner, or root, cannot write there. Of anybody else's nothing can be said: he need not be who runs it."""
    try:
        mine = data_dir.stat().st_uid == os.geteuid() or os.geteuid() == 0
    except OSError:
        return None  # made at the start, or told by whoever opens it
    if not mine or os.access(data_dir, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    return Problem("data_dir", repr(str(data_dir)), "expected a directory that can be written to")
