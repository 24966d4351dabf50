"""/api/orders: one order to several streams, answered for each."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from exporter.api.answers import answer, in_thread
from exporter.api.example import Example
from exporter.api.gate import REFUSED, TOKEN, tell_order
from exporter.api.models import OrderedAll, Problem
from exporter.api.orders import StreamOrder
from exporter.api.shape import show_time
from supervisor.model.selection import LABEL, LABEL_VALUE, MOST_LABELS, NAME, Selection
from supervisor.model.snapshot import Control, StreamAnswer, Verb
from supervisor.model.subjects import Subject

_MOST: Final = 10_000
_TAKEN, _NOT_NOW = 202, 409
_PARTLY: Final = 207

# The rule between the keys, for who makes bodies of the documentation.
_IN_ONE_WAY: Final[dict[str, Any]] = {
    "oneOf": [
        {
            "required": ["streams"],
            "properties": {"streams": {"type": "array"}, "group": {"type": "null"}, "labels": {"type": "null"}},
        },
        {
            "properties": {"streams": {"type": "null"}},
            "anyOf": [
                {"required": ["group"], "properties": {"group": {"type": "string"}}},
                {"required": ["labels"], "properties": {"labels": {"type": "object"}}},
            ],
        },
    ]
}

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Label = Annotated[str, StringConstraints(pattern=f"^{LABEL.pattern}$")]
LabelValue = Annotated[str, StringConstraints(pattern=f"^{LABEL_VALUE.pattern}$")]


@Example(action="restart", group="lobby", until="2h", reason="new switch")
class ManyOrder(StreamOrder):
    """An order to the `streams` that are named, or to those of a `group` and with `labels`: all that is said must fit.

    `until` and `reason` are as in an order to one.
    """

    model_config = ConfigDict(json_schema_extra=_IN_ONE_WAY)

    action: Verb
    streams: Annotated[list[Name], Field(min_length=1, max_length=_MOST)] | None = None
    group: Name | None = None
    labels: Annotated[dict[Label, LabelValue], Field(min_length=1, max_length=MOST_LABELS)] | None = None

    @model_validator(mode="after")
    def _names_them_in_one_way(self) -> Self:
        if (self.streams is None) == (self.group is None and self.labels is None):
            raise ValueError("expected either streams, or a group, labels or both")
        return self

    @property
    def meant(self) -> list[Selection]:
        """The streams, each of which fits one of these."""
        if self.streams is not None:
            return [Selection(stream=name) for name in self.streams]
        return [Selection(group=self.group, labels=self.labels or {})]


def orders_router(control: Control) -> APIRouter:
    """The route /api/orders. Who may use it is decided before: see `gate`."""
    router = APIRouter(prefix="/api/orders", tags=["streams"])

    @router.post(
        "",
        summary="Start, stop or restart several streams",
        description="One after the other, each as if it had been ordered alone. 207 if some of them were refused. "
        "404, and nothing is done, if a name is unknown or nothing fits.",
        status_code=202,
        dependencies=[TOKEN],
        responses={
            **{code: {"model": OrderedAll} for code in (202, 207)},
            **REFUSED,
            **{code: {"model": Problem} for code in (404, 422, 503)},
        },
    )
    async def order_many(request: Request, body: ManyOrder) -> Response:
        meant = body.meant
        answers = await in_thread(lambda: control.request_all(body.action, meant, body.until, body.reason))
        if not answers:
            raise HTTPException(404, f"no stream fits {meant[0]}")
        if unknown := [one.stream for one in answers if one.wanted is None and one.refused is None]:
            raise HTTPException(404, f"there is no such stream: {', '.join(unknown)}")
        taken = [one.stream for one in answers if one.refused is None]
        tell_order(request, body.action, *map(Subject, taken))
        shown = [_shown(one) for one in answers]
        whole = {"action": body.action, "accepted": len(taken), "streams": shown}
        return answer(whole, _TAKEN if len(taken) == len(answers) else _PARTLY)

    return router


def _shown(one: StreamAnswer) -> dict[str, Any]:
    return {
        "stream": one.stream,
        "status": _TAKEN if one.refused is None else _NOT_NOW,
        "detail": one.refused,
        "until": show_time(one.wanted.until) if one.wanted else None,
    }
