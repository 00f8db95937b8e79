"""What Redis takes in its configuration: names, values, and what can change while it runs.

The facts are in `schemas/redis-directives.json`, asked of real servers by `tools/probe_directives.py`; where no server
of a version was run, the file says so. What the operator does with them: operator facts 2.3, T3, T4, T32.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from redisgen.resources import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

Version = tuple[int, int]

_LEAST, _MOST = -(2**63), 2**63 - 1
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30}
_KUBERNETES_UNITS = {"Ki": (1, "kb"), "Mi": (1, "mb"), "Gi": (1, "gb"), "Ti": (1024, "gb")}
_CLIENT_CLASSES = {"normal", "slave", "replica", "pubsub"}


class Facts(NamedTuple):
    """What one version of Redis takes as the value of a directive, and when."""

    type: str  # "integer", "memory", "enum", …: the keys of _READERS
    minimum: int = _LEAST
    maximum: int = _MOST
    values: tuple[str, ...] = ()  # of an enum; the letters of keyspace events
    live: bool = True  # CONFIG SET takes it
    protected: bool = False  # CONFIG SET would take it but for enable-protected-configs


class Reserved(NamedTuple):
    """Why a directive is not the user's to set."""

    reason: str  # a sentence without its full stop, to follow "'port' "
    fact: str  # where it is established: T4, or a section of the facts: 2.3
    key: str | None  # the key of the values to use instead
    values: tuple[str, ...]  # the only values that are meant; none: all


class Directive(NamedTuple):
    """One directive, under the name that Redis prefers now."""

    name: str
    eras: tuple[tuple[Version, Facts | None], ...]  # from this version on; None: it is not there; newest first
    reserved: Reserved | None

    def reserved_for(self, value: str) -> Reserved | None:
        """Return why this value is not the user's to set, or None if it is."""
        reserved = self.reserved
        return reserved if reserved and (not reserved.values or value in reserved.values) else None

    def at(self, version: Version) -> Facts | None:
        """Return what that version takes, or None if it does not have the directive.

        A version older than all in the table counts as the oldest, a newer one as the newest.
        """
        return next((facts for since, facts in self.eras if since <= version), self.eras[-1][1])


def directive(name: str) -> Directive | None:
    """Return the directive of that name, old or new, in any case; or None if no version of Redis has it."""
    return _directive(name.lower()) if name.lower() in _table()["directives"] else None


def versions() -> tuple[Version, ...]:
    """Return the versions of Redis in the table, oldest first."""
    return tuple(map(_version, _table()["versions"]))


def is_live(name: str, redis_version: Version | None = None) -> bool:
    """Whether CONFIG SET takes the directive, and so spec.redis.customConfig; None: in every version that has it."""
    found = directive(name)
    if found is None:
        return False
    facts = [found.at(version) for version in ([redis_version] if redis_version else versions())]
    return all(each.live for each in facts if each) and any(facts)


def problem(name: str, value: str, redis_version: Version | None = None) -> str | None:
    """Return what is wrong with a directive, as a sentence without its full stop, or None.

    With no version known, only what every version refuses is wrong.
    """
    found = directive(name)
    if found is None:
        return f"Redis has no directive '{name}'{_guess(name, _table()['directives'])}"
    if wrong := _badly_written(name, value):
        return wrong
    wrongs = [
        _problem_at(found, name, value, version) for version in ([redis_version] if redis_version else versions())
    ]
    return None if None in wrongs else wrongs[-1]


def sentinel_problem(name: str, value: str, redis_version: Version | None = None) -> str | None:
    """Return what is wrong with an option of spec.sentinel.customConfig, as `problem` does.

    Only what SENTINEL SET takes for one master works there (operator facts 2.3).
    """
    rows = _table()["sentinel"]
    row = rows.get(name)
    if row is None:
        return f"SENTINEL SET has no option '{name}'{_guess(name, rows)}"
    since = row.get("since")
    if redis_version and since and redis_version < _version(since):
        return f"'{name}' came with Redis {since}"
    return _badly_written(name, value) or _value_problem(name, value, _facts(row))


