"""YAML text in; data out, with the place of every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isinf
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLStreamError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from redisgen.findings import Finding, InvalidValues, Place

_MOST_BYTES = 8 * 2**20  # some 20,000 clusters
_MOST_DEPTH = 100
_MOST_NODES_OF_ALIASES = 1_000_000

# The core schema of YAML 1.2: 'yes', 'no', '1_000' and '2001-01-01' are text.
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Mapping(dict[str, Any]):
    """A mapping of the user's, with its own place and that of each key."""

    __slots__ = ("place", "places")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.places: dict[str, Place] = {}

    def put(self, key: str, value: Any, place: Place) -> None:
        """Set a key that stands at `place`."""
        self[key] = value
        self.places[key] = place


class Sequence(list[Any]):
    """A sequence of the user's, with its own place and that of each item."""

    __slots__ = ("place", "places")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.places: list[Place] = []


def parse(text: bytes | str, file: str) -> Mapping:
    """Read one YAML 1.2 document whose root is a mapping; an empty one is an empty mapping.

    `file` is the name that places bear. Raises InvalidValues with all that is wrong with the text as YAML.
    """
    start = Place(file, 1, 1)
    node = _compose(_decode(text, file), file)
    if node is None or (isinstance(node, ScalarNode) and node.style is None and node.value in _CONSTANTS):
        return Mapping(start)
    reader = _Reader(file, node)
    root = reader.data(node)
    if not isinstance(root, Mapping):
        what = "a sequence" if isinstance(root, Sequence) else "a single value"
        reader.say(node, f"values must be a mapping of keys, not {what}")
    if reader.findings:
        raise InvalidValues(reader.findings)
    return root  # type: ignore[no-any-return]


def assignment(text: str) -> Mapping:
    r"""Read `KEY=VALUE` of --set: KEY as `redis.config.databases`, VALUE as YAML (`[a, b]`, `{a: b}`, text).

    A dot within a key is
    written `\.`; a sequence is replaced whole. Raises InvalidValues, placed at `--set KEY=VALUE`.
    """
    file = f"--set {text}"
    place = Place(file)
    path, equals, written = text.partition("=")
    keys = [key.replace("\\.", ".") for key in re.split(r"(?<!\\)\.", path)]
    if not equals or not all(keys):
        raise InvalidValues([Finding(place, "yaml", "write --set KEY=VALUE, with KEY as in redis.replicas")])
    root = mapping = Mapping(place)
    for key in keys[:-1]:
        inner = Mapping(place)
        mapping.put(key, inner, place)
        mapping = inner
    try:
        document = parse(f"value: {written}" if written else "value: ''", file)
    except InvalidValues as error:
        raise InvalidValues([finding._replace(place=place) for finding in error.findings]) from None
    if len(document) > 1:
        raise InvalidValues([Finding(place, "yaml", "VALUE must be one value; put text with line breaks in quotes")])
    mapping.put(keys[-1], _at(document["value"], place), place)
    return root


def merge(base: Mapping, over: Mapping) -> Mapping:
    """Lay `over` on `base`, key by key; sequences and scalars are replaced whole. Neither is changed."""
    merged = Mapping(over.place)
    merged.update(base)
    merged.places = dict(base.places)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merge(below, value)
        merged.put(key, value, over.places[key])
    return merged


def place_of(values: Mapping, path: Iterable[str | int]) -> Place:
    """Find where the key at `path` stands, or the nearest key above it that the user wrote."""
    place: Place = values.place
    value: Any = values
    for step in path:
        if isinstance(value, Mapping) and step in value.places:
            place = value.places[str(step)]
        elif isinstance(value, Sequence) and isinstance(step, int) and step < len(value):
            place = value.places[step]
        else:
            break
        value = value[step]
    return place


def _decode(text: bytes | str, file: str) -> str:
    place = Place(file, 1, 1)
    if len(text) > _MOST_BYTES:
        raise InvalidValues(
            [Finding(Place(file), "yaml", f"larger than {_MOST_BYTES // 2**20} MiB, more than values need")]
        )
    if isinstance(text, str):
        return text
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidValues([Finding(place, "yaml", "the file is UTF-16; save it as UTF-8")])
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8-sig", "replace")) + 1
        place = Place(file, before.count(b"\n") + 1, column)
        raise InvalidValues([Finding(place, "yaml", f"byte 0x{text[error.start]:02x} is not UTF-8 text")]) from None


_NO_TAG = Tag(suffix="")


