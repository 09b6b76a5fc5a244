"""The generated parts about the call record and the HTTP API: from their JSON schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from tables import table

from host.records.record import CallRecord
from host.server.api.app import make_api

Schema = Mapping[str, Any]
METHODS = ("post", "get", "delete")
COMMON = ("Problem", "Fault", "Faults", "Refusal", "HTTPValidationError", "ValidationError")
"""What the API answers to a request that it rejects: docs/api.md describes it."""


def record_tables() -> str:
    """Return the fields of a call record, and those of what is in it."""
    schema = CallRecord.model_json_schema()
    return "\n\n".join([_fields(schema), *_sections(schema["$defs"])])


def api_sections() -> str:
    """Return a section for each request of the API, and for what it takes and returns."""
    # Without the loaded personas, which only a running API knows.
    described = FastAPI.openapi(make_api(None, lambda: None))  # type: ignore[arg-type]
    parts = []
    for path, requests in described["paths"].items():
        for method in METHODS:
            if request := requests.get(method):
                parts += [f"## {method.upper()} {path}", request["description"], *_request(request)]
    return "\n\n".join([*parts, *_sections(described["components"]["schemas"])])


def _sections(schemas: Schema) -> Iterator[str]:
    for name, schema in schemas.items():
        if "properties" in schema and name not in COMMON:
            yield f"## {name}"
            if described := schema.get("description"):
                yield described
            yield _fields(schema)


def _request(request: Schema) -> Iterator[str]:
    parameters = request.get("parameters", [])
    if parameters:
        yield table(
            ("parameter", "in", "type", "meaning"),
            (
                (f"`{each['name']}`", each["in"], _type(each["schema"]), _meaning(each))
                for each in parameters
            ),
        )
    if body := request.get("requestBody"):
        yield f"The body is {_type(body['content']['application/json']['schema'])}."
    yield table(
        ("status", "body", "meaning"),
        (
            (status, _body(answer), answer["description"].replace("Successful Response", "done"))
            for status, answer in sorted(request["responses"].items())
        ),
    )


def _body(answer: Schema) -> str:
    return _type(answer.get("content", {}).get("application/json", {}).get("schema", {}))


def _fields(schema: Schema) -> str:
    needed = schema.get("required", ())
    return table(
        ("field", "type", "always", "meaning"),
        (
            (f"`{name}`", _type(each), "yes" if name in needed else "", _meaning(each))
            for name, each in schema["properties"].items()
        ),
    )


def _meaning(described: Schema) -> str:
    return str(described.get("description", ""))


def _type(schema: Schema) -> str:
    """Return a type in words: `text`, `time`, `list of Transfer`, `` `inbound` or `outbound` ``."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return "[outcome](commands.md)" if name == "Outcome" else _link(name)
    if several := schema.get("anyOf"):
        return " or ".join(_type(each) for each in several)
    if "const" in schema:
        return f"`{schema['const']}`"
    if values := schema.get("enum"):
        return " or ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time"
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    kind = str(schema.get("type", ""))
    return words.get(kind, kind)


def _link(name: str) -> str:
    if name in COMMON:
        return f"`{name}`"
    return f"[{name}](#{name.lower()})"
