"""examples/gitops: its README's commands, its workflow and its manifests do what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from redisgen.check import GIT_ATTRIBUTES
from redisgen.kubeconform import supported_versions
from tests.conftest import ROOT, Run, needs_kubeconform

GITOPS = ROOT / "examples" / "gitops"
DEPLOY = GITOPS / "deploy"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Copy the example, as a person would who begins with it."""
    return Path(shutil.copytree(GITOPS, tmp_path / "redis"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment with this redisgen as a command, and with no Git settings but a name."""
    command = tmp_path / "bin" / "redisgen"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m redisgen "$@"\n')
    command.chmod(0o755)
    (tmp_path / "gitconfig").write_text("[user]\n  name = Ada\n  email = ada@example.com\n")
    return {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def shell(script: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def steps() -> list[tuple[str, int, list[str]]]:
    """Return the road of the README: commands, the exit code they end with, and lines that they print."""
    found: list[tuple[str, int, list[str]]] = []
    for fence in MarkdownIt().parse((GITOPS / "README.md").read_text("utf-8")):
        if fence.type == "fence" and fence.info == "sh":
            code = re.search(r"# exit code (\d)$", fence.content, re.MULTILINE)
            found.append((fence.content, int(code[1]) if code else 0, []))
        elif fence.type == "fence":
            found[-1][2].extend(fence.content.splitlines())
    return found


def follow(repository: Path, environment: dict[str, str], until: str = "") -> None:
    for script, code, lines in steps():
        done = shell(script, repository, environment)
        assert done[0] == code, f"{script}\n{done[1]}"
        for line in lines:
            assert line in done[1].splitlines(), f"{script}\n{done[1]}"
        if until and until in script:
            return


def pull_request(repository: Path, environment: dict[str, str]) -> dict[str, int]:
    """Run the steps of the workflow as GitHub does on a pull request into main, and return their exit codes."""
    shell("git update-ref refs/remotes/origin/main main", repository, environment)
    workflow = yaml.safe_load((repository / ".github/workflows/redis.yaml").read_text("utf-8"))
    scripts = [step["run"] for step in workflow["jobs"]["redis"]["steps"] if "run" in step]
    scripts = [one for one in scripts if not one.startswith("pip install")]
    return {" ".join(one.split()[:2]): shell(one, repository, environment)[0] for one in scripts}


def test_the_folder_is_what_the_values_render(run: Run, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        assert run("render", "-o", "deploy", cwd=GITOPS).returncode == 0
    done = run("check", "deploy", cwd=GITOPS)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    done = run("validate", "--strict", cwd=GITOPS)
    assert (done.returncode, done.stdout) == (0, "")
    assert GIT_ATTRIBUTES in (DEPLOY / ".gitattributes").read_text()


def test_the_road_of_the_readme(repository: Path, environment: dict[str, str]) -> None:
    assert [code for _, code, _ in steps()] == [0, 1, 0, 1, 1]
    assert all(lines for _, _, lines in steps())
    follow(repository, environment)
    assert shell("git status --porcelain", repository, environment) == (0, "")


def test_the_workflow_fails_until_the_folder_is_rendered(repository: Path, environment: dict[str, str]) -> None:
    summary = Path(environment["GITHUB_STEP_SUMMARY"])
    follow(repository, environment, until="git switch")
    assert pull_request(repository, environment) == {"redisgen validate": 0, "redisgen check": 1, "redisgen diff": 0}
    assert shell("redisgen render -o deploy", repository, environment)[0] == 0
    summary.unlink()
    assert pull_request(repository, environment) == {"redisgen validate": 0, "redisgen check": 0, "redisgen diff": 0}
    assert "| `spec.redis.command[--maxmemory]` | `512mb` | `600mb` | **restart**" in summary.read_text("utf-8")


def test_the_workflow_fails_where_data_is_at_risk(repository: Path, environment: dict[str, str]) -> None:
    follow(repository, environment, until="git init")
    values = repository / "redisgen.yaml"
    values.write_text(values.read_text().replace("storage: {size: 10Gi}", "storage: ephemeral"))
    assert shell("redisgen render -o deploy", repository, environment)[0] == 0
    assert pull_request(repository, environment) == {"redisgen validate": 0, "redisgen check": 0, "redisgen diff": 1}
    assert "**data-loss**" in Path(environment["GITHUB_STEP_SUMMARY"]).read_text("utf-8")


@needs_kubeconform
def test_every_document_is_valid_for_every_kubernetes(run: Run) -> None:
    done = run("verify", cwd=GITOPS)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(supported_versions())


def manifests(file: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in yaml.safe_load_all((GITOPS / file).read_text("utf-8"))}


def test_argo_cd_applies_all_of_the_folder_and_prunes_nothing() -> None:
    spec = manifests("argocd/application.yaml")["Application"]["spec"]
    assert (GITOPS / spec["source"]["path"]) == DEPLOY
    assert spec["source"]["directory"] == {"recurse": True}
    assert spec["syncPolicy"]["automated"]["prune"] is False


def test_flux_applies_all_of_the_folder_and_prunes_nothing() -> None:
    found = manifests("flux/redis.yaml")
    spec, metadata = found["Kustomization"]["spec"], found["GitRepository"]["metadata"]
    assert (GITOPS / spec["path"]) == DEPLOY
    assert spec["sourceRef"] == {"kind": "GitRepository", "name": metadata["name"]}
    assert found["Kustomization"]["metadata"]["namespace"] == metadata["namespace"]
    assert spec["prune"] is False


def test_what_either_tool_reads_of_the_folder_is_a_manifest() -> None:
    read = [path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".yml", ".json")]
    kinds = [one["kind"] for path in read for one in yaml.safe_load_all(path.read_text("utf-8"))]
    assert kinds.count("RedisFailover") == 2
    # Neither tool has to make a namespace for what stands beside it.
    assert kinds.count("CustomResourceDefinition") == kinds.count("Namespace") == 1
    assert not list(DEPLOY.rglob("kustomization.y*ml"))  # with which both would read only what it lists
