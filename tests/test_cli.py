"""Exit codes and streams, as a user and a script meet them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redisgen.documents import documents
from redisgen.folder import lock_of
from redisgen.load import load_fleet
from redisgen.resources import SCHEMAS
from tests.conftest import ROOT, Run
from tests.system import rendered

NO_FILE = "redisgen: no redisgen.yaml here and no -f: rendering the defaults\n"


def test_render_without_values(run: Run) -> None:
    done = run("render")
    assert (done.returncode, done.stderr) == (0, NO_FILE)
    assert done.stdout == "---\n".join(rendered().values())


def test_render_takes_the_file_of_this_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: orders\n")
    done = run("render")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "---\n".join(rendered("name: orders").values())


def test_later_files_and_assignments_win(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nnamespace: a\nredis: {port: 1000}\n")
    (tmp_path / "b.yaml").write_text("name: b\nnamespace: b\n")
    done = run("render", "-f", "a.yaml", "-f", "b.yaml", "--set", "name=c", "--set", "connection.db=2")
    assert done.stdout == "---\n".join(
        rendered("name: c\nnamespace: b\nredis: {port: 1000}\nconnection: {db: 2}").values()
    )


def test_values_from_stdin(run: Run) -> None:
    assert run("render", "-f", "-", stdin="name: x").stdout == "---\n".join(rendered("name: x").values())


def test_folder(run: Run, tmp_path: Path) -> None:
    done = run("render", "-o", "deploy/redis")
    fleet, _ = load_fleet([])
    texts = rendered()
    texts |= documents(fleet, texts)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{NO_FILE}redisgen: {len(texts)} files in deploy/redis\n"
    written = {path.name: path.read_bytes().decode() for path in (tmp_path / "deploy/redis").iterdir()}
    assert written == {**texts, ".redisgen.lock": lock_of(texts)}


def test_folder_where_a_file_stands(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = run("render", "-o", "out", "--set", "name=x")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "redisgen: error: out is a file; it should be a folder\n"
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_where_a_file_should_be_leaves_all_as_it_was(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out/05-connection.yaml").mkdir(parents=True)
    done = run("render", "-o", "out", "--set", "name=x")
    assert (done.returncode, done.stderr) == (
        3,
        "redisgen: error: out/05-connection.yaml is a folder; it should be a file\n",
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["05-connection.yaml"]


def test_wrong_values_of_all_sources_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: [\n")
    (tmp_path / "b.yaml").write_text("name: a\nname: b\n")
    done = run("render", "-f", "a.yaml", "-f", "b.yaml", "--set", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(": error:")[0] for line in done.stderr.splitlines()] == ["--set x", "a.yaml:2:1", "b.yaml:2:1"]


def test_a_wrong_assignment_is_named(run: Run) -> None:
    done = run("validate", "--set", "redis.replica=3")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == ("--set redis.replica=3: error: unknown key 'replica'; did you mean 'replicas'? [schema]\n")


def test_validate(run: Run) -> None:
    done = run("validate", "-f", "-", stdin="clusters: [{name: a}, {name: b, namespace: b, auth: {secretName: b}}]")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "redisgen: the values are right: 2 clusters\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render", "-f", "missing.yaml"], "redisgen: error: missing.yaml: No such file or directory\n"),
        (
            ["render", "-f", "."],
            "redisgen: error: .: a folder without *.yaml or *.yml files; each would be a cluster\n",
        ),
    ],
)
def test_could_not_run(run: Run, arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", message)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_unreadable(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("")
    (tmp_path / "redisgen.yaml").chmod(0)
    assert run("render").stderr == "redisgen: error: redisgen.yaml: Permission denied\n"


@pytest.mark.parametrize(
    "arguments",
    [["rendre"], ["render", "--sat", "a=b"], ["render", "extra"], ["schema", "-x"], ["validate", "-f", "-", "-f", "-"]],
)
def test_usage(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")


def test_closed_stdin(tmp_path: Path) -> None:
    command = f"{sys.executable} -m redisgen validate -f - <&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 3
    assert done.stderr == "redisgen: error: stdin is closed; there are no values to read from it\n"


@pytest.mark.parametrize("command", ["render --set name=x", "validate --set name=_", "--version", "schema"])
def test_closed_stdout(tmp_path: Path, command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        f"{sys.executable} -m redisgen {command} >&-",
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == "redisgen: error: stdout is closed; there is nowhere to write to\n"


def test_schema_is_the_shipped_one(run: Run) -> None:
    assert run("schema").stdout == (SCHEMAS / "values.schema.json").read_text("utf-8")


def test_version(run: Run) -> None:
    assert run("--version").stdout.startswith("redisgen 0.")


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m redisgen render | head -c 10",
        shell=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert b"Traceback" not in done.stderr


def test_output_depends_on_nothing_but_values(tmp_path: Path) -> None:
    outputs = set()
    for index, extra in enumerate(
        [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"}]
    ):
        folder = tmp_path / str(index)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-m", "redisgen", "render", "--set", "labels={b: x, a: y}"],
            capture_output=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **extra},
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
