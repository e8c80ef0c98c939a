"""The settings of a site that differ from site to site, carried by environment variables."""

import json
from collections.abc import Mapping
from typing import Any

FOLDER = "ENGINES_FOLDER"
SITE = "ENGINES_SITE"


def from_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return Django settings by name, from the variable that `to_environment` wrote."""
    settings: dict[str, Any] = json.loads(variables[SITE])
    return settings


def to_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return variables that carry settings of a site; their values must be JSON."""
    return {SITE: json.dumps(settings), FOLDER: str(settings[FOLDER])}
