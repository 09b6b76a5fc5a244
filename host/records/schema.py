"""The JSON schema of a call record, for programs that read the log."""

from __future__ import annotations

import json

from host.records.record import CallRecord


def schema() -> str:
    """Return the content of docs/call-record.schema.json."""
    described = CallRecord.model_json_schema()
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | described, indent=2)
