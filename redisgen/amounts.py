"""Amounts as Kubernetes and Redis write them, as numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_QUANTITY = re.compile(
    r"\+?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]{1,3}))?"
)
_FACTORS = {unit: Decimal(1000) ** power for power, unit in enumerate("num kMGTPE", -3)}
_FACTORS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}
_SIZE = re.compile(r"([0-9]{1,20})(b|[kmg]b?)?")
_BYTES = {None: 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}


@lru_cache(2048)
def quantity(written: str | float) -> Decimal | None:
    """Return what a Kubernetes quantity such as `100m`, `1Gi` or 0.5 amounts to; None for what is no quantity."""
    match = _QUANTITY.fullmatch(str(written))
    if not match:
        return None
    number, unit, exponent = match.groups()
    return Decimal(f"{number}e{exponent or 0}") * _FACTORS.get(unit, 1)


@lru_cache(2048)
def size(written: str | int) -> int:
    """Return the bytes of a size as redis.conf writes it: `1mb` is 1024 kb, `1m` a million; 0 for what is no size."""
    match = _SIZE.fullmatch(str(written).lower())
    return int(match[1]) * _BYTES[match[2]] if match else 0