@cache
def _table() -> dict[str, Any]:
    import json  # only who sets a directive pays for it

    table: dict[str, Any] = json.loads((SCHEMAS / "redis-directives.json").read_bytes())
    return table


def _version(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)


@cache
def _directive(name: str) -> Directive:
    row = _table()["directives"][name]
    # An old spelling has its own first and last version: hash-max-ziplist-entries is older than what it now means.
    newest = row.get("alias", name)
    now = _table()["directives"][newest]
    first = _version(row["since"]) if "since" in row else versions()[0]
    eras: list[tuple[Version, Facts | None]] = [(versions()[0], None)] if "since" in row else []
    eras.append((first, _facts(now)))
    for version, change in now.get("changed", {}).items():
        now = change if "type" in change else now | change
        eras.append((_version(version), _facts(now)))
    if "until" in row:
        eras.append((next(version for version in versions() if version > _version(row["until"])), None))
    return Directive(newest, tuple(reversed(eras)), _reserved(newest))


def _facts(row: dict[str, Any]) -> Facts:
    low, high = row.get("min", _LEAST), row.get("max", _MOST)
    live = row.get("live", True)
    return Facts(row["type"], low, high, tuple(row.get("values", ())), live is True, live == "protected")


def _reserved(name: str) -> Reserved | None:
    rows = _table()["reserved"]
    row = rows.get(name) or rows.get(name.partition("-")[0] + "-*")
    return row and Reserved(row["reason"], row["fact"], row.get("key"), tuple(row.get("values", ())))


def _guess(name: str, names: dict[str, Any]) -> str:
    import difflib  # slow to import, and only for mistakes

    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return f"; did you mean '{close[0]}'?" if close else ""


def _badly_written(name: str, value: str) -> str | None:
    if not value.isprintable():
        return f"'{name}' cannot hold a line break or another control character"
    if value != value.strip(" ") or "  " in value:
        return f"'{name}' cannot begin or end with a space or hold two in a row: the operator splits at single spaces"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        bare = value[1:-1]
        return f"'{name}' is sent to Redis with its quotes; write {bare or 'an empty text'} without them"
    return None


def _problem_at(found: Directive, name: str, value: str, version: Version) -> str | None:
    facts = found.at(version)
    written = ".".join(map(str, version))
    if facts is None:
        return f"Redis {written} has no directive '{name}'"
    if facts.type == "ignored":
        return f"Redis {written} ignores '{name}'; leave it out"
    return _value_problem(name, value, facts)


def _value_problem(name: str, value: str, facts: Facts) -> str | None:
    expected = _READERS[facts.type](value, facts)
    if expected is None:
        return None
    written = f"'{value}'" if value else "an empty text"
    return f"'{name}' takes {expected}, not {written}"


# A reader returns what it expects instead of the value, or None if the value is fine.


def _boolean(value: str, _: Facts) -> str | None:
    return None if value.lower() in {"yes", "no"} else "yes or no"


def _number(value: str, facts: Facts) -> str | None:
    number = int(value) if re.fullmatch(r"0|-?[1-9][0-9]{0,18}", value) else None
    return _within(number, facts, "a whole number")


def _octal(value: str, facts: Facts) -> str | None:
    number = int(value, 8) if re.fullmatch(r"[0-7]{1,7}", value) else None
    return None if number is not None and number <= facts.maximum else f"an octal number from 0 to {facts.maximum:o}"


def _memory(value: str, facts: Facts) -> str | None:
    expected = _within(_bytes(value), facts, "a size such as 100mb")
    kubernetes = re.fullmatch(r"([0-9]+)([KMGT]i)", value)
    if expected and kubernetes:
        factor, unit = _KUBERNETES_UNITS[kubernetes[2]]
        return f"a size as Redis writes it, {int(kubernetes[1]) * factor}{unit}"
    return expected


