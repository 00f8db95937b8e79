"""The Jinja environment of the manifests, whose every value comes out as YAML, and what the documents' shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined, Undefined
from markupsafe import Markup

from redisgen.emit import block, scalar
from redisgen.resources import COMPILED_TEMPLATES, TEMPLATES


def environment() -> Environment:
    """Return the environment of the manifests.

    `{{ value }}` prints one YAML value, quoted where it must be; `{{ value | block(6) }}` a mapping or sequence whose
    first line stands at column 6. No filter is to be remembered, so none can be forgotten.
    """
    # What a macro returns is Markup, like a Yaml, and stays as it is.
    jinja = quoting(lambda value: value if isinstance(value, Markup) else scalar(value), autoescape=True)
    jinja.filters["block"] = block
    return jinja


def quoting(quote: Callable[[Any], str], **options: Any) -> Environment:
    """Return an environment in which `{{ value }}` prints what `quote` makes of it.

    Its templates are those that a wheel carries compiled, or those of a checkout.
    """

    def finalize(value: Any) -> str:
        return str(value) if isinstance(value, Undefined) else quote(value)  # StrictUndefined raises

    loader: BaseLoader = FileSystemLoader(TEMPLATES)
    if COMPILED_TEMPLATES.is_dir():
        loader = ModuleLoader(COMPILED_TEMPLATES)
    return Environment(  # noqa: S701  # `quote` escapes, for YAML and Markdown
        loader=loader,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
