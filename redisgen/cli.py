"""The commands. The only module that prints, or knows streams and exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum, StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional, TextIO, TypeVar

import typer

from redisgen.findings import Finding, InvalidValues, RedisgenError
from redisgen.report import Format, is_failure, report

if TYPE_CHECKING:
    from redisgen.cluster import Fleet
    from redisgen.output import Written
    from redisgen.values import Mapping

    Staged = TypeVar("Staged")

DEFAULT_FILE = "redisgen.yaml"
_MANY = 500  # files


class Exit(IntEnum):
    """What the exit code of every command says."""

    DONE = 0
    WRONG = 1  # the values are wrong, or a difference was found
    USAGE = 2
    FAILED = 3  # redisgen could not do its job


class CheckFormat(StrEnum):
    """How `check` prints differences."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    MARKDOWN = "markdown"


class DiffFormat(StrEnum):
    """How `diff` prints."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """From which outcome on `diff` exits with 1."""

    DATA_LOSS = "data-loss"
    RESTART = "restart"
    ANY = "any"


class Form(StrEnum):
    """How `redisgen connection` prints."""

    ENV = "env"
    JSON = "json"
    YAML = "yaml"


app = typer.Typer(
    help="Kubernetes manifests of a highly available Redis, from a small values file.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Values = Annotated[
    Optional[list[str]],  # noqa: UP045  # Typer reads it at run time
    typer.Option(
        "-f",
        "--values",
        metavar="FILE",
        help="Values; repeatable, later ones win key by key; - is stdin; in a folder each file is a cluster.",
    ),
]
Set = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--set", metavar="KEY=VALUE", help="One value, as in redis.replicas=5; repeatable, wins over files."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings too.")]

_read: dict[str, bytes] = {}  # the texts of the values, for the lines that findings show


def main() -> NoReturn:
    """Run the command line; nothing leaves here as a traceback but a bug of ours, and that with exit code 3."""
    if sys.stderr is None:  # closed, as in `redisgen render 2>&-`: nobody listens
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    gc.disable()  # a run leaves no garbage worth the time to look for it
    try:
        app()
    except SystemExit:
        raise
    except BrokenPipeError:
        # The reader of our stdout has gone, as in `redisgen render | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(Exit.FAILED) from None
    except Exception:  # noqa: BLE001
        import traceback

        traceback.print_exc()
        _say("redisgen: error: this is a bug in redisgen; please report it with the lines above")
        raise SystemExit(Exit.FAILED) from None
    raise SystemExit(Exit.DONE)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        from redisgen import __version__

        with _reported():
            _out(f"redisgen {__version__}\n")
        raise typer.Exit


@app.command()
def render(
    values: Values = None,
    assignments: Set = None,
    output: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("-o", "--output", metavar="DIR", help="Write one file each into DIR instead of all to stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files of redisgen's that were edited.")] = False,
    strict: Strict = False,
) -> None:
    """Render the manifests, to stdout or into a folder."""
    if output == "" or (force and output is None):
        raise typer.BadParameter("-o needs the name of a folder, and --force needs -o")
    with _reported():
        from redisgen.render import joined
        from redisgen.render import render as texts_of

        fleet = _fleet(values, assignments, strict)
        if output is None:
            _out(joined(texts_of(fleet)))
            return
        from redisgen.documents import files
        from redisgen.output import write

        folder, texts = Path(output), files(fleet)
        written = write(texts, folder, force, _progress)
        if written.repaired:
            _say(f"redisgen: an earlier run was interrupted while it wrote {folder}; the folder is whole again")
        _say(f"redisgen: {len(texts)} files in {folder}{_changes(written, len(texts))}")


@app.command()
def validate(
    values: Values = None,
    assignments: Set = None,
    format_: Annotated[Format, typer.Option("--format", help="What to write to stdout.")] = Format.TEXT,
    strict: Strict = False,
) -> None:
    """Say all that is wrong with the values."""
    with _reported():
        try:
            fleet, findings = _loaded(values, assignments, strict)
        except InvalidValues as error:
            _report(error.findings, sys.stdout, format_, strict)
            raise typer.Exit(Exit.WRONG) from None
        _report(findings, sys.stdout, format_, strict)
        count = len(fleet.clusters)
        _say(f"redisgen: the values are right: {count} cluster{'s' * (count != 1)}")


@app.command()
def verify(
    values: Values = None,
    assignments: Set = None,
    kubernetes: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--kubernetes", metavar="VERSION", help="Only this version, as 1.33; repeatable. Default: all."),
    ] = None,
) -> None:
    """Run kubeconform over the rendered manifests, offline, for each supported Kubernetes version."""
    with _reported():
        from redisgen.kubeconform import verify as verification_of
        from redisgen.render import render as texts_of

        findings, valid = verification_of(texts_of(_fleet(values, assignments)), kubernetes or None)
        for version, count in valid.items():
            _out(f"Kubernetes {version}: {count} documents valid\n")
        if findings:
            raise InvalidValues(findings)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `redisgen render -o DIR` wrote.")],
    values: Values = None,
    assignments: Set = None,
    style: Annotated[CheckFormat, typer.Option("--format", help="How to print the differences.")] = CheckFormat.TEXT,
) -> None:
    """Say whether a folder is what the values render, and how it differs."""
    with _reported():
        from redisgen import check as checking
        from redisgen.documents import files

        texts = files(_fleet(values, assignments))
        given = [Path(file) for file in [DEFAULT_FILE, *(values or [])] if file != "-"]
        report = checking.check(texts, folder, _command(folder, values, assignments), given)
        _out(checking.formatted(report, style))
        if not report.differences:
            _say(f"redisgen: {folder} is what the values render: {len(texts)} files")
            return
        for advice in report.advice:
            _say(f"redisgen: {advice}")
        raise typer.Exit(Exit.WRONG)


@app.command()
def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="A folder, a file, - or REVISION:PATH; values or manifests.")
    ],
    new: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[NEW]", help="The same; without it, what the values render now."),
    ] = None,
    values: Values = None,
    assignments: Set = None,
    layout: Annotated[DiffFormat, typer.Option("--format", help="How to print it.")] = DiffFormat.TEXT,
    gate: Annotated[FailOn, typer.Option("--fail-on", help="What makes exit code 1.")] = FailOn.ANY,
) -> None:
    """Say how manifests differ, and what each change does to the running system."""
    if new is not None and (values or assignments):
        raise typer.BadParameter("give NEW, or -f and --set, not both")
    if [old, new, *(values or [])].count("-") > 1:
        raise typer.BadParameter("stdin can be read once")
    with _reported():
        from redisgen import diff as differences
        from redisgen.effects import GATES
        from redisgen.manifests import of_texts, read
        from redisgen.render import render as texts_of

        before = read(old)
        after = of_texts(texts_of(_fleet(values, assignments))) if new is None else read(new)
        judged, notes = differences.compare(before, after)
        for note in notes:
            _say(f"redisgen: {note}")
        _out(differences.FORMATS[layout.value](judged))
        if judged and differences.worst(judged).rank >= GATES[gate.value].rank:
            raise typer.Exit(Exit.WRONG)


@app.command()
def explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key of the values, as redis.maxmemory, or a rule.")],
) -> None:
    """Say what a key of the values means, becomes and costs to change, or what a rule guards against."""
    with _reported():
        from redisgen.explain import Unknown
        from redisgen.explain import explain as text_of

        try:
            _out(text_of(key))
        except Unknown as error:
            _say(f"redisgen: error: {error}")
            raise typer.Exit(Exit.USAGE) from None


@app.command()
def docs(values: Values = None, assignments: Set = None) -> None:
    """Print the documents of the system: how to install, connect, watch, test, mend and uninstall it."""
    with _reported():
        from redisgen.documents import documents
        from redisgen.render import render as texts_of

        fleet = _fleet(values, assignments)
        _out("\n".join(documents(fleet, texts_of(fleet)).values()))


@app.command()
def connection(
    values: Values = None,
    assignments: Set = None,
    form: Annotated[Form, typer.Option("--format", help="env for a shell, json or yaml for programs.")] = Form.ENV,
    cluster: Annotated[str, typer.Option("--cluster", metavar="NAMESPACE/NAME", help="Which of several.")] = "",
) -> None:
    """Print the settings with which applications connect."""
    with _reported():
        from redisgen.connection import printed

        fleet = _fleet(values, assignments)
        found = [one for one in fleet.clusters if cluster in ("", one.name, f"{one.namespace}/{one.name}")]
        if len(found) != 1:
            names = ", ".join(f"{one.namespace}/{one.name}" for one in fleet.clusters)
            raise typer.BadParameter(f"one of {names}", param_hint="--cluster")
        _out(printed(found[0], form.value))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the values, for editors."""
    with _reported():
        from redisgen.schema import VALUES

        _out(VALUES.read_text("utf-8"))


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what is wrong into lines on stderr and an exit code."""
    try:
        yield
    except InvalidValues as error:
        _report(error.findings, sys.stderr)
        raise typer.Exit(Exit.WRONG) from None
    except RedisgenError as error:
        _say(f"redisgen: error: {error}")
        raise typer.Exit(Exit.FAILED) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        _say(f"redisgen: error: {error.filename or 'stdout'}: {error.strerror}")
        raise typer.Exit(Exit.FAILED) from None


def _fleet(files: list[str] | None, assignments: list[str] | None, strict: bool = False) -> Fleet:
    fleet, findings = _loaded(files, assignments, strict)
    _report(findings, sys.stderr)
    return fleet


def _loaded(files: list[str] | None, assignments: list[str] | None, strict: bool) -> tuple[Fleet, list[Finding]]:
    """Load the values, with the findings that are no reason to stop; those that are come as InvalidValues."""
    from redisgen.load import load_fleet

    fleet, findings = load_fleet(_sources(files or [], assignments or []))
    if any(is_failure(finding, strict) for finding in findings):
        raise InvalidValues(findings)
    return fleet, findings


def _sources(files: list[str], assignments: list[str]) -> list[Mapping]:
    if not files:
        if Path(DEFAULT_FILE).exists():
            files = [DEFAULT_FILE]
        elif not assignments:
            _say(f"redisgen: no {DEFAULT_FILE} here and no -f: rendering the defaults")
            return []
    from redisgen.values import assignment

    if files.count("-") > 1:
        raise typer.BadParameter("stdin can be read once; give -f - once")
    wrong: list[Finding] = []
    sources: list[Mapping] = []
    folders = [Path(file) for file in files if file != "-" and Path(file).is_dir()]
    reads = [partial(_parsed, file) for file in files if Path(file) not in folders]
    if folders:
        from redisgen.clusters import clusters_of

        reads.append(partial(clusters_of, folders, sources))
    reads += [partial(assignment, one) for one in assignments]
    for read in reads:
        try:
            sources.append(read())
        except InvalidValues as error:
            wrong += error.findings
    if wrong:
        raise InvalidValues(wrong)
    return sources


def _parsed(file: str) -> Mapping:
    from redisgen.values import parse

    if file == "-":
        if sys.stdin is None:
            raise RedisgenError("stdin is closed; there are no values to read from it")
        file, text = "<stdin>", sys.stdin.buffer.read()
    else:
        text = Path(file).read_bytes()
    _read[file] = text
    return parse(text, file)


def _changes(written: Written, count: int) -> str:
    """Say what a run changed in a folder, unless it wrote all of it."""
    if written.changed and len(written.changed) == count and not written.removed:
        return ""
    counts = {"written": len(written.changed), "removed": len(written.removed)}
    changes = [f"{number} {did}" for did, number in counts.items() if number]
    return f": {', '.join(changes) or 'none changed'}"


def _command(folder: Path, files: list[str] | None, assignments: list[str] | None) -> str:
    """Return the command that renders the same values into the folder, to be pasted into a shell."""
    import shlex

    given = [f"-f {shlex.quote(file)}" for file in files or []]
    given += [f"--set {shlex.quote(one)}" for one in assignments or []]
    return " ".join([f"redisgen render -o {shlex.quote(str(folder))}", *given])


def _progress(staged: list[Staged]) -> Iterable[Staged]:
    """Show how far it is, to a person, when it takes long enough to see."""
    if len(staged) < _MANY or not sys.stderr.isatty():
        yield from staged
        return
    with typer.progressbar(staged, label="Writing", file=sys.stderr) as bar:
        yield from bar


def _out(text: str) -> None:
    # Only a file name can hold what is no text.
    _write(sys.stdout, text.encode("utf-8", "backslashreplace"))


def _say(text: str) -> None:
    _write(sys.stderr, f"{text}\n".encode("utf-8", "backslashreplace"))


def _report(findings: list[Finding], stream: TextIO, format_: Format = Format.TEXT, strict: bool = False) -> None:
    texts = _texts(findings) if _is_terminal(stream) else {}
    text = report(findings, format_, texts=texts, colour=_is_coloured(stream), strict=strict)
    _write(stream, text.encode("utf-8"))


def _texts(findings: list[Finding]) -> dict[str, bytes]:
    """Return the texts that findings point into; those of a folder of values are read again."""
    for file in {finding.place.file for finding in findings} - _read.keys():
        with suppress(OSError):
            if Path(file).is_file():
                _read[file] = Path(file).read_bytes()
    return _read


def _write(stream: TextIO | None, text: bytes) -> None:
    if stream is None:
        raise RedisgenError("stdout is closed; there is nowhere to write to")
    stream.buffer.write(text)
    stream.buffer.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _is_coloured(stream: TextIO | None) -> bool:
    """Tell whether to write colour: no-color.org, then force-color.org, then what the terminal can do."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"
