"""The Jinja environment of the documents: each value comes out quoted for the place where it stands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

from redisgen.emit import scalar
from redisgen.template import quoting

_EXPRESSION = re.compile(r"\{\{ (.+?) \}\}")
_SPAN = re.compile(r"`([^`]*)`")
_FENCE = re.compile(r"\s*```(\w*)")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9 ,.:;/=@%+\"'()_-]+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Quoted(str):
    """Text that is quoted already for the place where it stands."""

    __slots__ = ()


@cache
def environment() -> Environment:
    """Return an environment over the Markdown templates.

    `{{ value }}` is quoted by where the template puts it: in a fence as the fence's language says, in a code span as
    code, elsewhere as text. No filter is to be remembered, so none can be forgotten.
    """
    jinja = quoting(lambda value: value if isinstance(value, Quoted) else text(value), extensions=[_Places])
    jinja.filters.update(_in_fence=_in_fence, _in_span=_in_span)
    return jinja


def text(value: Any) -> Quoted:
    """Return a value as Markdown text in one line, that shows as the same characters."""
    escaped = _SPECIAL.sub(r"\\\1", _one_line(value))
    return Quoted(escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def shell(value: Any) -> Quoted:
    """Return a value as one word of a shell command, in one line."""
    word = str(value)
    if _UNPRINTABLE.search(word):
        inner = "".join(f"\\u{ord(c):04x}" if _UNPRINTABLE.match(c) else f"\\{c}" if c in "\\'" else c for c in word)
        return Quoted(f"$'{inner}'")
    return Quoted(shlex.quote(word))


def literal(value: Any) -> Quoted:
    """Return a value as a literal of Python, JavaScript, Go and Java."""
    return Quoted(json.dumps(value))


def yaml(value: Any) -> Quoted:
    """Return a value as YAML."""
    return Quoted(scalar(value))


def plain(value: Any) -> Quoted:
    """Return a value as plain text in one line."""
    return Quoted(_one_line(value))


def mermaid(value: Any) -> Quoted:
    """Return a value as part of a quoted label of Mermaid."""
    return Quoted(re.sub(r"[^A-Za-z0-9 ./:,_-]", lambda match: f"#{ord(match[0])};", _one_line(value)))


_FENCES: dict[str, Callable[[Any], Quoted]] = {
    "sh": shell,
    "python": literal,
    "js": literal,
    "go": literal,
    "java": literal,
    "yaml": yaml,
    "text": plain,
    "mermaid": mermaid,
}


class _Places(Extension):
    """Gives each expression of a template the quoting of the place where it stands."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        language = ""
        lines = []
        for line in source.splitlines(keepends=True):
            fence = _FENCE.match(line)
            if fence:
                language = "" if language else fence[1]
            elif language:
                line = _EXPRESSION.sub(rf'{{{{ (\1) | _in_fence("{language}") }}}}', line)
            else:
                line = _SPAN.sub(_span, line)
            lines.append(line)
        return "".join(lines)


def _span(match: re.Match[str]) -> str:
    if not _EXPRESSION.search(match[1]):
        return match[0]
    parts = _EXPRESSION.split(match[1])  # text and expressions, turn about
    joined = " ~ ".join(f"({part})" if odd % 2 else json.dumps(part) for odd, part in enumerate(parts) if part)
    return f"{{{{ ({joined}) | _in_span }}}}"


def _in_fence(value: Any, language: str) -> Quoted:
    return value if isinstance(value, Quoted) else _FENCES[language](value)


def _in_span(value: Any) -> Quoted:
    code = _one_line(value)
    if _PLAIN_CODE.fullmatch(code):
        return Quoted(f"`{code}`")
    # A code span knows no escapes, and a table cuts it at '|'; entities stand for whatever could end it.
    return Quoted(f"<code>{re.sub(r'[^A-Za-z0-9 ]', lambda one: f'&#{ord(one[0])};', code)}</code>")


def _one_line(value: Any) -> str:
    return _UNPRINTABLE.sub(" ", str(value))
