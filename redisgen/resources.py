"""Where templates/ and schemas/ are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _shipped(name: str) -> Path:
    # A wheel carries the folder inside the package; a checkout keeps it beside.
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


TEMPLATES = _shipped("templates")
COMPILED_TEMPLATES = _PACKAGE / "compiled_templates"  # only in a wheel
SCHEMAS = _shipped("schemas")
