"""The commands. The only module that prints, or knows streams and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional, TypeVar

import typer

from redisgen.findings import Finding, InvalidValues, RedisgenError

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


def main() -> NoReturn:
    """Run the command line; nothing leaves here as a traceback but a bug of ours, and that with exit code 3."""
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

        _out(f"redisgen {__version__}\n")
        raise typer.Exit


@app.command()
def render(
    values: Values = None,
    assignments: Set = None,
    folder: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("-o", "--output", metavar="DIR", help="Write one file each into DIR instead of all to stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files of redisgen's that were edited.")] = False,
) -> None:
    """Render the manifests, to stdout or into a folder."""
    with _reported():
        from redisgen.render import joined
        from redisgen.render import render as texts_of

        texts = texts_of(_fleet(values, assignments))
        if folder is None:
            _out(joined(texts))
            return
        from redisgen.output import write

        written = write(texts, folder, force, _progress)
        if written.repaired:
            _say(f"redisgen: an earlier run was interrupted while it wrote {folder}; the folder is whole again")
        _say(f"redisgen: {len(texts)} files in {folder}{_changes(written, len(texts))}")


@app.command()
def validate(values: Values = None, assignments: Set = None) -> None:
    """Say all that is wrong with the values."""
    with _reported():
        fleet = _fleet(values, assignments)
        count = len(fleet.clusters)
        _say(f"redisgen: the values are right: {count} cluster{'s' * (count != 1)}")


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
        from redisgen.render import render as texts_of

        texts = texts_of(_fleet(values, assignments))
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
        _report(error.findings)
        raise typer.Exit(Exit.WRONG) from None
    except RedisgenError as error:
        _say(f"redisgen: error: {error}")
        raise typer.Exit(Exit.FAILED) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        _say(f"redisgen: error: {error.filename or 'stdout'}: {error.strerror}")
        raise typer.Exit(Exit.FAILED) from None


def _fleet(files: list[str] | None, assignments: list[str] | None) -> Fleet:
    from redisgen.cluster import load_fleet

    fleet, findings = load_fleet(_sources(files or [], assignments or []))
    _report(findings)
    return fleet


def _sources(files: list[str], assignments: list[str]) -> list[Mapping]:
    if not files:
        if Path(DEFAULT_FILE).exists():
            files = [DEFAULT_FILE]
        elif not assignments:
            _say(f"redisgen: no {DEFAULT_FILE} here and no -f: rendering the defaults")
            return []
    from redisgen.values import assignment

    if files.count("-") > 1:
        raise RedisgenError("stdin can be read once; give -f - once")
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
        return parse(sys.stdin.buffer.read(), "<stdin>")
    return parse(Path(file).read_bytes(), file)


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
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    sys.stderr.buffer.write(f"{text}\n".encode("utf-8", "backslashreplace"))
    sys.stderr.buffer.flush()


def _report(findings: list[Finding]) -> None:
    for finding in findings:
        _say(str(finding))