class _Untagged(VersionedResolver):
    """Leaves every node without a tag of its own as it is, so that a tag on a node is one the user wrote."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Tag:  # noqa: ARG002
        return _NO_TAG


def _compose(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Untagged
    yaml.max_depth = _MOST_DEPTH
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.compose(text)  # type: ignore[no-any-return]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        raise InvalidValues([Finding(place, "yaml", _in_plain_words(error))]) from None
    except ReaderError as error:
        before = text[: error.position]
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"character U+{ord(text[error.position]):04X} is not allowed in YAML; in text write it as an escape"
        raise InvalidValues([Finding(place, "yaml", message)]) from None
    except (YAMLError, YAMLStreamError, ValueError) as error:
        raise InvalidValues([Finding(Place(file), "yaml", f"not YAML: {error}")]) from None


def _in_plain_words(error: MarkedYAMLError) -> str:
    problem = error.problem or error.context or "not YAML"
    if error.context == "expected a single document in the stream":
        return "a second document starts here; values are one document"
    if isinstance(error, MaxDepthExceededError):
        return f"nested more than {_MOST_DEPTH} levels deep"
    if "'\\t'" in problem:
        return "a tab cannot indent or start a value in YAML; use spaces"
    if problem.startswith("could not find expected ':'"):
        return "expected 'key: value' here, or the line above is missing its ':'"
    if problem.startswith("mapping values are not allowed"):
        return "a second ': ' in one line; put text that contains ': ' in quotes, and check the indentation"
    return ": ".join(filter(None, ("not YAML", error.context, problem)))


class _Reader:
    """Turns nodes into data, and notes all that values may not hold."""

    def __init__(self, file: str, root: Node) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._root = root
        self._open: set[int] = set()
        self._built: dict[int, tuple[Any, int]] = {}
        self._size = 0
        self._of_aliases = 0

    def place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def say(self, node: Node, message: str) -> None:
        finding = Finding(self.place(node), "yaml", message)
        if finding not in self.findings:
            self.findings.append(finding)

    def data(self, node: Node) -> Any:
        key = id(node)
        if key in self._open:
            self.say(node, "an alias inside its own anchor never ends")
            return None
        if key in self._built:
            return self._again(node)
        before = self._size
        self._size += 1
        self._open.add(key)
        if node.ctag is not _NO_TAG:
            tag = str(node.tag).replace("tag:yaml.org,2002:", "!!")
            self.say(node, f"tag {tag!r} is not supported; write the value without it")
        value = self._value(node)
        self._open.discard(key)
        self._built[key] = (value, self._size - before)
        return value

    def _again(self, node: Node) -> Any:
        # An alias shares the data of its anchor; what it would be written out counts, or nine lines make a billion.
        value, size = self._built[id(node)]
        self._size += size
        self._of_aliases += size
        if self._of_aliases > _MOST_NODES_OF_ALIASES:
            self.say(self._root, f"aliases repeat more than {_MOST_NODES_OF_ALIASES} values")
            return None
        return value

    def _value(self, node: Node) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            sequence = Sequence(self.place(node))
            for item in node.value:
                sequence.append(self.data(item))
                sequence.places.append(self.place(item))
            return sequence
        assert isinstance(node, ScalarNode)  # noqa: S101  # the third and last kind
        return self._scalar(node)

    def _scalar(self, node: ScalarNode) -> Any:
        text = self._text(node)
        if node.style is not None or text == "<<":
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            number = int(text[2:], {"0o": 8, "0x": 16}[text[:2]]) if text[:2] in ("0o", "0x") else _whole(text)
            if number is None or not -(2**63) <= number < 2**63:
                self.say(
                    node, f"the number {text[:20]}{'…' * (len(text) > 20)} is too large; put it in quotes if it is text"
                )
                return 0
            return number
        if _FLOAT.fullmatch(text):
            real = float(text)
            if isinf(real):
                self.say(node, f"the number {text[:20]} is too large; put it in quotes if it is text")
            return real
        if _NOT_FINITE.fullmatch(text):
            self.say(node, f"{text} is not a number that values can hold; put it in quotes if it is text")
            return 0.0
        return text

    def _text(self, node: ScalarNode) -> str:
        """Join the surrogate pairs that JSON's escapes may make of one character."""
        text: str = node.value
        try:
            text.encode()
        except UnicodeEncodeError:
            try:
                return text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self.say(node, "half a surrogate pair is no text; write the character itself")
                return ""
        return text

    def _mapping(self, node: Node) -> Mapping:
        mapping = Mapping(self.place(node))
        merged: list[Mapping] = []
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode) and key_node.value == "<<" and key_node.style is None:
                merged.extend(self._merged(value_node))
                continue
            key = self._scalar(key_node) if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str):
                written = f" {key_node.value}" if isinstance(key_node, ScalarNode) and key_node.value else ""
                self.say(key_node, f"the key{written} is not text; put it in quotes")
                continue
            if key_node.ctag is not _NO_TAG:
                self.data(key_node)
            value = self.data(value_node)
            if key in mapping:
                first = mapping.places[key]
                self.say(key_node, f"key '{key}' is here a second time; the first is in line {first.line}")
            else:
                mapping.put(key, value, self.place(key_node))
        for base in merged:  # the first one wins, as in YAML's merge key
            for key, value in base.items():
                if key not in mapping:
                    mapping.put(key, value, base.places[key])
        return mapping

    def _merged(self, node: Node) -> Iterator[Mapping]:
        value = self.data(node)
        for base in value if isinstance(value, Sequence) else [value]:
            if isinstance(base, Mapping):
                yield base
            else:
                self.say(node, "'<<' merges a mapping, or a sequence of mappings")


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts
        return None


def _at(value: Any, place: Place) -> Any:
    """Give everything in a value of --set the place of the option."""
    if isinstance(value, Mapping):
        mapping = Mapping(place)
        for key, item in value.items():
            mapping.put(key, _at(item, place), place)
        return mapping
    if isinstance(value, Sequence):
        sequence = Sequence(place)
        for item in value:
            sequence.append(_at(item, place))
            sequence.places.append(place)
        return sequence
    return value
