"""A committed folder: what redisgen owns in it, writes, refuses and checks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from redisgen.findings import RedisgenError
from redisgen.folder import JOURNAL, LOCK, WORK, lock_of
from redisgen.output import write
from tests.conftest import ROOT, Run
from tests.system import rendered, written

TEXTS = {"00-a.yaml": "a: 1\n", "04-b.yaml": "b: 1\nb2: 2\n", "shop/orders/04-cluster.yaml": "c: 1\n"}

# Clusters with what the rules ask of a fleet, and with RBAC that does not change with them.
ALONE = "operator: {rbac: cluster}\n"
A = "{name: a, namespace: a, auth: {secretName: a}}"
B = "{name: b, namespace: b, auth: {secretName: b}}"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Write a folder."""
    write(TEXTS, tmp_path / "out")
    return tmp_path / "out"


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }


def whole(texts: dict[str, str]) -> dict[str, str]:
    return {**texts, LOCK: lock_of(texts)}


def refused(texts: dict[str, str], folder: Path, force: bool = False) -> str:
    """Return the sentence with which a folder is left as it was."""
    before = files(folder) if folder.is_dir() else None
    with pytest.raises(RedisgenError) as caught:
        write(texts, folder, force)
    assert (files(folder) if folder.is_dir() else None) == before
    assert not (folder / WORK).exists()
    return str(caught.value).replace(f"{folder}", "out")


# Writing


def test_the_lock_is_what_sha256sum_checks(out: Path) -> None:
    digest = sha256(b"a: 1\n").hexdigest()
    assert (out / LOCK).read_text().splitlines()[:2] == [
        "# The files that redisgen wrote here and may change or remove; sha256sum -c .redisgen.lock checks them.",
        f"{digest}  00-a.yaml",
    ]
    if shutil.which("sha256sum"):
        done = subprocess.run(["sha256sum", "-c", LOCK], cwd=out, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "00-a.yaml: OK\n04-b.yaml: OK\nshop/orders/04-cluster.yaml: OK\n"


def test_only_what_changes_is_written(out: Path) -> None:
    for path in out.rglob("*"):
        os.utime(path, (1, 1))
    written = write({**TEXTS, "04-b.yaml": "b: 2\n"}, out)
    assert written == (["04-b.yaml"], [], False)
    touched = [path.name for path in sorted(out.rglob("*")) if path.is_file() and path.stat().st_mtime != 1]
    assert touched == [LOCK, "04-b.yaml"]


def test_nothing_to_do_touches_no_file(out: Path) -> None:
    for path in out.rglob("*"):
        os.utime(path, (1, 1))
    assert write(TEXTS, out) == ([], [], False)
    assert {path.stat().st_mtime for path in out.rglob("*")} == {1}


def test_stale_files_and_their_empty_folders_go(out: Path) -> None:
    (out / "shop/kept").mkdir()
    (out / "shop/kept/mine.txt").write_text("mine")
    assert write({"00-a.yaml": "a: 1\n"}, out) == ([], ["04-b.yaml", "shop/orders/04-cluster.yaml"], False)
    assert files(out) == {**whole({"00-a.yaml": "a: 1\n"}), "shop/kept/mine.txt": "mine"}
    assert not (out / "shop/orders").exists()


def test_a_file_of_others_is_never_touched(out: Path) -> None:
    (out / "notes.txt").write_text("mine")
    (out / "05-new.yaml").write_text("mine\n")
    for force in (False, True):
        assert refused({**TEXTS, "05-new.yaml": "new\n"}, out, force) == (
            "nothing is written:\nout/05-new.yaml was not written by redisgen; move it away, or choose another folder"
        )
    write({}, out)
    assert files(out) == {**whole({}), "notes.txt": "mine", "05-new.yaml": "mine\n"}


def test_a_file_of_others_that_is_as_rendered_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "00-a.yaml").write_text("a: 1\n")
    os.utime(tmp_path / "00-a.yaml", (1, 1))
    assert write(TEXTS, tmp_path).changed == ["04-b.yaml", "shop/orders/04-cluster.yaml"]
    assert (tmp_path / "00-a.yaml").stat().st_mtime == 1
    assert files(tmp_path) == whole(TEXTS)


