"""Completes the API's description: a route says what is its own, and what holds for all of them is said here.

Those are the errors of the layers around the routes, who needs a token, and the examples.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from exporter.api.docs import docs_page
from exporter.api.example import examples
from exporter.api.guard import OPEN, PROOF
from exporter.api.models import Problem
from exporter.traffic import is_order

TOKEN: Final = "token"  # noqa: S105 - the name of the security scheme
_JSON: Final = "application/json"
_SCHEMAS: Final = "#/components/schemas/"
_PROBLEM: Final = f"{_SCHEMAS}Problem"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})


class _Error(NamedTuple):
    """What an error means wherever it comes from, what it says for example, and the headers that come with it."""

    name: str
    means: str
    says: str
    headers: Mapping[str, str] = {}


_ERRORS: Final = {
    400: _Error("Unreadable", "It is no HTTP request, or something in it is no text.", "this is no HTTP request"),
    401: _Error(
        "NoToken",
        "A token is needed, or it is wrong.",
        "a bearer token is needed: Authorization: Bearer …",
        {"WWW-Authenticate": "string"},
    ),
    403: _Error(
        "Forbidden",
        "The token may only read, or the request comes from another site or by a name that needs a token.",
        "this token may only read: an order needs one with the scope control",
    ),
    404: _Error("NotFound", "There is nothing of that name.", "there is no such stream"),
    409: _Error(
        "Conflict",
        "It cannot be done as things are.",
        "the stream is in the configuration file: change it there",
    ),
    413: _Error("TooLarge", "The body is too large.", "the body is larger than 65536 bytes"),
    422: _Error(
        "Misunderstood",
        "A parameter or a key of the body is not what was expected.",
        "limit: Input should be less than or equal to 1000",
    ),
    429: _Error(
        "TooMany",
        "Many wrong tokens are being tried from the same address.",
        "too many wrong tokens are being tried; try again in a moment",
        {"Retry-After": "integer"},
    ),
    431: _Error(
        "HeadTooLarge",
        "Request line and headers are too large.",
        "request line and headers are larger than 16384 bytes",
    ),
    500: _Error("Mistake", "A mistake of neverdark's own.", "an internal error; neverdark's log says where"),
    503: _Error("NotAnswering", "neverdark's engine does not answer.", "neverdark's engine does not answer"),
}
_ALWAYS: Final = (400, 413, 431, 500)
# Of the parameters that many routes have: an example, and what they are.
_PARAMETERS: Final = {
    "stream": ("harbour-cam", "the name of a stream"),
    "destination": ("youtube", "the name of one of the stream's destinations"),
}


class Description:
    """The description of an application, made once somebody asks: it takes as long as a fifth of neverdark's start.

    `needs_token` tells whether orders need one; it may block, and so may all that is asked here.
    """

    def __init__(self, app: FastAPI, needs_token: Callable[[], bool]) -> None:
        self._app = app
        self._needs_token = needs_token
        self._made: dict[bool, tuple[str, str]] = {}

    def text(self) -> str:
        """The document, as JSON."""
        return self._texts()[0]

    def page(self) -> str:
        """The same for people."""
        return self._texts()[1]

    def _texts(self) -> tuple[str, str]:
        needed = self._needs_token()
        if needed not in self._made:
            app = self._app
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _complete(document, needs_token=needed)
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            self._made[needed] = text, docs_page(document)
        return self._made[needed]


def _complete(document: dict[str, Any], *, needs_token: bool) -> None:
    """Add to an OpenAPI 3.1 document of FastAPI's what it does not say yet.

    A response of a route's own with a description of its own stays as it is.
    """
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.setdefault("Problem", Problem.model_json_schema())
    for name, example in examples().items():
        if name in schemas:  # FastAPI would leave out what is null
            schemas[name]["examples"] = [example]
    components["responses"] = {error.name: _response(error) for error in _ERRORS.values()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                operation["security"] = _security(method, path, needs_token=needs_token)
                _add_errors(path, operation)
                _add_examples(operation, schemas)
    used = _named(document["paths"]) | _named(components["responses"])
    while more := _named([schemas[name] for name in used]) - used:
        used |= more
    components["schemas"] = {name: schema for name, schema in schemas.items() if name in used}


def _named(part: Any) -> set[str]:
    """The schemas that something refers to by their name."""
    if isinstance(part, dict):
        here = {part["$ref"].removeprefix(_SCHEMAS)} if str(part.get("$ref", "")).startswith(_SCHEMAS) else set()
        return here.union(*map(_named, part.values()))
    return set().union(*map(_named, part)) if isinstance(part, list) else set()


def _response(error: _Error) -> dict[str, Any]:
    content = {_JSON: {"schema": {"$ref": _PROBLEM}, "example": {"detail": error.says}}}
    headers = {name: {"required": True, "schema": {"type": kind}} for name, kind in error.headers.items()}
    return {"description": error.means, "content": content} | ({"headers": headers} if headers else {})


def _security(method: str, path: str, *, needs_token: bool) -> list[dict[str, list[str]]]:
    """While there is no token one may come and is not asked for; so it is with readings under our own name."""
    if path in OPEN:
        return []
    required = needs_token and (is_order(method.upper()) or path == PROOF)
    return [{TOKEN: []}] if required else [{}, {TOKEN: []}]


def _add_errors(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    codes = {*_ALWAYS}
    if path not in OPEN:
        codes |= {401, 403, 429, 503}
    if "parameters" in operation or "requestBody" in operation:
        codes.add(422)
    if "{" in path:
        codes.add(404)
    for code in sorted({*map(str, codes)} | {*responses}):
        error = _ERRORS.get(int(code)) if code.isdecimal() else None
        if error and _is_plain(int(code), responses.get(code)):
            responses[code] = {"$ref": f"#/components/responses/{error.name}"}
    operation["responses"] = dict(sorted(responses.items()))


def _is_plain(code: int, response: Mapping[str, Any] | None) -> bool:
    """Whether a route says nothing of its own about an error."""
    if response is None:
        return True
    schema = response.get("content", {}).get(_JSON, {}).get("schema", {})
    ours = schema.get("$ref") == _PROBLEM and response["description"] == HTTPStatus(code).phrase
    return ours or str(schema.get("$ref", "")).endswith("/HTTPValidationError")


def _add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        usual, means = _PARAMETERS.get(parameter["name"], (None, None))
        example = next(iter(parameter["schema"].get("examples", ())), usual)
        if example is not None:
            parameter.setdefault("example", example)
        if means is not None:
            parameter.setdefault("description", means)
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in part.get("content", {}).values():
            shown = _example(content.get("schema", {}), schemas)
            if shown is not None and not content.keys() & {"example", "examples"}:
                content["example"] = shown


def _example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Of the schema itself, or of the first that it may be."""
    named = schemas.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    if "examples" in named:
        return named["examples"][0]
    return next((found for kind in schema.get("anyOf", ()) if (found := _example(kind, schemas)) is not None), None)
