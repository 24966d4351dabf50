"""The application: every route, put together."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from prometheus_client import CollectorRegistry, ProcessCollector

from exporter.api.alerts import alerts_router
from exporter.api.answers import add_error_answers, answer, in_thread
from exporter.api.config import config_router
from exporter.api.description import Description
from exporter.api.editing import editing_router
from exporter.api.external import external_router
from exporter.api.gate import HOLDER, REFUSED, TOKEN, Gate
from exporter.api.guard import PROOF, rule_for, scrape_rule_for
from exporter.api.history import history_router
from exporter.api.keys import NOBODY, Holder, Keys
from exporter.api.maintenance import maintenance_router
from exporter.api.many import orders_router
from exporter.api.methods import HeadIsGet
from exporter.api.models import Live, Problem, Ready, TokenIsRight
from exporter.api.platforms import platforms_router
from exporter.api.recordings import recordings_router
from exporter.api.recovery import recovery_router
from exporter.api.shapes import show_readiness
from exporter.api.streams import streams_router
from exporter.api.text import TextOnly
from exporter.api.thumbnails import thumbnails_router
from exporter.api.watchdog import watchdog_router
from exporter.collector import OPENMETRICS, TEXT, Collector
from exporter.negotiation import wants_gzip, wants_openmetrics
from exporter.traffic import Counted, Traffic
from supervisor.model.quantities import Address
from supervisor.model.snapshot import Control

_WEB: Final = Path(__file__).parent / "web"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FAILING: Final = {"application/json": {"example": {"status": "failing", "late": {"loop": 6.2}}}}
_DARK: Final = {
    "wanted": True,
    "on_air": False,
    "verified": True,
    "reason": "encoder: backoff after source_unreachable",
}
_NOT_READY: Final = {"application/json": {"example": {"status": "not ready", "streams": {"harbour-cam": _DARK}}}}
_SCRAPED: Final = {
    "schema": {"type": "string"},
    "example": "# HELP livestream_stream_on_air 1 while every required destination of the stream advances.\n"
    "# TYPE livestream_stream_on_air gauge\n"
    'livestream_stream_on_air{stream="harbour-cam"} 1\n',
}
# Nothing but our own files: no script, style or request of anyone else's, and no frame around the page.
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def build_app(
    control: Control, listen: Address, keys: Keys, version: str, collector: Collector, traffic: Traffic
) -> FastAPI:
    """Page, API, health and metrics of `control`. `listen` and `keys` decide who may read and give orders."""
    app = FastAPI(
        title="neverdark",
        version=version,
        description=(
            "Reading needs no token under this machine's own name. Orders (all but GET and HEAD) need "
            "`Authorization: Bearer …` when there are tokens, and under other names, as behind a reverse proxy, "
            "readings do too. A token has the scope `control`, or `read` and then gives no orders; "
            "with `alerts` it is for `/api/alerts` alone."
        ),
        openapi_url=None,  # as the two others, in a way of our own: see Description
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would name a host, and behind a proxy the wrong path
    )
    app.add_middleware(HeadIsGet)
    app.add_middleware(TextOnly)
    app.add_middleware(Gate, rule=rule_for(listen), keys=keys, traffic=traffic, ordered=control.ordered)
    add_error_answers(app)
    app.add_middleware(Counted, traffic=traffic)
    _add_health(app, control)
    _add_metrics(app, control, collector)
    app.include_router(streams_router(control, version, keys.needed))
    app.include_router(editing_router(control))
    app.include_router(orders_router(control))
    app.include_router(recovery_router(control))
    app.include_router(recordings_router(control))
    app.include_router(watchdog_router(control))
    app.include_router(thumbnails_router(control))
    app.include_router(history_router(control))
    app.include_router(alerts_router(control))
    app.include_router(maintenance_router(control))
    app.include_router(external_router(control))
    app.include_router(platforms_router(control))
    app.include_router(config_router(control))
    _add_token(app)
    _add_pages(app, Description(app, keys.needed))
    return app


def build_scrape_app(control: Control, listen: Address, keys: Keys, collector: Collector, traffic: Traffic) -> FastAPI:
    """/metrics, /healthz and /readyz alone, for a listener of their own."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(HeadIsGet)
    app.add_middleware(Gate, rule=scrape_rule_for(listen), keys=keys, traffic=traffic, ordered=control.ordered)
    add_error_answers(app)
    app.add_middleware(Counted, traffic=traffic)
    _add_health(app, control)
    _add_metrics(app, control, collector)
    return app


