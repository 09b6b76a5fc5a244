"""Asks a persona what a dispatch's metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from host.errors import MetadataError

if TYPE_CHECKING:
    from host.registry import View


def parse_details(hook: View, metadata: Mapping[str, Any]) -> object:
    """Return what `parse_metadata` makes of the metadata. Raises MetadataError, one line."""
    try:
        return hook.parse_metadata(metadata=metadata)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc']) or 'metadata'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise MetadataError(f"the metadata does not fit: {'; '.join(faults)}") from error
    except KeyError as error:
        raise MetadataError(f"the metadata does not fit: {error} is missing") from error
    except ValueError as error:
        raise MetadataError(f"the metadata does not fit: {error}") from error
