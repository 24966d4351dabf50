"""One file of YAML as it is written, of bounded size. IO."""

from __future__ import annotations

from pathlib import Path

from supervisor.config.problems import ConfigError, Problem
from supervisor.config.stamp import Stamp, read_stamped
from supervisor.config.yaml_nodes import Document, NotYaml, read

MOST_BYTES = 1024 * 1024  # a thousand streams have room; reading more would take minutes


def read_document(path: Path, most: int = MOST_BYTES, *, plain: bool = False) -> tuple[Document, Stamp]:
    """What the file says, and its stamp of the moment before. Raises `ConfigError`.

    `plain` refuses what may never end, such as a device or a pipe.
    """
    try:
        content, stamp = read_stamped(path, most + 1, plain=plain)
        if len(content) > most:
            reason = f"expected at most {most} bytes, but it has {max(stamp.size, len(content))}"
            raise ConfigError(path, [Problem("", None, reason)])
        return read(content.decode("utf-8-sig")), stamp
    except OSError as error:
        raise ConfigError(path, [Problem("", None, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem("", None, "expected UTF-8 text")]) from None
    except NotYaml as error:
        raise ConfigError(path, [Problem(error.where, None, f"expected YAML: {error.reason}")]) from None