def test_an_edited_file_is_refused_with_a_diff(out: Path) -> None:
    (out / "04-b.yaml").write_text("b: 1\nb2: 3\x1b[2J")
    new = {**TEXTS, "04-b.yaml": "b: 1\nb2: 4\n"}
    assert refused(new, out) == (
        "nothing is written:\n"
        "out/04-b.yaml was edited since redisgen wrote it; put the change into the values, or give it up with --force\n"
        "--- out/04-b.yaml\n+++ out/04-b.yaml (rendered)\n@@ -1,2 +1,2 @@\n b: 1\n"
        "-b2: 3\\x1b[2J\n\\ No newline at end of file\n+b2: 4"
    )
    write(new, out, force=True)
    assert files(out) == whole(new)


def test_an_edit_that_the_values_made_true_is_taken(out: Path) -> None:
    (out / "04-b.yaml").write_text("b: 2\n")
    assert write({**TEXTS, "04-b.yaml": "b: 2\n"}, out).changed == []


def test_a_stale_file_that_was_edited_is_refused(out: Path) -> None:
    (out / "04-b.yaml").write_text("mine\n")
    texts = {"00-a.yaml": "a: 1\n"}
    assert "out/04-b.yaml was edited since redisgen wrote it" in refused(texts, out)
    write(texts, out, force=True)
    assert files(out) == whole(texts)


def test_line_endings_of_git_are_no_edit(out: Path) -> None:
    for path in out.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    new = {**TEXTS, "04-b.yaml": "b: 2\n"}
    assert write(new, out).changed == list(TEXTS)
    assert files(out) == whole(new)


def test_a_merge_conflict_in_the_lock_mends_itself(out: Path) -> None:
    ours = (out / LOCK).read_text()
    theirs = lock_of({**TEXTS, "04-b.yaml": "theirs\n"})
    (out / LOCK).write_text(f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n")
    (out / "04-b.yaml").write_text("theirs\n")
    write(TEXTS, out)
    assert files(out) == whole(TEXTS)


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "a/../../outside", ".git/config", "a//b", LOCK, "a\\..\\b", "", "a/.hidden"]
)
def test_a_lock_leads_nowhere_else(out: Path, name: str) -> None:
    (out.parent / "outside").write_text("a: 1\n")
    line = lock_of({"x": "a: 1\n"}).splitlines()[1].removesuffix("x") + name
    (out / LOCK).write_text(f"{line}\n")
    assert refused(TEXTS, out) == "out/.redisgen.lock:1: not a line of redisgen's; restore the file, or use --force"
    write(TEXTS, out, force=True)
    assert (out.parent / "outside").read_text() == "a: 1\n"


# What stands in the way


def test_symlinks(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "shop").symlink_to(elsewhere)
    assert refused(TEXTS, out) == "out/shop is a symlink; it should be a folder"
    (out / "shop").unlink()
    (out / "00-a.yaml").symlink_to(elsewhere / "new")
    assert refused(TEXTS, out) == "out/00-a.yaml is a symlink; it should be a file"
    (out / "00-a.yaml").unlink()
    (out / LOCK).symlink_to(elsewhere / "lock")
    assert refused(TEXTS, out) == "out/.redisgen.lock is a symlink; it should be a file"
    assert list(elsewhere.iterdir()) == []


def test_a_symlink_in_place_of_the_work_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/0").write_text("mine")
    (tmp_path / WORK).symlink_to("elsewhere")
    with pytest.raises(RedisgenError) as caught:
        write(TEXTS, tmp_path)
    assert str(caught.value) == f"{tmp_path / WORK} is a symlink; it should be a folder"
    assert files(tmp_path / "elsewhere") == {"0": "mine"}
    (tmp_path / WORK).unlink()
    (tmp_path / WORK).write_text("mine")
    with pytest.raises(RedisgenError) as caught:
        write(TEXTS, tmp_path)
    assert str(caught.value) == f"{tmp_path / WORK} is a file; it should be a folder"


def test_the_folder_itself_may_be_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    write(TEXTS, tmp_path / "out")
    assert files(tmp_path / "real") == whole(TEXTS)


