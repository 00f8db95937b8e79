"""The Jinja environment, in which every value that a template prints comes out as YAML of its own."""

from __future__ import annotations

from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined, Undefined
from markupsafe import Markup

from redisgen.emit import block, scalar
from redisgen.resources import COMPILED_TEMPLATES, TEMPLATES


def environment() -> Environment:
    """Return an environment over the templates: those a wheel carries compiled, or those of a checkout.

    `{{ value }}` prints one YAML value, quoted where it must be; `{{ value | block(6) }}` a mapping or sequence whose
    first line stands at column 6. No filter is to be remembered, so none can be forgotten.
    """
    loader: BaseLoader = FileSystemLoader(TEMPLATES)
    if COMPILED_TEMPLATES.is_dir():
        loader = ModuleLoader(COMPILED_TEMPLATES)
    jinja = Environment(
        loader=loader,
        finalize=_finalize,
        undefined=StrictUndefined,
        autoescape=True,  # makes macros return Markup, which _finalize lets pass
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters["block"] = block
    return jinja


def _finalize(value: Any) -> str:
    if isinstance(value, Undefined):
        return str(value)  # StrictUndefined raises
    return value if isinstance(value, Markup) else scalar(value)
