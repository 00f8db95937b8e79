"""Markdown documents, taken apart into the blocks that a reader copies."""

from __future__ import annotations

from typing import NamedTuple

from markdown_it import MarkdownIt


class Block(NamedTuple):
    """A fenced block, under the headings that lead to it."""

    headings: tuple[str, ...]
    language: str
    code: str


def blocks(markdown: str, heading: str = "", language: str = "") -> list[Block]:
    """Return the fenced blocks in order; only those below a heading, or of a language, when one is named."""
    found, headings, level = [], list[tuple[int, str]](), 0
    tokens = MarkdownIt().parse(markdown)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            level = int(token.tag[1])
            headings = [one for one in headings if one[0] < level] + [(level, tokens[at + 1].content)]
        elif token.type == "fence":
            found.append(Block(tuple(text for _, text in headings), token.info, token.content))
    return [one for one in found if heading in ("", *one.headings) and language in ("", one.language)]