def test_files_and_folders_in_the_way(out: Path) -> None:
    (out / "team").write_text("mine")
    assert refused({"team/a/04.yaml": ""}, out) == "out/team is a file; it should be a folder"
    (out / "05.yaml").mkdir()
    assert refused({"05.yaml": ""}, out) == "out/05.yaml is a folder; it should be a file"
    os.mkfifo(out / "06.yaml")
    assert refused({"06.yaml": ""}, out) == "out/06.yaml is a device, pipe or socket; it should be a file"
    assert refused(TEXTS, out / "00-a.yaml") == "out is a file; it should be a folder"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that any user may reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="root must become someone else")
@pytest.mark.parametrize("locked", [".", "shop/orders"])
def test_read_only_folder(open_folder: Path, locked: str) -> None:
    out = open_folder / "out"
    write(TEXTS, out)
    user = os.geteuid()
    if user == 0:
        for path in (out, *out.rglob("*")):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    try:
        (out / locked).chmod(0o555)
        message = refused(dict.fromkeys([*TEXTS, "shop/added/04.yaml"], "new\n"), out)
        (out / locked).chmod(0o755)
    finally:
        os.seteuid(user)
    assert message in (
        "cannot write out/.redisgen.tmp: Permission denied",
        "cannot write out/shop/orders: Permission denied",
    )


def test_a_failure_in_the_middle_is_repaired_by_the_next_run(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "04-b.yaml":
            raise OSError(5, "Input/output error", str(target))
        return replace(self, target)

    new = dict.fromkeys(TEXTS, "new\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        with pytest.raises(RedisgenError) as caught:
            write(new, out)
    assert str(caught.value) == (
        f"cannot write {out}/04-b.yaml: Input/output error; some files are new, some old: "
        "mend that and render again, which makes the folder whole"
    )
    assert write(new, out).repaired
    assert files(out) == whole(new)


def test_full_disk(out: Path) -> None:
    new = {**dict.fromkeys(TEXTS, "new\n"), "team/a/04.yaml": "x" * 5000}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        assert refused(new, out) == "cannot write out: File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (out / "team").exists()
    assert files(out) == whole(TEXTS)


def test_a_new_folder_that_cannot_be_filled_is_gone_again(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        refused({"04.yaml": "x" * 5000}, tmp_path / "new/out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_two_threads_at_once(tmp_path: Path) -> None:
    versions = [{f"{name}.yaml": f"{version}\n" * 100 for name in "abcdef"} for version in range(4)]
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda texts: write(texts, tmp_path / "out"), versions * 10))
    assert not any(one.repaired for one in written)
    assert files(tmp_path / "out") in [whole(texts) for texts in versions]


def test_two_commands_at_once(tmp_path: Path) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "redisgen", "render", "-o", "out", "--set", f"name={name}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
        )
        for name in ("one", "two", "three")
    ]
    for command in commands:
        command.communicate()
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert files(tmp_path / "out") in [whole(written(f"name: {name}")) for name in ("one", "two", "three")]


# The commands