def _bytes(value: str) -> int | None:
    size = re.fullmatch(r"([0-9]{1,19})(|b|kb?|mb?|gb?)", value.lower())
    return int(size[1]) * _UNITS[size[2]] if size else None


def _memory_or_percent(value: str, facts: Facts) -> str | None:
    percent = re.fullmatch(r"([0-9]{1,3})%", value)
    if percent and int(percent[1]) <= 100:
        return None
    expected = _memory(value, facts)
    return expected and f"{expected}, or a percentage such as 5%"


def _within(number: int | None, facts: Facts, kind: str) -> str | None:
    low, high = facts.minimum, facts.maximum
    if number is not None and low <= number <= high:
        return None
    if high == _MOST:
        return kind if low in {_LEAST, 0} and number is None else f"{kind}, {low} or more"
    return f"{kind} from {low} to {high}"


def _enum(value: str, facts: Facts) -> str | None:
    return None if value.lower() in facts.values else _one_of(facts.values)


def _enums(value: str, facts: Facts) -> str | None:
    known = value and all(word in facts.values for word in value.lower().split(" "))
    return None if known else f"one or more of {', '.join(facts.values)}"


def _one_of(values: tuple[str, ...]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"


def _keyspace_events(value: str, facts: Facts) -> str | None:
    return None if set(value) <= set(facts.values) else f"letters of {''.join(facts.values)}"


def _save_points(value: str, _: Facts) -> str | None:
    points = re.fullmatch(r"([1-9][0-9]{0,9} [0-9]{1,9}( (?!$)|$))*", value)
    return None if points else "pairs of seconds and changes such as 900 1 300 10, or an empty text for none"


def _buffer_limits(value: str, _: Facts) -> str | None:
    words = value.split(" ")
    limits = [words[at : at + 4] for at in range(0, len(words), 4)]
    fine = all(
        len(limit) == 4
        and limit[0].lower() in _CLIENT_CLASSES
        and None not in {_bytes(limit[1]), _bytes(limit[2])}
        and re.fullmatch("[0-9]{1,9}", limit[3])
        for limit in limits
    )
    return None if fine else "class, hard limit, soft limit and seconds, such as replica 256mb 64mb 60"


def _oom_scores(value: str, _: Facts) -> str | None:
    fine = re.fullmatch(r"-?[0-9]{1,4}( -?[0-9]{1,4}){2}", value) and all(
        -2000 <= int(word) <= 2000 for word in value.split(" ")
    )
    return None if fine else "three whole numbers from -2000 to 2000"


def _percentiles(value: str, _: Facts) -> str | None:
    number = r"(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)"
    return None if not value or re.fullmatch(f"{number}( {number})*", value) else "numbers from 0 to 100"


def _addresses(value: str, _: Facts) -> str | None:
    return None if len(value.split(" ")) <= 16 else "at most 16 addresses"


def _address(value: str, _: Facts) -> str | None:
    return None if re.fullmatch(r"\S+ [0-9]{1,5}|no one", value) else "a host and a port"


def _title_template(value: str, _: Facts) -> str | None:
    names = ("title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file")
    fine = value.strip() and re.fullmatch(rf"([^{{]|{{{{|{{({'|'.join(names)})}})*", value)
    return None if fine else f"text with {{{'}, {'.join(names[:-1])}}} or {{{names[-1]}}}, and {{{{ for a brace"


def _anything(_value: str, _: Facts) -> str | None:
    return None


_READERS: dict[str, Callable[[str, Facts], str | None]] = {
    "address": _address,
    "addresses": _addresses,
    "boolean": _boolean,
    "buffer limits": _buffer_limits,
    "enum": _enum,
    "enums": _enums,
    "file only": _anything,
    "integer": _number,
    "keyspace events": _keyspace_events,
    "memory": _memory,
    "memory or percent": _memory_or_percent,
    "octal": _octal,
    "oom scores": _oom_scores,
    "percentiles": _percentiles,
    "save points": _save_points,
    "string": _anything,
    "title template": _title_template,
}
