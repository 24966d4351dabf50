"""/docs: the OpenAPI description as one plain page. FastAPI's own loads parts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – API</title>
<link rel="stylesheet" href="web/style.css">
<link rel="icon" href="web/on.svg">
<main class="docs">
<h1>{title} <small>{version}</small></h1>
<p>{description}</p>
<p><a href="./">Status page</a> · <a href="openapi.json">openapi.json</a></p>
{operations}
<h2>Shapes</h2>
{shapes}
</main>
</html>
"""


def docs_page(openapi: Mapping[str, Any]) -> str:
    """A page for people from `openapi`, an OpenAPI 3 document."""
    operations = [
        _operation(method.upper(), path, operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]
    shapes = [
        _shape(name, schema)
        for name, schema in openapi.get("components", {}).get("schemas", {}).items()
        if "ValidationError" not in name  # FastAPI's own; our errors are all alike
    ]
    return _PAGE.format(
        title=escape(openapi["info"]["title"]),
        version=escape(openapi["info"]["version"]),
        description=_prose(openapi["info"].get("description", "")),
        operations="\n".join(operations),
        shapes="\n".join(shapes),
    )


def _prose(text: str) -> str:
    """Text with `code` in backquotes."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = [
        f"<tr><td><code>{escape(item['name'])}</code><td>{escape(item['in'])}<td>{_type(item['schema'])}"
        f"<td>{_prose(item.get('description', ''))}"
        for item in operation.get("parameters", [])
    ]
    answers = [
        f"<tr><td>{escape(status)}<td>{_content(response)}" for status, response in operation["responses"].items()
    ]
    return (
        f'<section><h2><span class="method">{method}</span> <code>{escape(path)}</code></h2>'
        f"<p><strong>{escape(operation['summary'])}</strong> {_prose(operation.get('description', ''))}</p>"
        + (f"<p>Body: {_content(operation['requestBody'])}</p>" if "requestBody" in operation else "")
        + (f"<table><tr><th>Parameter<th>In<th>Type<th>{''.join(parameters)}</table>" if parameters else "")
        + f"<table><tr><th>Status<th>Answer{''.join(answers)}</table></section>"
    )


def _content(response: Mapping[str, Any]) -> str:
    content: Mapping[str, Any] = response.get("content", {})
    return ", ".join(_type(body["schema"]) if body.get("schema") else escape(kind) for kind, body in content.items())


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(key)}</code><td>{_type(value)}" for key, value in schema.get("properties", {}).items()
    ]
    values = ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", []))
    return (
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>'
        + (f"<p>{values}</p>" if values else "")
        + (f"<table>{''.join(rows)}</table>" if rows else "")
        + "</section>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A type in words, with links to the shapes."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    match schema.get("type"):
        case "array":
            shown = f"list of {_type(schema.get('items', {}))}"
        case "object":
            shown = f"map of {_type(schema.get('additionalProperties', {}))}"
        case "string" if schema.get("format") == "date-time":
            shown = "time (UTC)"
        case other:
            shown = escape(str(other or "anything"))
    return shown
