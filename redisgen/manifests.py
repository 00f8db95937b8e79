"""Manifests in: of a file, a folder, a stream, a Git revision of these, or rendered from values; documents out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from redisgen.change import Identity
from redisgen.findings import Finding, InvalidValues, Place, RedisgenError

_SUFFIXES = (".yaml", ".yml", ".json")
_MOST_BYTES = 256 * 2**20
_MOST_NODES = 2_000_000
_MOST_DEPTH = 100
_TOO_DEEP = f"nested more than {_MOST_DEPTH} levels deep"
_INDENTED = re.compile(rf"^ {{{_MOST_DEPTH},}}|([-?:]\s+){{{_MOST_DEPTH // 2}}}", re.MULTILINE)
_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)


class Chunk(NamedTuple):
    """The text of one YAML document, and where it starts."""

    text: str
    file: str
    line: int


class Manifests(NamedTuple):
    """What a source holds: the text of its documents, and what is to be said about it."""

    chunks: list[Chunk]
    notes: list[str]


def read(source: str) -> Manifests:
    """Return the manifests of a file, a folder, `-` (stdin), or `REVISION:PATH` of Git.

    A file of values counts as what it renders; so does a folder without manifests that has a redisgen.yaml. Raises
    RedisgenError when there is nothing to read, InvalidValues when it is not YAML or the values are wrong.
    """
    texts = dict(_texts(source))
    if sum(map(len, texts.values())) > _MOST_BYTES:
        raise RedisgenError(f"{source} is larger than {_MOST_BYTES // 2**20} MiB")
    single = len(texts) == 1
    chunks: list[Chunk] = []
    notes: list[str] = []
    for file, raw in texts.items():
        own = [chunk for chunk in _chunks(_decoded(raw, file), file) if not _is_empty(chunk.text)]
        if any(_looks_like_manifest(chunk.text) for chunk in own):
            chunks += own
        elif single:
            return of_values(raw, file)
        elif own:
            notes.append(f"{file} is no manifest; left out")
    if not chunks and not single:
        values = next((file for file in texts if file.rpartition("/")[2] == "redisgen.yaml"), None)
        if values:
            return of_values(texts[values], values)
        raise RedisgenError(f"{source} holds no manifest")
    return Manifests(chunks, notes)


def of_values(text: bytes, file: str) -> Manifests:
    """Return the manifests that values render."""
    from redisgen.load import load_fleet
    from redisgen.render import render
    from redisgen.values import parse

    fleet, found = load_fleet([parse(text, file)])
    return of_texts(render(fleet), [str(finding) for finding in found])


def of_texts(texts: dict[str, str], notes: list[str] | None = None) -> Manifests:
    """Return the manifests of rendered files."""
    chunks = [
        chunk
        for name, text in texts.items()
        if name.endswith(".yaml")
        for chunk in _chunks(text, name)
        if not _is_empty(chunk.text)
    ]
    return Manifests(chunks, notes or [])


def documents(chunk: Chunk) -> list[tuple[Identity, dict[str, Any]]]:
    """Parse one chunk: its manifests with what identifies them, those of a List one by one.

    Raises InvalidValues when it is not YAML.
    """
    return list(_manifests(_data(chunk), chunk))


def _texts(source: str) -> Iterator[tuple[str, bytes]]:
    path = Path(source)
    if source == "-":
        text = sys.stdin.buffer.read()
        if not text.strip():
            # Empty values are the defaults; nothing on a pipe is a command that failed.
            raise RedisgenError("stdin is empty")
        yield "<stdin>", text
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.suffix in _SUFFIXES and not hidden and file.is_file():
                yield file.as_posix(), file.read_bytes()
    elif path.exists():
        yield source, path.read_bytes()
    elif ":" in source and not source.startswith("-"):
        yield from _git_texts(source)
    else:
        raise RedisgenError(f"{source}: no such file or folder; a Git revision reads HEAD~1:deploy/")


def _git_texts(source: str) -> Iterator[tuple[str, bytes]]:
    # Git wants no slash at the end, but one behind a dot.
    revision, _, path = source.partition(":")
    stripped = path.rstrip("/")
    name = f"{revision}:{stripped}{'/' * stripped.endswith('.')}"
    kind = _git(source, "cat-file", "-t", name).decode().strip()
    if kind == "blob":
        yield source, _git(source, "cat-file", "blob", name)
        return
    listing = _git(source, "ls-tree", "-r", "-z", name).decode("utf-8", "backslashreplace")
    files = {}
    for entry in filter(None, listing.split("\0")):
        about, _, file = entry.partition("\t")
        mode, _, digest = about.split()
        hidden = any(part.startswith(".") for part in file.split("/"))
        if mode.startswith("100") and file.endswith(_SUFFIXES) and not hidden:
            files[file] = digest
    blobs = _git(source, "cat-file", "--batch", stdin="".join(f"{digest}\n" for digest in files.values()))
    at = 0
    prefix = name if name.endswith((":", "/")) else f"{name}/"
    for file in files:
        header_end = blobs.index(b"\n", at)
        size = int(blobs[at:header_end].split()[2])
        yield f"{prefix}{file}", blobs[header_end + 1 : header_end + 1 + size]
        at = header_end + size + 2


def _git(source: str, *arguments: str, stdin: str = "") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  # no shell; the revision cannot be an option, it does not start with -
            ["git", *arguments],  # noqa: S607
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
    except FileNotFoundError:
        raise RedisgenError(f"{source}: no such file or folder; to read it from Git, install git") from None
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise RedisgenError(f"git cannot read {source!r}: {error}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise RedisgenError(f"{source}: no such file or folder, and git says: {said}")
    return done.stdout


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise _broken(file, line, 1, f"byte 0x{text[error.start]:02x} is not UTF-8 text") from None


def _chunks(text: str, file: str) -> Iterator[Chunk]:
    """Cut a stream into documents without parsing it: a line that starts with --- is never part of one."""
    text = text.replace("\r\n", "\n")
    if re.search(r"^(%|\.\.\.)", text, re.MULTILINE):
        # Directives and explicit ends belong to two documents at once; these streams are rare.
        for number, node in enumerate(_nodes(Chunk(text, file, 1))):
            yield Chunk(yaml.serialize(node) if node else "", f"{file}, document {number + 1}", 1)
        return
    starts = [match.start() for match in _START.finditer(text)]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        yield Chunk(text[start:end].removeprefix("---"), file, text.count("\n", 0, start) + 1)


def _is_empty(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.split("\n"))


def _looks_like_manifest(text: str) -> bool:
    return all(
        re.search(rf"""^[\s{{]*["']?{key}["']?\s*:""", text, re.MULTILINE) for key in ("apiVersion", "kind")
    ) or (text.lstrip().startswith("{") and '"apiVersion"' in text and '"kind"' in text)


@cache
def _loader() -> type[Any]:
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Kubernetes reads YAML into JSON, which has no dates and no binary."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag not in _TEXT]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    return Loader


_TEXT = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")


def _nodes(chunk: Chunk) -> list[Any]:
    try:
        _check_depth(chunk)
        return list(yaml.compose_all(chunk.text, _loader()))
    except yaml.MarkedYAMLError as error:
        raise _misread(error, chunk) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(chunk.file, chunk.line, 1, f"not YAML: {str(error) or 'nested too deep'}") from None


def _misread(error: yaml.MarkedYAMLError, chunk: Chunk) -> InvalidValues:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    # libyaml looks ahead of its events; from 0.2.6 on it refuses 1,000 levels by itself.
    deep = error.problem == "exceeded maximum nesting depth"
    message = _TOO_DEEP if deep else f"not YAML: {error.problem or error.context}"
    return _broken(chunk.file, chunk.line + line, column + 1, message)


def _check_depth(chunk: Chunk) -> None:
    # The composer recurses in C. Only text that could be deep is walked first: many brackets, or one far indented.
    brackets = chunk.text.count("[") + chunk.text.count("{")
    if brackets < _MOST_DEPTH and not _INDENTED.search(chunk.text):
        return
    depth = 0
    for event in yaml.parse(chunk.text, _loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            mark: Any = event.start_mark
            raise _broken(chunk.file, chunk.line + mark.line, mark.column + 1, _TOO_DEEP)


def _data(chunk: Chunk) -> list[Any]:
    nodes = [node for node in _nodes(chunk) if node is not None]
    if "*" in chunk.text:
        for node in nodes:
            _check_aliases(node, chunk)
    loader = _loader()("")
    try:
        return [loader.construct_document(node) for node in nodes]
    except yaml.MarkedYAMLError as error:
        raise _misread(error, chunk) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise _broken(chunk.file, chunk.line, 1, f"not YAML: {error}") from None
    finally:
        loader.dispose()


def _check_aliases(root: Any, chunk: Chunk) -> None:
    """Count what the document is with every alias written out, before anything writes it out."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Any) -> int:
        if id(node) in open_nodes:
            raise _broken(chunk.file, chunk.line, 1, "an alias inside its own anchor never ends")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            inner = 0
            if isinstance(node, yaml.MappingNode):
                inner = sum(size(key) + size(value) for key, value in node.value)
            elif isinstance(node, yaml.SequenceNode):
                inner = sum(map(size, node.value))
            open_nodes.discard(id(node))
            sizes[id(node)] = inner + 1
        return sizes[id(node)]

    if size(root) > _MOST_NODES:
        raise _broken(chunk.file, chunk.line, 1, f"aliases repeat more than {_MOST_NODES} values")


def _manifests(found: list[Any], chunk: Chunk) -> Iterator[tuple[Identity, dict[str, Any]]]:
    for document in found:
        if document is None:
            continue
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
            raise _broken(chunk.file, chunk.line, 1, "a document without apiVersion and kind is no manifest")
        items = document.get("items")
        if str(document["kind"]).endswith("List") and isinstance(items, list):
            yield from _manifests(items, chunk)
            continue
        metadata = document.get("metadata")
        about = metadata if isinstance(metadata, dict) else {}
        name = str(about.get("name") or about.get("generateName") or "")
        namespace = str(about.get("namespace") or "")
        yield Identity(str(document["apiVersion"]), str(document["kind"]), namespace, name), document


def _broken(file: str, line: int, column: int, message: str) -> InvalidValues:
    return InvalidValues([Finding(Place(file, line, column), "yaml", message)])
