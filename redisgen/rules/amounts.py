"""Amounts as Kubernetes and Redis write them, as numbers."""

from __future__ import annotations

import re
from functools import lru_cache

_QUANTITY = re.compile(r"([0-9]*\.?[0-9]*)(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?[0-9]+))?")
_FACTORS = {unit: 1000.0**power for power, unit in enumerate("kMGTPE", 1)}
_FACTORS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}
_PARTS = {"m": 1e3, "u": 1e6, "n": 1e9}
_SIZES = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}


@lru_cache(2048)
def quantity(written: str | float) -> float | None:
    """Return what a Kubernetes quantity such as `100m` or `1Gi` amounts to; None for an empty one."""
    if isinstance(written, (int, float)):
        return written
    match = _QUANTITY.fullmatch(written)
    if not match or not match[1].strip("."):
        return None
    number, unit, exponent = match.groups()
    if exponent:
        return float(f"{number}e{exponent}")
    # A division rounds to the number that `0.7` is too; a product with 0.001 does not.
    return float(number) / _PARTS[unit] if unit in _PARTS else float(number) * _FACTORS.get(unit, 1.0)


@lru_cache(2048)
def size(written: str | int) -> int:
    """Return the bytes of a size as redis.conf writes it: `1mb` is 1024 kb, `1m` a million."""
    number = re.match(r"[0-9]*", str(written))[0]  # type: ignore[index]
    return int(number or 0) * _SIZES[str(written)[len(number) :].lower()]
