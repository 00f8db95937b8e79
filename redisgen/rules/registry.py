"""The one list of rules: what each guards against, an example that triggers it, and how it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from redisgen.rules.system import System

Severity = Literal["error", "warning", "info"]


class Problem(NamedTuple):
    """What a rule has to say: about which key of the values, in one sentence, with the mend if it is mechanical."""

    key: str
    message: str
    fix: dict[str, Any] | None = None
    of: System | None = None  # which cluster, for a rule over the whole fleet
    fact: str | None = None  # where it is not that of the rule


class Rule(NamedTuple):
    """One rule. `example` and `near_miss` are values: the first triggers this rule and no other, the second none.

    The id never changes and is never used again. A rule that is not waivable is about what operator v1.2.4 or
    Kubernetes refuses. `check` yields a Problem each, over a System, or over a Fleet's systems when `over` says so.
    """

    id: str
    severity: Severity
    fact: str | None
    title: str
    guards: str
    example: str
    near_miss: str
    waivable: bool
    over: Literal["cluster", "fleet", "waivers"]
    check: Callable[..., Iterator[Problem]]


RULES: dict[str, Rule] = {}

Check = Callable[..., Iterator[Problem]]


def rule(
    identity: str,
    severity: Severity,
    *,
    fact: str | None,
    title: str,
    guards: str,
    example: str,
    near_miss: str,
    waivable: bool = True,
    over: Literal["cluster", "fleet", "waivers"] = "cluster",
) -> Callable[[Check], Check]:
    """Enter a check into the list of rules."""

    def enter(check: Check) -> Check:
        if identity in RULES:
            raise ValueError(f"{identity} is taken")
        RULES[identity] = Rule(
            identity, severity, fact, title, " ".join(guards.split()), example, near_miss, waivable, over, check
        )
        return check

    return enter