def new_collector(version: str, revision: str, traffic: Traffic) -> Collector:
    """What answers to scrapes, with neverdark's own process in it."""
    itself = CollectorRegistry()
    ProcessCollector(registry=itself)
    return Collector(version, revision, itself, traffic)


def _add_health(app: FastAPI, control: Control) -> None:
    @app.get(
        "/healthz",
        tags=["health"],
        summary="Does neverdark itself live?",
        description="503 names the part (`loop`, `scheduler`) that is late. Never depends on a stream.",
        responses={200: {"model": Live}, 503: {"model": Live, "description": "It does not", "content": _FAILING}},
    )
    async def healthz() -> Response:
        # Not in a thread: it must answer even when every worker waits for an engine that hangs.
        late = control.late()
        if late:
            return answer({"status": "failing", "late": dict(late)}, 503)
        return answer({"status": "ok"})

    @app.get(
        "/readyz",
        tags=["health"],
        summary="Is every wanted stream on air?",
        description="503 while one is not. Streams that are stopped on purpose do not count.",
        responses={200: {"model": Ready}, 503: {"model": Ready, "description": "Not all are", "content": _NOT_READY}},
    )
    async def readyz() -> Response:
        readiness = await in_thread(lambda: show_readiness(control.snapshot()))
        return answer(readiness, 200 if readiness["status"] == "ready" else 503)


def _add_token(app: FastAPI) -> None:
    @app.get(
        PROOF,
        tags=["token"],
        summary="Is the token right?",
        description="Does nothing, and always needs a token when there are any: to try one before an order. "
        "Says whose it is, and what it may do.",
        dependencies=[TOKEN],
        responses={200: {"model": TokenIsRight}, **REFUSED},
    )
    async def token(request: Request) -> Response:
        holder: Holder = getattr(request.state, HOLDER, NOBODY)
        return answer({"token": "right", "name": holder.name, "scope": holder.scope})


def _add_metrics(app: FastAPI, control: Control, collector: Collector) -> None:
    @app.get(
        "/metrics",
        tags=["health"],
        summary="Metrics for Prometheus",
        description="Prometheus' text format or OpenMetrics, by Accept; gzip by Accept-Encoding.",
        response_class=Response,
        responses={
            200: {"content": dict.fromkeys(("text/plain", "application/openmetrics-text"), _SCRAPED)},
            503: {"model": Problem},
        },
    )
    async def metrics(request: Request) -> Response:
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        gzip = wants_gzip(request.headers.get("accept-encoding", ""))
        body = await in_thread(lambda: collector.exposition(control.snapshot(), openmetrics=openmetrics, gzip=gzip))
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if gzip:
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)


def _add_pages(app: FastAPI, description: Description) -> None:
    # Read once: a page that is replaced on disk while neverdark runs would not fit the API that it talks to.
    files = {path.name: path.read_bytes() for path in _WEB.iterdir() if path.suffix in _KINDS}
    index = (_WEB / "index.html").read_bytes()

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(index, headers=_PAGE_HEADERS)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(await in_thread(description.page), headers=_PAGE_HEADERS)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(await in_thread(description.text), media_type="application/json")

    @app.get("/web/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in files:
            return answer({"detail": "Not Found"}, 404)
        return Response(files[name], headers=_PAGE_HEADERS, media_type=_KINDS[Path(name).suffix])