def test_what_render_says(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text(f"{ALONE}clusters: [{A}, {B}]")
    count = len(written(f"{ALONE}clusters: [{A}, {B}]"))
    said = [run("render", "-o", "out").stderr, run("render", "-o", "out").stderr]
    (tmp_path / "redisgen.yaml").write_text(
        f"{ALONE}clusters: [{{name: a, namespace: a, auth: {{secretName: a}}, redis: {{maxmemoryPolicy: noeviction}}}}]"
    )
    said.append(run("render", "-o", "out").stderr)
    (tmp_path / "out" / WORK).mkdir()
    (tmp_path / "out" / JOURNAL).write_text("")
    said.append(run("render", "-o", "out").stderr)
    assert said == [
        f"redisgen: {count} files in out\n",
        f"redisgen: {count} files in out: none changed\n",
        f"redisgen: {count - 5} files in out: 2 written, 5 removed\n",
        "redisgen: an earlier run was interrupted while it wrote out; the folder is whole again\n"
        f"redisgen: {count - 5} files in out: none changed\n",
    ]


def test_render_refuses_with_exit_code_3_and_forces(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", "out")
    file = tmp_path / "out/05-connection.yaml"
    file.write_text("mine\n")
    done = run("render", "-o", "out")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(
        "redisgen: error: nothing is written:\nout/05-connection.yaml was edited since redisgen wrote it; "
        "put the change into the values, or give it up with --force\n--- out/05-connection.yaml\n"
    )
    assert file.read_text() == "mine\n"
    done = run("render", "-o", "out", "--force")
    assert done.stderr == f"redisgen: {len(written())} files in out: 1 written\n"
    assert files(tmp_path / "out") == whole(written("name: a"))


def test_check_finds_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", "out")
    for name in ("kustomization.yaml", "notes.txt", ".gitattributes"):
        (tmp_path / "out" / name).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = run("check", "out")
    count = len(written())
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"redisgen: out is what the values render: {count} files\n"
    assert json.loads(run("check", "out", "--format", "json").stdout) == {
        "folder": "out",
        "differences": [],
        "advice": [],
    }
    assert run("check", "out", "--format", "github").stdout == ""
    assert run("check", "out", "--format", "markdown").stdout == "`out` is what the values render.\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_values_may_stand_in_the_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", ".")
    assert run("check", ".").returncode == 0
    (tmp_path / "values").mkdir()
    (tmp_path / "values/a.yaml").write_text("name: a\n")
    run("render", "-o", ".", "-f", "values")
    assert run("check", ".", "-f", "values").returncode == 0


def test_check_sees_every_difference(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "v.yaml").write_text(
        f"{ALONE}clusters: [{{name: a, auth: {{secretName: a}}}}, {B}, {{name: c, namespace: c}}]\n"
    )
    run("render", "-o", "out", "-f", "v.yaml")
    (tmp_path / "v.yaml").write_text(
        f"{ALONE}clusters: [{{name: a, auth: {{secretName: a}}, connection: {{db: 1}}}}, {B}]\n"
    )
    (out / "00-operator-namespace.yaml").unlink()
    edited = out / "b/b/05-connection.yaml"
    edited.write_text(edited.read_text().replace('REDIS_DB: "0"', 'REDIS_DB: "7"'))
    (out / "b/b/04-cluster.yaml").write_bytes((out / "b/b/04-cluster.yaml").read_bytes().replace(b"\n", b"\r\n"))
    (out / "extra").mkdir()
    (out / "extra/job.yml").write_text("mine")
    done = run("check", "out", "-f", "v.yaml", "--set", "exporter={enabled: true}")
    assert done.returncode == 1
    said = [line for line in done.stdout.splitlines() if line.startswith("out/") and ".md " not in line]
    assert said == [
        "out/00-operator-namespace.yaml is missing",
        "out/saasodoo/a/05-connection.yaml is not what the values render now",
        "out/b/b/04-cluster.yaml has CRLF line endings, as a Git checkout makes them",
        "out/b/b/05-connection.yaml was edited since redisgen wrote it",
        "out/c/c/04-cluster.yaml is not rendered any more",
        "out/c/c/05-connection.yaml is not rendered any more",
        "out/extra/job.yml was not written by redisgen",
    ]
    assert "--- out/b/b/05-connection.yaml\n+++ out/b/b/05-connection.yaml (rendered)\n@@" in done.stdout
    assert '-  REDIS_DB: "7"\n+  REDIS_DB: "0"\n' in done.stdout
    assert "--- out/c/c/05-connection.yaml\n+++ /dev/null\n" in done.stdout
    mend = "redisgen render -o out -f v.yaml --set 'exporter={enabled: true}' --force"
    assert done.stderr == (
        "redisgen: move away, since redisgen touches no file of others: out/extra/job.yml\n"
        f"redisgen: to mend it: {mend} (which gives up what was edited)\n"
        "redisgen: to keep Git from it, put this line into out/.gitattributes: * text eol=lf\n"
    )
    (out / "extra/job.yml").unlink()
    subprocess.run(
        f"{sys.executable} -m {mend}", shell=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert run("check", "out", "-f", "v.yaml").returncode == 0


@pytest.mark.parametrize(
    ("change", "line", "mend"),
    [
        (lambda out: (out / LOCK).unlink(), "out/.redisgen.lock is missing", ""),
        (
            lambda out: (out / LOCK).write_text("x\n"),
            "out/.redisgen.lock does not name what redisgen wrote here",
            " --force",
        ),
        (
            lambda out: (out / LOCK).write_text((out / LOCK).read_text().replace("00-", "99-")),
            "out/.redisgen.lock does not name what redisgen wrote here",
            "",
        ),
        (
            lambda out: ((out / WORK).mkdir(), (out / JOURNAL).write_text("")),
            "out/.redisgen.tmp/journal is left of a run that was interrupted",
            "",
        ),
    ],
)
def test_check_sees_a_changed_lock(run: Run, tmp_path: Path, change: object, line: str, mend: str) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", "out")
    assert callable(change)
    change(tmp_path / "out")
    done = run("check", "out")
    assert (done.returncode, done.stdout) == (1, f"{line}\n")
    assert done.stderr == f"redisgen: to mend it: redisgen render -o out{mend}\n"
    assert run("render", "-o", "out", *mend.split()).returncode == 0
    assert run("check", "out").returncode == 0


def test_check_in_every_format(run: Run, tmp_path: Path) -> None:
    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", "out")
    file = tmp_path / "out/00-operator-namespace.yaml"
    text = file.read_text()
    file.write_text(f"{text}# 100% mine: ```\n")
    last = text.splitlines()[-3:]
    start = len(text.splitlines()) - 2
    diff = (
        "--- out/00-operator-namespace.yaml\n+++ out/00-operator-namespace.yaml (rendered)\n"
        f"@@ -{start},4 +{start},3 @@\n" + "".join(f" {line}\n" for line in last) + "-# 100% mine: ```\n"
    )
    message = "was edited since redisgen wrote it"
    advice = "to mend it: redisgen render -o out --force (which gives up what was edited)"
    assert run("check", "out").stdout == f"out/00-operator-namespace.yaml {message}\n{diff}"
    assert json.loads(run("check", "out", "--format", "json").stdout) == {
        "folder": "out",
        "differences": [{"file": "out/00-operator-namespace.yaml", "kind": "edited", "message": message, "diff": diff}],
        "advice": [advice],
    }
    escaped = (
        f"out/00-operator-namespace.yaml {message}\n{advice}\n{diff}".rstrip().replace("%", "%25").replace("\n", "%0A")
    )
    assert run("check", "out", "--format", "github").stdout == (
        f"::error file=out/00-operator-namespace.yaml,line={start},title=redisgen check::{escaped}\n"
    )
    assert run("check", "out", "--format", "markdown").stdout == (
        f"**`out` is not what the values render: 1 file differs.**\n\n- {advice}\n\n"
        f"`out/00-operator-namespace.yaml` {message}\n\n````diff\n{diff}````\n"
    )


def test_check_without_a_folder(run: Run) -> None:
    done = run("check", "out", "--set", "name=a")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "redisgen: error: there is no folder out; make it with: redisgen render -o out --set name=a\n"
    )


def test_check_with_wrong_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run("check", "out", "--set", "x=1").returncode == 1
    assert run("check").returncode == 2


@pytest.mark.skipif(not shutil.which("git"), reason="needs Git")
def test_a_checkout_with_crlf(run: Run, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        name = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "core.autocrlf=true"]
        subprocess.run(["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def check_out_anew() -> None:
        for path in (tmp_path / "out").rglob("*"):
            if path.is_file() and path.name != ".gitattributes":
                path.unlink()
        git("checkout", "HEAD", "--", "out")

    (tmp_path / "redisgen.yaml").write_text("name: a\n")
    run("render", "-o", "out")
    git("init")
    git("add", ".")
    git("commit", "-m", "Add Redis")
    check_out_anew()
    done = run("check", "out")
    count = len(written())
    assert done.returncode == 1
    assert done.stdout.count(" has CRLF line endings, as a Git checkout makes them\n") == count
    *_, line = done.stderr.splitlines()
    assert line == "redisgen: to keep Git from it, put this line into out/.gitattributes: * text eol=lf"
    (tmp_path / "out/.gitattributes").write_text("* text eol=lf\n")
    git("add", ".")
    git("commit", "-m", "Keep line endings")
    check_out_anew()
    assert run("check", "out").returncode == 0


def test_a_foreign_name_that_is_no_text(run: Run, tmp_path: Path) -> None:
    run("render", "-o", "out", "--set", "name=a")
    try:
        (tmp_path / os.fsdecode(b"out/\xff.yaml")).write_text("")
    except OSError:
        pytest.skip("the file system allows text only")
    for style in ("text", "json", "github", "markdown"):
        done = run("check", "out", "--set", "name=a", "--format", style)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)


# Many clusters


def test_a_folder_of_values_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("redis: {port: 7000}\n")
    (tmp_path / "clusters").mkdir()
    for name in ("b.yml", "a.yaml", "Z.yaml", "c.txt", ".hidden.yaml"):
        (tmp_path / "clusters" / name).write_text(
            f"name: {name[0].lower()}\nnamespace: {name[0].lower()}\nauth: {{secretName: {name[0].lower()}}}\n"
        )
    (tmp_path / "clusters/sub.yaml").mkdir()
    listed = (
        "redis: {port: 7001}\nclusters: ["
        + ", ".join(f"{{name: {n}, namespace: {n}, auth: {{secretName: {n}}}}}" for n in "zab")
        + "]"
    )
    done = run("render", "-f", "clusters", "-f", "shared.yaml", "--set", "redis.port=7001")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "---\n".join(rendered(listed).values())


def test_findings_carry_the_names_of_the_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/a.yaml").write_text("name: a\nredis:\n  replica: 3\n")
    (tmp_path / "clusters/b.yaml").write_text("name: b\nclusters: []\n")
    done = run("validate", "-f", "clusters")
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split(": error: ")[0] for line in done.stdout.splitlines()] == [
        "clusters/a.yaml:3:3",
        "clusters/b.yaml:2:1",
    ]
    (tmp_path / "clusters/a.yaml").write_text("name: [\n")
    (tmp_path / "clusters/c.yaml").write_text("name: a\nname: b\n")
    done = run("validate", "-f", "clusters", "--set", "x")
    assert [line.split(": error: ")[0] for line in done.stdout.splitlines()] == [
        "--set x",
        "clusters/a.yaml:2:1",
        "clusters/c.yaml:2:1",
    ]


def test_clusters_are_listed_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/a.yaml").write_text("name: a\n")
    (tmp_path / "shared.yaml").write_text("name: x\nclusters: [{name: b}]\n")
    done = run("validate", "-f", "shared.yaml", "-f", "clusters")
    assert (done.returncode, done.stdout) == (
        1,
        "shared.yaml:2:1: error: 'clusters' stands here, and a folder given with -f lists clusters, too; "
        "use one of them [schema]\n",
    )


def test_an_empty_folder_of_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    done = run("validate", "-f", "clusters")
    assert (done.returncode, done.stderr) == (
        3,
        "redisgen: error: clusters: a folder without *.yaml or *.yml files; each would be a cluster\n",
    )


@pytest.mark.parametrize(("count", "shown"), [(300, True), (2, False)])
def test_progress_on_a_terminal(tmp_path: Path, count: int, shown: bool) -> None:
    pty = pytest.importorskip("pty")
    clusters = [{"name": f"redis-{n}", "namespace": f"team-{n}", "auth": {"secretName": "a"}} for n in range(count)]
    (tmp_path / "redisgen.yaml").write_text(json.dumps({"clusters": clusters}))
    ours, theirs = pty.openpty()
    writer = subprocess.Popen(
        [sys.executable, "-m", "redisgen", "render", "-o", "out"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # Linux' end of file
        pass
    os.close(ours)
    assert writer.wait() == 0
    assert (b"Writing" in said and b"100%" in said) == shown
    assert said.endswith(f"redisgen: {4 + 5 * count} files in out\r\n".encode())


def test_one_change_among_many_clusters_writes_that_one(run: Run, tmp_path: Path) -> None:
    clusters = [{"name": f"redis-{number}", "namespace": f"team-{number}"} for number in range(50)]
    (tmp_path / "redisgen.yaml").write_text(json.dumps({"clusters": clusters}))
    run("render", "-o", "out")
    for path in (tmp_path / "out").rglob("*"):
        os.utime(path, (1, 1))
    clusters[30]["redis"] = {"maxmemoryPolicy": "noeviction"}  # type: ignore[assignment]
    (tmp_path / "redisgen.yaml").write_text(json.dumps({"clusters": clusters}))
    run("render", "-o", "out")
    touched = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.stat().st_mtime != 1]
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in touched) == [
        LOCK,
        "team-30/redis-30/04-cluster.yaml",
        "team-30/redis-30/README.md",
    ]
