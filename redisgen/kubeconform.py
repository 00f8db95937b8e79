"""Run kubeconform over manifests, offline, for every Kubernetes version whose schemas are at hand."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from redisgen.findings import Finding, Place, RedisgenError
from redisgen.resources import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SECONDS = 60

# Kinds that Kubernetes does not know by itself, by the name under which kubeconform looks for them.
_OWN_SCHEMAS = {
    "redisfailover-databases-v1.json": "redisfailover.schema.json",
    "podmonitor-monitoring-v1.json": "podmonitor.schema.json",
    "prometheusrule-monitoring-v1.json": "prometheusrule.schema.json",
}
_LAYOUT = "{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json"


class Verification(NamedTuple):
    """What is wrong, sorted by place, and how many documents are right for each Kubernetes version."""

    findings: list[Finding]
    valid: dict[str, int]


def supported_versions() -> list[str]:
    """List the Kubernetes versions to verify for, oldest first: `["1.25", …]`, those of package kubernetes_validate.

    Raises RedisgenError where the package is missing.
    """
    return list(_schema_folders())


def verify(texts: Mapping[str, str], kubernetes_versions: Sequence[str] | None = None) -> Verification:
    """Check manifests, YAML texts by file name, as the API servers of these versions (or of all) would.

    A finding stands for one fault of one document, whatever the number of versions that have it; its place is the file.
    Unknown keys and kinds are faults, and no document goes unchecked. Raises RedisgenError where kubeconform or
    kubernetes_validate is missing or fails, for a version without schemas, and where there is nothing to check.
    """
    folders = _schema_folders()
    wanted = set(folders if kubernetes_versions is None else kubernetes_versions)
    if unknown := sorted(wanted - set(folders)):
        raise RedisgenError(f"no schemas of Kubernetes {', '.join(unknown)}; there are {', '.join(folders)}")
    program = _find_kubeconform()

    schemas, findings = _read(texts)
    documents = sum(map(len, schemas.values()))
    if not (documents or findings) or not wanted:
        raise RedisgenError("there is nothing to verify: no manifest, or no Kubernetes version")

    faults: dict[tuple[str, str], set[str]] = {}
    valid = {}
    try:
        with TemporaryDirectory(prefix="redisgen-") as temporary:
            folder = Path(temporary)
            files = list(schemas)
            (folder / "manifests").mkdir()
            for number, file in enumerate(files):
                (folder / "manifests" / f"{number}.yaml").write_text(texts[file], encoding="utf-8", newline="")
            for version in (version for version in folders if version in wanted):
                _bundle(folders[version], set().union(*schemas.values()), folder / f"v{version}.0-strict")
                valid[version], bad = _run(program, folder, version, documents)
                for document in bad:
                    file = files[int(Path(document["filename"]).stem)]
                    for message in _messages(document):
                        faults.setdefault((file, message), set()).add(version)
    except OSError as error:
        raise RedisgenError(f"cannot run kubeconform: {error}") from error

    findings += [
        _finding(Place(file), f"{message} ({_version_ranges(versions, list(folders))})")
        for (file, message), versions in faults.items()
    ]
    return Verification(sorted(findings, key=lambda finding: finding[:3]), valid)


def _yaml() -> Any:
    import yaml  # for this command alone

    return yaml


def _schema_folders() -> dict[str, Path]:
    package = find_spec("kubernetes_validate")
    if not package or not package.origin:
        raise RedisgenError('the schemas of Kubernetes are missing; install them with: pip install "redisgen[verify]"')
    folders = {}
    for folder in (Path(package.origin).parent / "kubernetes-json-schema").iterdir():
        if match := re.fullmatch(r"v(\d+\.\d+)\.\d+-local-strict", folder.name):
            folders[match[1]] = folder
    return dict(sorted(folders.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def _find_kubeconform() -> str:
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which("kubeconform") or shutil.which("kubeconform", path=beside_python)
    if not program:
        raise RedisgenError(
            "kubeconform is neither on the PATH nor beside Python; install it with: "
            "go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0"
        )
    return program


def _finding(place: Place, message: str) -> Finding:
    return Finding(place, "kubeconform", message)


def _read(texts: Mapping[str, str]) -> tuple[dict[str, list[str]], list[Finding]]:
    """Name the schema of every document of every file that can be read, and say which cannot."""
    schemas: dict[str, list[str]] = {}
    findings = []
    for file, text in texts.items():
        try:
            schemas[file] = list(_schema_names(text))
        except _yaml().YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
            findings.append(_finding(place, f"is not YAML: {getattr(error, 'problem', None) or error}"))
            continue
        if not schemas[file]:
            findings.append(_finding(Place(file), "holds no document"))
    return schemas, findings


def _schema_names(text: str) -> Iterator[str]:
    """Yield, for each document, the name under which kubeconform looks for its schema."""
    yaml = _yaml()
    # Every scalar as text: no document is refused for its numbers or dates, and `y` stays `y`.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    for document in yaml.load_all(text, Loader=loader):
        if document == "":
            continue
        # kubeconform looks into a List.
        is_list = isinstance(document, dict) and document.get("kind") == "List"
        for item in document.get("items", ()) if is_list else [document]:
            head = item if isinstance(item, dict) else {}
            group, _, version = str(head.get("apiVersion", "")).rpartition("/")
            parts = [str(head.get("kind", "")).lower(), group.partition(".")[0], version]
            yield "-".join(filter(None, parts)) + ".json"


def _bundle(source: Path, names: set[str], target: Path) -> None:
    """Write the schemas of these names into a folder, each with the definitions it needs."""
    target.mkdir()

    def read(name: str) -> Any:
        return json.loads((source / name).read_text(encoding="utf-8").replace('"/api/_definitions.json#', '"#'))

    definitions = read("_definitions.json")["$defs"]
    for name in names & {file.name for file in source.iterdir()}:
        schema = read(name)
        needed: dict[str, Any] = {}
        new = [schema]
        while new:
            references = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(new))) - set(needed)
            new = [definitions[reference] for reference in references]
            needed |= zip(references, new, strict=True)
        (target / name).write_text(json.dumps(schema | {"$defs": needed}), encoding="utf-8")
    for name, own in _OWN_SCHEMAS.items():
        shutil.copyfile(SCHEMAS / own, target / name)


def _run(program: str, folder: Path, version: str, documents: int) -> tuple[int, list[dict[str, Any]]]:
    """Give the number of valid documents, and what kubeconform says about each of the others."""
    command = [program, "-strict", "-summary", "-output", "json", "-kubernetes-version", f"{version}.0"]
    command += ["-schema-location", f"{folder}/{_LAYOUT}", str(folder / "manifests")]
    try:
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, encoding="utf-8", check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RedisgenError(f"kubeconform did not finish in {_SECONDS} seconds") from error
    try:
        report = json.loads(done.stdout)
        valid, bad = report["summary"]["valid"], report.get("resources") or []
    except (ValueError, LookupError, TypeError) as error:
        last_words = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise RedisgenError(f"kubeconform failed with exit code {done.returncode}: {last_words}") from error
    if valid + len(bad) != documents:
        raise RedisgenError(f"kubeconform checked {valid + len(bad)} of {documents} documents; is it version 0.7.0?")
    return valid, bad


def _messages(document: dict[str, Any]) -> list[str]:
    """Say who and what is wrong, without the versions."""
    subject = "/".join(filter(None, [document["kind"], document["name"]])) or "a document"
    message = document["msg"]
    if document["status"] == "statusInvalid":
        return [f"{subject}: {fault}" for fault in _faults(message)]
    if "could not find schema" in message:
        return [f"{subject}: unknown kind '{document['kind']}' of API '{document['version']}'"]
    if "into Go value of type map" in message:
        return [f"{subject}: must be a mapping"]
    return [
        f"{subject}: " + re.sub(r"^(error [^:]*: |while [^:]*: |yaml: |unmarshal errors:\s+|line \d+: )+", "", message)
    ]


_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def _faults(message: str) -> list[str]:
    """Read kubeconform's account of a JSON Schema error, where one `- at 'path': …` nests in another."""
    found = re.findall(r"- at '(.*?)': (.*?)(?=\s+- at '|$)", message, re.DOTALL)
    types: dict[str, tuple[str, list[str]]] = {}
    faults = []
    for number, (path, text) in enumerate(found):
        if " failed" in text and any(below.startswith(path) for below, _ in found[number + 1 :]):
            continue
        if match := re.fullmatch(r"got (\w+), want ([\w ]+)", text):
            # Alternatives (a text or a number) come one by one.
            types.setdefault(path, (match[1], []))[1].extend(match[2].split(" or "))
            continue
        for pattern, plain in (
            (r"additional properties ('[^']*') not allowed", r"unknown key \1"),
            (r"additional properties (.*) not allowed", r"unknown keys \1"),
            (r"missing propert(?:y|ies) (.*)", r"lacks \1"),
            (r"value must be (.*)", r"must be \1"),
            (r"maximum: got .*", "the number is too large"),
            (r"minimum: got .*", "the number is too small"),
        ):
            text = re.sub(f"^{pattern}$", plain, text)
        faults.append(_path(path) + text)
    for path, (got, want) in types.items():
        allowed = dict.fromkeys(_TYPES.get(name, name) for name in want if name != "null")
        faults.append(f"{_path(path)}must be {' or '.join(allowed)}, is {_TYPES.get(got, got)}")
    return faults or [message]


def _path(pointer: str) -> str:
    """Write the JSON pointer /spec/containers/0 as `spec.containers[0]: `."""
    text = ""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        text += f"[{key}]" if key.isdecimal() else f".{key}" if re.fullmatch(r"[\w-]+", key) else f'["{key}"]'
    return f"{text.removeprefix('.')}: " if text else ""


def _version_ranges(versions: set[str], supported: list[str]) -> str:
    """Write 1.25, 1.26, 1.27 and 1.30 as `Kubernetes 1.25 to 1.27, 1.30`."""
    runs: list[list[str]] = []
    for before, version in zip([None, *supported], supported, strict=False):
        if version not in versions:
            continue
        if before in versions:
            runs[-1].append(version)
        else:
            runs.append([version])
    return "Kubernetes " + ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
