"""What is wrong with the user's files, as data, and why redisgen could not do its job."""

from __future__ import annotations

from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where something stands: a file as the user named it; line and column from 1, or 0 for the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Finding(NamedTuple):
    """One thing to say about the user's files; sorts by place.

    `rule` is the id that `redisgen explain` knows; `fact` the fact about operator v1.2.4 that it stands on (`T5`);
    `fix` a mechanical mend, as a mapping from a key of the values to the value it should have.
    """

    place: Place
    rule: str
    message: str
    severity: str = "error"  # or "warning", or "info"
    fact: str | None = None
    fix: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.message} [{self.rule}]"


class InvalidValues(Exception):  # noqa: N818  # it says what is the matter, and whose
    """The values are wrong; carries every finding, sorted by place."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = sorted(findings, key=lambda finding: finding[:3])
        super().__init__("\n".join(map(str, self.findings)))


class RedisgenError(Exception):
    """redisgen could not do its job; the message says what to change."""
