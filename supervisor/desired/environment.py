"""What our children find in their environment. Pure.

neverdark's own environment holds every camera's password. FFmpeg gets what is known to be of use to it; a program of
the owner's gets everything but what is others' secret.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

from supervisor.config.variables import Named
from supervisor.model.terms import ProcessKey, Role
from supervisor.secrets.secrecy import names_a_secret

_OURS = re.compile(r"(?i)_?NEVERDARK_")
# What an init system says to us, and to nobody else.
_TO_US = {
    *("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID", "JOURNAL_STREAM"),
    *("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"),
}
_PROXIES = {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"}
# What programs need to find their files, their user's and the machine's devices. None of it is a secret.
_PLAIN = re.compile(
    r"PATH|PWD|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|TZ|TZDIR|TMPDIR|TMP|TEMP|LOCPATH|LOCALE_ARCHIVE"
    r"|SSL_CERT_FILE|SSL_CERT_DIR|OPENSSL_CONF|OPENSSL_MODULES|GLIBC_TUNABLES|NO_COLOR"
    r"|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|PULSE_COOKIE|FREI0R_PATH|LADSPA_PATH|LV2_PATH"
)
# The same by their beginnings. A name that tells of a secret is somebody else's.
_FAMILIES = re.compile(
    r"(?:LC|LD|NIX_LD|MALLOC|OMP|FAKETIME|GNUTLS|XDG|FONTCONFIG|AV_LOG|PULSE|PIPEWIRE|JACK|ALSA|LIBCAMERA|NDI"
    r"|LIBVA|VDPAU|CUDA|NVIDIA|__NV|MFX|ONEVPL|INTEL|DRI|MESA|GALLIUM|LIBGL|__GLX?|EGL|__EGL|GBM|VK|RADV|AMD|ROC|HSA"
    r"|OCL)_\w+|FAKETIME"
)


class Environments:
    """The environment of every process, made ahead: a respawn must not wait for it."""

    def __init__(self, variables: Mapping[str, str], more: Mapping[str, str]) -> None:
        """`variables` are our own; `more` is what every child has besides."""
        self._variables = variables
        self._more = dict(more)
        self._of_roles = {role: for_ffmpeg(role, variables) | self._more for role in (Role.ENCODER, Role.PUSHER)}
        self._of_roles[Role.PUSHER]["TZ"] = "UTC"  # by which the files of a recording are named
        self._of_commands: dict[str, dict[str, str]] = {}
        self._words: Mapping[str, frozenset[str]] = {}
        self.of_programs: Mapping[str, str] = {}  # of what starts programs that are not ours: without our mark

    def follow(self, commands: Iterable[str], named: Named) -> None:
        """From now on, what these command streams and this configuration ask for."""
        nothing: frozenset[str] = frozenset()
        self._words = named.words
        self.of_programs = for_command(self._variables, named.used, nothing)
        self._of_commands = {
            name: for_command(self._variables, named.used, named.words.get(name, nothing)) | self._more
            for name in commands
        }

    def asked_for(self, key: ProcessKey) -> list[str]:
        """`NAME=value` of what the text of a command stream names: with another value, it is another process."""
        if key.role is not Role.COMMAND:
            return []
        words = self._words.get(key.stream, frozenset())
        return sorted(f"{name}={value}" for name, value in self.of(key).items() if name in words)

    def of(self, key: ProcessKey) -> Mapping[str, str]:
        """The environment of one process."""
        if key.role is Role.COMMAND:
            return self._of_commands.get(key.stream, self._more)  # none: it was removed, and is on its way out
        return self._of_roles[key.role]


def for_ffmpeg(role: Role, variables: Mapping[str, str]) -> dict[str, str]:
    """Of our own `variables` those that FFmpeg needs.

    A source may be reached by a proxy. Destinations never are: FFmpeg sends RTMPS by `http_proxy`, and stands still.
    """
    return {
        name: value
        for name, value in variables.items()
        if _is_harmless(name) or (role is Role.ENCODER and name.lower() in _PROXIES)
    }


def for_command(variables: Mapping[str, str], used: Container[str], words: Container[str]) -> dict[str, str]:
    """Of our own `variables` those that a program of the owner's gets.

    `used` are those that the configuration asks for anywhere by `${NAME}`, `words` are all words of the stream's own
    text: what stands there, in whatever way, the stream is meant to have.
    """
    return {
        name: value
        for name, value in variables.items()
        if not _OURS.match(name)
        and name not in _TO_US
        and (_is_harmless(name) or name in words or (name not in used and not names_a_secret(name)))
    }


def _is_harmless(name: str) -> bool:
    if _PLAIN.fullmatch(name):
        return True
    return _FAMILIES.fullmatch(name) is not None and not names_a_secret(name)
