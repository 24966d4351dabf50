"""/api/external: programs that run their own FFmpeg announce themselves, and are watched."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response
from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, StringConstraints, model_validator

from exporter.api.answers import answer, in_thread
from exporter.api.example import Example
from exporter.api.gate import REFUSED, TOKEN
from exporter.api.models import Problem
from exporter.api.orders import OrderBody
from exporter.api.shape import From, Shape, show
from supervisor.config.fields import NAME
from supervisor.model.external import RECOVERY_SECONDS, Announcement, ExternalSnapshot, Recovery
from supervisor.model.snapshot import Control, Refused

_LONGEST: Final = 2048
_LONGEST_WORD: Final = 1024
_MOST_WORDS: Final = 40  # a body has 64 KiB at most
_MOST_SECONDS: Final = 3600.0
_LAST_PID: Final = 2**22
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **REFUSED,
    **{code: {"model": Problem} for code in (409, 422, 503)},
}


def _printable(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isprintable():
        raise ValueError("expected one line of text")
    return value


def _web(value: SecretStr) -> SecretStr:
    scheme, found, rest = value.get_secret_value().partition("://")
    if scheme.lower() not in {"http", "https"} or not found or not rest or not value.get_secret_value().isprintable():
        raise ValueError("expected a URL that begins with http:// or https://")
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or not value.isprintable():
        raise ValueError("expected the whole path of a file, from / on")
    return value


Word = Annotated[str, StringConstraints(max_length=_LONGEST_WORD)]
WebUrl = Annotated[SecretStr, Field(max_length=_LONGEST), AfterValidator(_web)]
Name = Annotated[
    str,
    Path(pattern=f"^{NAME.pattern}$", description="what the stream is called in all that is shown", examples=["show"]),
]


@Example(webhook="http://127.0.0.1:9000/restart")
class RecoveryBody(OrderBody):
    """What is done when the program has failed: a command is run, or a webhook is called with a POST of JSON.

    A `command` is a list of words, run without a shell; it needs `external: {commands: true}` in the configuration.
    `timeout` is in seconds.
    """

    command: Annotated[list[Word], Field(min_length=1, max_length=_MOST_WORDS)] | None = None
    webhook: WebUrl | None = None
    timeout: Annotated[float, Field(gt=0, le=_MOST_SECONDS)] = RECOVERY_SECONDS

    @model_validator(mode="after")
    def _one_of_both(self) -> RecoveryBody:
        if (self.command is None) == (self.webhook is None):
            raise ValueError("expected either a command or a webhook")
        if self.command and not self.command[0]:
            raise ValueError("expected a program and its arguments")
        return self

    def recovery(self) -> Recovery:
        """The same for the engine."""
        webhook = self.webhook.get_secret_value() if self.webhook else ""
        return Recovery(tuple(self.command or ()), webhook, self.timeout)


@Example(
    pid=4711,
    destination_url="rtmp://a.rtmp.youtube.com/live2/YOUR-KEY",
    progress_file="/run/timeline/progress.txt",
    recovery={"webhook": "http://127.0.0.1:9000/restart"},
)
class StartedBody(OrderBody):
    """A program that sends to `destination_url` has started as process `pid`.

    `start_time` is when that process began, in clock ticks since the boot (field 22 of /proc/PID/stat): with it, a
    process that got the same number since is refused. `progress_file` is what its FFmpeg writes by `-progress`,
    `progress_url` answers with such text. `replace`: also when the program before is there still.
    """

    pid: Annotated[int, Field(ge=1, le=_LAST_PID)]
    start_time: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    destination_url: Annotated[SecretStr, Field(min_length=1, max_length=_LONGEST), AfterValidator(_printable)]
    progress_file: Annotated[str, Field(max_length=_LONGEST), AfterValidator(_path)] | None = None
    progress_url: WebUrl | None = None
    recovery: RecoveryBody | None = None
    replace: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> StartedBody:
        if self.progress_file and self.progress_url:
            raise ValueError("expected a progress_file or a progress_url, not both")
        return self

    def announcement(self, name: str) -> Announcement:
        """The same for the engine."""
        return Announcement(
            name,
            self.pid,
            self.start_time,
            self.destination_url.get_secret_value(),
            self.progress_file or "",
            self.progress_url.get_secret_value() if self.progress_url else "",
            self.recovery.recovery() if self.recovery else None,
            self.replace,
        )


@Example(
    start_time=4931267,
    destination_url="rtmp://a.rtmp.youtube.com/live2/***",
    progress="file",
    recovery="webhook",
    name="show",
    pid=4711,
    since="2026-03-02T04:00:00.000Z",
    ended=None,
    watched=True,
    on_air=True,
    reason=None,
    recoveries=0,
    last_recovery=None,
)
class External(Shape, like=ExternalSnapshot, without=("begun", "shown_url", "progress", "recovery")):
    """A program that runs its own FFmpeg; everything else about it is under its name in /api/streams.

    It was announced at `since`, and told its planned end at `ended`. `watched`: its process is there. `recoveries`
    counts attempts since neverdark's start, `last_recovery` is `taken` or says why not. URLs are shown without secrets.
    """

    start_time: Annotated[int, From("begun")]
    since: AwareDatetime
    ended: AwareDatetime | None
    destination_url: Annotated[str, From("shown_url")]
    progress: Literal["file", "url"] | None
    recovery: Literal["command", "webhook"] | None


class ExternalList(Shape):
    """All that are known; what has ended is forgotten after a day."""

    external: list[External]


def external_router(control: Control) -> APIRouter:
    """The routes below /api/external. Who may use them is decided before: see `gate`."""
    router = APIRouter(prefix="/api/external", tags=["external"])
    _add_readings(router, control)
    _add_orders(router, control)
    return router


def _add_readings(router: APIRouter, control: Control) -> None:
    @router.get(
        "",
        summary="Programs that run their own FFmpeg",
        description="Those that are watched, and those that have ended within a day.",
        responses={200: {"model": ExternalList}, **REFUSED, 503: {"model": Problem}},
    )
    async def list_programs() -> Response:
        return await in_thread(lambda: answer({"external": [show(External, one) for one in control.externals()]}))

    @router.get(
        "/{stream}",
        summary="One program that runs its own FFmpeg",
        description="What only such a program has; the rest is under its name in /api/streams.",
        responses={200: {"model": External}, **_ANSWERS, 404: {"model": Problem}},
    )
    async def get_program(stream: Name) -> Response:
        def read() -> Response:
            for one in control.externals():
                if one.name == stream:
                    return answer(show(External, one))
            raise _no_such_program()

        return await in_thread(read)


def _add_orders(router: APIRouter, control: Control) -> None:
    @router.post(
        "/{stream}/started",
        summary="A program has started",
        description="409 for a process that is not there, has ended or is neverdark's own, and while the program "
        "before is there still. neverdark never signals it. Told again after a recovery, it confirms that.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": External}, **_ANSWERS},
    )
    async def started(stream: Name, body: StartedBody) -> Response:
        try:
            shown = await in_thread(lambda: control.program_started(body.announcement(stream)))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return answer(show(External, shown), 202)

    @router.post(
        "/{stream}/stopped",
        summary="A program ends as planned",
        description="To be told before it ends: what has failed before is an incident.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": External}, **_ANSWERS, 404: {"model": Problem}},
    )
    async def stopped(stream: Name) -> Response:
        shown = await in_thread(lambda: control.program_stopped(stream))
        if shown is None:
            raise _no_such_program()
        return answer(show(External, shown), 202)

    @router.delete(
        "/{stream}",
        summary="Forget a program that has ended",
        description="409 while it is watched.",
        dependencies=[TOKEN],
        responses={200: {"model": ExternalList}, **_ANSWERS, 404: {"model": Problem}},
    )
    async def forget(stream: Name) -> Response:
        try:
            known = await in_thread(lambda: control.forget_program(stream))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        if not known:
            raise _no_such_program()
        return answer({"external": [show(External, one) for one in control.externals()]})


def _no_such_program() -> HTTPException:
    return HTTPException(404, "there is no such program")
