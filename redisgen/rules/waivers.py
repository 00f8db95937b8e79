"""Findings that the user lives with, and says why: `waive: {RG010: reason}`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redisgen.findings import Place
from redisgen.rules.registry import RULES, Problem, rule
from redisgen.rules.system import System


class Waiver:
    """One line of `waive`, and whether a finding has been waived by it."""

    def __init__(self, identity: str, reason: str, system: System) -> None:
        self.identity = identity
        self.reason = reason
        self.system = system
        self.used = False

    def problem(self, message: str) -> Problem:
        """Say something about this waiver."""
        return Problem(f"waive.{self.identity}", message, of=self.system)


def at(system: System, identity: str) -> tuple[Place, str]:
    """Return what tells one written waiver from another; clusters may share one."""
    return system.place(f"waive.{identity}"), identity


def collect(systems: Iterable[System]) -> dict[tuple[Place, str], Waiver]:
    """Return every waiver of a fleet, each as often as it is written."""
    given: dict[tuple[Place, str], Waiver] = {}
    for system in systems:
        for identity, reason in system.cluster.waive.items():
            given.setdefault(at(system, identity), Waiver(identity, reason, system))
    return given


@rule(
    "RG090",
    "error",
    fact=None,
    title="A waiver without a reason",
    guards="A waiver is for whoever reads the values next; without a reason nobody can tell whether it still holds.",
    example='redis: {persistence: {storage: {keepAfterDeletion: false}}}\nwaive: {RG021: " "}',
    near_miss="redis: {persistence: {storage: {keepAfterDeletion: false}}}\nwaive: {RG021: x}",
    waivable=False,
    over="waivers",
)
def check_reason(given: Iterable[Waiver]) -> Iterator[Problem]:
    """Every waiver says why."""
    for waiver in given:
        if not waiver.reason.strip():
            yield waiver.problem(f"the waiver of {waiver.identity} gives no reason; write why it is right here")


@rule(
    "RG091",
    "error",
    fact=None,
    title="A waiver of an unknown rule",
    guards="A misspelt id waives nothing, and nobody notices.",
    example="waive: {RG999: we know}",
    near_miss="redis: {persistence: {storage: {keepAfterDeletion: false}}}\nwaive: {RG021: scratch data}",
    waivable=False,
    over="waivers",
)
def check_known(given: Iterable[Waiver]) -> Iterator[Problem]:
    """Every waiver is of a rule."""
    for waiver in given:
        if waiver.reason.strip() and waiver.identity not in RULES:
            yield waiver.problem(
                f"there is no rule '{waiver.identity}' to waive; ids are as in a finding's brackets, RG001"
            )


@rule(
    "RG092",
    "error",
    fact=None,
    title="A waiver of what cannot be waived",
    guards="Some errors are no matter of judgement: the operator or Kubernetes refuses, whatever the reason.",
    example="waive: {RG001: we are different}",
    near_miss="redis: {persistence: {storage: {keepAfterDeletion: false}}}\nwaive: {RG021: scratch data}",
    waivable=False,
    over="waivers",
)
def check_waivable(given: Iterable[Waiver]) -> Iterator[Problem]:
    """No waiver of what breaks regardless."""
    for waiver in given:
        known = RULES.get(waiver.identity)
        if waiver.reason.strip() and known and not known.waivable:
            yield waiver.problem(
                f"{waiver.identity} cannot be waived: what it finds does not run; change what it finds and remove "
                "the waiver"
            )


@rule(
    "RG093",
    "warning",
    fact=None,
    title="A waiver that waives nothing",
    guards="What it waived is gone; left in place, it would hide the next finding of the same rule.",
    example="waive: {RG021: scratch data}",
    near_miss="redis: {persistence: {storage: {keepAfterDeletion: false}}}\nwaive: {RG021: scratch data}",
    waivable=False,
    over="waivers",
)
def check_used(given: Iterable[Waiver]) -> Iterator[Problem]:
    """Every waiver still waives something."""
    for waiver in given:
        known = RULES.get(waiver.identity)
        if not waiver.used and waiver.reason.strip() and known and known.waivable:
            yield waiver.problem(
                f"{waiver.identity} finds nothing here; remove the waiver, or it hides the next finding"
            )
