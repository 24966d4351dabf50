"""/docs: the OpenAPI description as one plain page. FastAPI's own loads parts from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

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
<nav>{contents}</nav>
{operations}
<h2 id="errors">Errors</h2>
{errors}
<h2 id="shapes">Shapes</h2>
{shapes}
</main>
</html>
"""
_BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "at most {}"),
)


def docs_page(openapi: Mapping[str, Any]) -> str:
    """A page for people from `openapi`, an OpenAPI 3 document."""
    components = openapi.get("components", {})
    by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(next(iter(operation.get("tags", ())), "other"), []).append((method, path, operation))
    return _PAGE.format(
        title=escape(openapi["info"]["title"]),
        version=escape(openapi["info"]["version"]),
        description=_prose(openapi["info"].get("description", "")),
        contents="".join(_contents(tag, listed) for tag, listed in by_tag.items()),
        operations="\n".join(
            f"<h2>{escape(tag.capitalize())}</h2>" + "\n".join(_operation(*each) for each in listed)
            for tag, listed in by_tag.items()
        ),
        errors=_table(
            ("Status", "Means", "Answer"),
            (
                f'<tr id="error-{status}"><td>{status}<td>{_prose(error["description"])}<td>{_content(error)}'
                for status, error in _errors(openapi["paths"], components.get("responses", {}))
            ),
        ),
        shapes="\n".join(_shape(name, schema) for name, schema in components.get("schemas", {}).items()),
    )


def _prose(text: str) -> str:
    """Text with `code` in backquotes; an empty line begins a paragraph."""
    pieces = escape(text).split("`")
    shown = "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
    return shown.replace("\n\n", "<br><br>")


def _anchor(method: str, path: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in f"{method}{path}")


def _contents(tag: str, listed: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    links = "".join(
        f'<li><a href="#{_anchor(method, path)}"><span class="method">{escape(method.upper())}</span> '
        f"<code>{escape(path)}</code></a> {escape(operation['summary'])}"
        for method, path, operation in listed
    )
    return f"<p>{escape(tag.capitalize())}<ul>{links}</ul>"


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    shown = "".join(rows)
    return f'<div class="wide"><table><tr><th>{"<th>".join(heads)}{shown}</table></div>' if shown else ""


def _errors(
    paths: Mapping[str, Any], responses: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """What is answered in the same way by all operations: status and meaning."""
    found = {}
    for methods in paths.values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    found[str(status)] = responses[response["$ref"].rpartition("/")[2]]
    return sorted(found.items())


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    answers, errors = [], []
    for status, response in operation["responses"].items():
        if "$ref" in response:
            errors.append(f'<a href="#error-{escape(status)}">{escape(status)}</a>')
        else:
            means = response["description"]
            said = "" if means == "Successful Response" else f"{_prose(means)} "
            answers.append(f"<tr><td>{escape(status)}<td>{said}{_content(response)}")
    if errors:
        answers.append(f"<tr><td>Errors<td>{' '.join(errors)}")
    needs = operation.get("security") and {} not in operation["security"]
    return (
        f'<section id="{_anchor(method, path)}"><h3><span class="method">{escape(method.upper())}</span> '
        f"<code>{escape(path)}</code></h3>"
        f"<p><strong>{escape(operation['summary'])}</strong> {_prose(operation.get('description', ''))}"
        f"{' <em>Needs a token.</em>' if needs else ''}</p>"
        + _table(("Parameter", "In", "Type", "Meaning"), map(_parameter, operation.get("parameters", ())))
        + (f"<p>Body: {_content(operation['requestBody'])}</p>" if "requestBody" in operation else "")
        + _table(("Status", "Answer"), answers)
        + "</section>"
    )


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema, said = parameter["schema"], _prose(parameter.get("description", ""))
    if "example" in parameter:
        said += f"; for example <code>{escape(_plain(parameter['example']))}</code>"
    if schema.get("default") is not None:
        said += f"; <code>{escape(_plain(schema['default']))}</code> if it is left out"
    name = f"<code>{escape(parameter['name'])}</code>{'' if parameter.get('required') else ' (optional)'}"
    return f"<tr><td>{name}<td>{escape(parameter['in'])}<td>{_type(schema)}<td>{said}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _content(response: Mapping[str, Any]) -> str:
    content: Mapping[str, Any] = response.get("content", {})
    return "".join(_body(kind, body) for kind, body in content.items())


def _body(kind: str, body: Mapping[str, Any]) -> str:
    as_json = kind == "application/json"
    shown = _type(body["schema"]) if as_json and body.get("schema") else escape(kind)
    if "example" not in body:
        return shown
    example = json.dumps(body["example"], indent=2, ensure_ascii=False) if as_json else str(body["example"])
    return f"<details><summary>{shown}</summary><pre>{escape(example)}</pre></details>"


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    rows = (
        f"<tr><td><code>{escape(key)}</code><td>{_type(value)}" for key, value in schema.get("properties", {}).items()
    )
    values = ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", []))
    return (
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{_prose(schema.get("description", ""))}</p>'
        + (f"<p>{values}</p>" if values else "")
        + _table(("Key", "Type"), rows)
        + "</section>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A type in words, with links to the shapes and what bounds it."""
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
            values = schema.get("additionalProperties")  # True: anything
            shown = f"map of {_type(values if isinstance(values, Mapping) else {})}"
        case "string" if schema.get("format") == "date-time":
            shown = "time (UTC)"
        case other:
            shown = escape(str(other or "anything"))
    bounds = [words.format(schema[key]) for key, words in _BOUNDS if key in schema]
    return shown + (f" ({', '.join(bounds)})" if bounds else "")
