"""Values to typed objects: checked against the schema, defaults filled in, held against every rule."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from msgspec import ValidationError, convert

from redisgen import rules
from redisgen.cluster import Cluster, Fleet, Operator
from redisgen.findings import Finding, InvalidValues, Place
from redisgen.schema import check_schema, defaults, explain
from redisgen.values import Mapping, merge


def load_fleet(sources: Iterable[Mapping]) -> tuple[Fleet, list[Finding]]:
    """Check the values, later sources over earlier ones, and return them typed, with the findings that are no errors.

    Raises InvalidValues with every finding when one of them is an error.
    """
    values = reduce(merge, sources, Mapping(Place("the defaults")))
    findings = check_schema(values)
    if findings:
        raise InvalidValues(findings)
    shared = merge(defaults(), values)
    each = [merge(shared, own) for own in values.get("clusters", [Mapping(values.place)])]
    try:
        fleet = Fleet(
            operator=convert(shared["operator"], Operator),
            clusters=tuple(convert(_of_one(one), Cluster) for one in each),
            labels=shared["labels"],
            image_pull_secrets=tuple(shared["imagePullSecrets"]),
            listed="clusters" in values,
        )
    except ValidationError:
        # A float such as 3.0 is a whole number to the quick check, but not what anyone should write.
        raise InvalidValues(explain(values)) from None
    findings = rules.check(fleet, each)
    if any(finding.severity == "error" for finding in findings):
        raise InvalidValues(findings)
    return fleet, findings


def _of_one(values: Mapping) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("operator", "clusters")}
