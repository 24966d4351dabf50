"""Google's own description of the API, and what a call has against it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.youtube.model import Json

_DOCUMENT = "discovery_cache/documents/youtube.v3.json"
_RESOURCES = ("liveBroadcasts", "liveStreams", "channels", "videos", "thumbnails")
# The description calls it required, the reference calls it deprecated in favour of resolution and frameRate.
_DEPRECATED = {"cdn.format"}
_BOOLEANS = {"true", "false"}
# What nobody may put into an address: it stands in the logs of every proxy.
_SECRETS = {"access_token", "oauth_token"}


class Method(NamedTuple):
    """One method: `liveBroadcasts.insert`, and what the document says of it."""

    name: str
    verb: str
    paths: tuple[str, ...]  # several for an upload
    about: Json

    @property
    def parameters(self) -> Json:
        parameters: Json = self.about.get("parameters", {})
        return parameters

    @property
    def uploads(self) -> bool:
        return "mediaUpload" in self.about

    def schema(self, what: str) -> str | None:
        """Of the `request` or the `response`."""
        reference = self.about.get(what)
        return str(reference["$ref"]) if reference else None


@cache
def document() -> Json:
    """The document, from the package that ships it; nothing of that package is imported."""
    package = importlib.util.find_spec("googleapiclient")
    assert package, "google-api-python-client is not installed"
    assert package.submodule_search_locations
    text = (Path(package.submodule_search_locations[0]) / _DOCUMENT).read_text(encoding="utf-8")
    read: Json = json.loads(text)
    return read


@cache
def methods() -> tuple[Method, ...]:
    """Those of the resources that live streaming needs."""
    found = []
    for resource in _RESOURCES:
        for name, about in document()["resources"][resource]["methods"].items():
            upload = about.get("mediaUpload")
            uploads = [protocol["path"] for protocol in upload["protocols"].values()] if upload else []
            paths = (f"/{about['path']}", *uploads)
            found.append(Method(f"{resource}.{name}", about["httpMethod"], paths, about))
    return tuple(found)


def method_of(verb: str, path: str) -> Method | None:
    """Which method this is."""
    return next((method for method in methods() if method.verb == verb and path in method.paths), None)


def faults(method: Method, query: Sequence[tuple[str, str]], body: bytes, kind: str) -> list[str]:
    """What is ill-formed about a call; `kind` is its content type."""
    return [*_of_query(method, query), *_of_body(method, query, body, kind)]


def _of_query(method: Method, query: Sequence[tuple[str, str]]) -> Iterator[str]:
    common = document()["parameters"]
    for name in sorted({name for name, _ in query}):
        values = [value for key, value in query if key == name]
        about = method.parameters.get(name) or common.get(name)
        if about is None:
            yield f"there is no parameter {name}"
            continue
        if name in _SECRETS:
            yield f"{name} stands in the address"
            continue
        if len(values) > 1 and not about.get("repeated"):
            yield f"{name} is given {len(values)} times"
        for value in values:
            yield from _of_value(method, name, value, about)
    given = {name for name, value in query if value}
    for name, about in method.parameters.items():
        if about.get("required") and name not in given:
            yield f"the parameter {name} is missing"


def _of_value(method: Method, name: str, value: str, about: Json) -> Iterator[str]:
    if name == "part":
        schema = _schema(method.schema("response") or "")
        # Of a list, the parts are those of what it lists.
        if "items" in schema:
            schema = _schema(str(schema["items"]["items"]["$ref"]))
        parts = {part for part, of in schema.items() if "$ref" in of or of["type"] == "object"} | {"id"}
        for part in sorted(set(value.split(",")) - parts):
            yield f"there is no part {part!r}"
    elif "enum" in about and value not in about["enum"]:
        yield f"{name}={value} is none of {', '.join(about['enum'])}"
    elif about["type"] == "boolean" and value not in _BOOLEANS:
        yield f"{name}={value} is neither true nor false"
    elif about["type"] == "integer":
        least, most = int(about.get("minimum", 0)), int(about.get("maximum", 2**31))
        if not value.isdecimal() or not least <= int(value) <= most:
            yield f"{name}={value} is no number from {least} to {most}"


def _of_body(method: Method, query: Sequence[tuple[str, str]], body: bytes, kind: str) -> Iterator[str]:
    schema = method.schema("request")
    if method.uploads and schema is None:
        yield from _of_upload(method, body, kind)
        return
    if schema is None:
        if body.strip() not in {b"", b"{}"}:
            yield "it has a body"
        return
    if kind.partition(";")[0].strip() != "application/json":
        yield f"its content type is {kind or 'not said'}"
    try:
        read = json.loads(body)
    except ValueError:
        yield "its body is no JSON"
        return
    yield from _of_thing(read, schema, "")
    if isinstance(read, dict):
        parts = {part for name, value in query if name == "part" for part in value.split(",")}
        yield from (f"the part {name} is written and not named" for name in sorted(_parts(read) - parts))
        named = {name: part for name, part in read.items() if name in parts or name not in _parts(read)}
        yield from _missing(named, schema, f"youtube.{method.name}", "", parts)


def _parts(read: Json) -> set[str]:
    return {name for name, value in read.items() if isinstance(value, dict)}


def _of_upload(method: Method, body: bytes, kind: str) -> Iterator[str]:
    accepted = method.about["mediaUpload"]["accept"]
    if kind.partition(";")[0].strip() not in accepted:
        yield f"its content type is {kind or 'not said'}, none of {', '.join(accepted)}"
    if not body:
        yield "it has no body"


def _of_thing(value: Any, schema: str, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where or 'the body'} is no {schema}"
        return
    fields = _schema(schema)
    for name, given in value.items():
        at = f"{where}.{name}".removeprefix(".")
        if name not in fields:
            yield f"{schema} has no field {at}"
        else:
            yield from _of_field(given, fields[name], at)


def _of_field(value: Any, about: Json, at: str) -> Iterator[str]:
    if "$ref" in about:
        yield from _of_thing(value, about["$ref"], at)
    elif about["type"] == "array":
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for number, item in enumerate(value):
            yield from _of_field(item, about["items"], f"{at}[{number}]")
    elif not isinstance(value, _TYPES[about["type"]]) or (isinstance(value, bool) and about["type"] != "boolean"):
        yield f"{at} is no {about['type']}"
    elif "enum" in about and value not in about["enum"]:
        yield f"{at}: {value!r} is none of {', '.join(about['enum'])}"


def _missing(value: Json, schema: str, method: str, where: str, parts: set[str]) -> Iterator[str]:
    """Fields that the method requires; of the parts that are named, written or not."""
    for name, about in _schema(schema).items():
        at = f"{where}.{name}".removeprefix(".")
        if "$ref" in about:
            if name in parts or where:
                inner = value.get(name, {})
                yield from _missing(inner if isinstance(inner, dict) else {}, about["$ref"], method, at, parts)
        elif _required(about, method) and name not in value and at not in _DEPRECATED:
            yield f"{at} is missing"


def _required(about: Json, method: str) -> bool:
    return method in about.get("annotations", {}).get("required", ())


def _schema(name: str) -> Json:
    fields: Json = document()["schemas"].get(name, {}).get("properties", {})
    return fields


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "any": object,
}
