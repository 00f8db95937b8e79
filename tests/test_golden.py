"""Whole outputs: golden/valid/CASE/values.yaml renders expected/, golden/invalid/CASE/values.yaml says findings.txt."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from redisgen.documents import documents
from redisgen.kubeconform import supported_versions, verify
from redisgen.load import load_fleet
from redisgen.render import joined, render
from redisgen.resources import TEMPLATES
from redisgen.values import parse
from tests.conftest import GOLDEN, Run, needs_kubeconform
from tests.system import CRD, findings

VALID = sorted(path.parent for path in GOLDEN.glob("valid/*/values.yaml"))
WITH_DOCUMENTS = ("default", "two-clusters")
INVALID = sorted(path.parent for path in GOLDEN.glob("invalid/*/values.yaml"))


def texts_of(case: Path) -> dict[str, str]:
    fleet, found = load_fleet([parse((case / "values.yaml").read_bytes(), "values.yaml")])
    texts = render(fleet)
    if case.name in WITH_DOCUMENTS:
        texts |= documents(fleet, texts)
    assert texts.pop(CRD) == (TEMPLATES / CRD).read_text("utf-8")  # the same for all: kept once
    return texts | ({"findings.txt": "".join(f"{finding}\n" for finding in found)} if found else {})


def test_there_are_cases() -> None:
    assert len(VALID) >= 6
    assert len(INVALID) >= 8


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_valid(case: Path, request: pytest.FixtureRequest) -> None:
    texts = texts_of(case)
    expected = case / "expected"
    if request.config.getoption("--update-golden"):
        shutil.rmtree(expected, ignore_errors=True)
        for name, text in texts.items():
            (expected / name).parent.mkdir(parents=True, exist_ok=True)
            (expected / name).write_text(text, "utf-8", newline="\n")
    found = {
        path.relative_to(expected).as_posix(): path.read_bytes().decode()
        for path in expected.rglob("*")
        if path.is_file()
    }
    assert texts == found


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_both_yamls_read_the_same(case: Path) -> None:
    texts = {name: text for name, text in texts_of(case).items() if name.endswith(".yaml")}
    stream = joined(texts)
    old = list(yaml.safe_load_all(stream))
    new = list(YAML(typ="safe", pure=True).load_all(stream))
    assert old == new
    assert len(old) == sum(len(list(yaml.safe_load_all(text))) for text in texts.values())


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_invalid(case: Path, request: pytest.FixtureRequest) -> None:
    found = "".join(f"{line}\n" for line in findings((case / "values.yaml").read_bytes()))
    expected = case / "findings.txt"
    if request.config.getoption("--update-golden"):
        expected.write_text(found, "utf-8", newline="\n")
    assert found == expected.read_text("utf-8")
    assert found


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_stdout_is_the_files_in_order(case: Path, run: Run) -> None:
    values = (case / "values.yaml").read_bytes()
    done = run("render", "-f", "-", stdin=values)
    assert done.returncode == 0
    assert done.stdout == joined(render(load_fleet([parse(values, "-")])[0]))


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_invalid_by_command_line(case: Path, run: Run, tmp_path: Path) -> None:
    done = run("render", "-o", "out", "-f", "-", stdin=(case / "values.yaml").read_bytes())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (case / "findings.txt").read_text("utf-8").replace("redisgen.yaml", "<stdin>")
    assert list(tmp_path.iterdir()) == []


@needs_kubeconform
@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_every_document_is_valid_for_every_kubernetes(case: Path) -> None:
    texts = {name: text for name, text in texts_of(case).items() if name.endswith(".yaml")}
    if case.name == "default":
        texts[CRD] = (TEMPLATES / CRD).read_text("utf-8")
    count = sum(len(list(yaml.safe_load_all(text))) for text in texts.values())
    found, valid = verify(texts)
    assert found == []
    assert valid == dict.fromkeys(supported_versions(), count)
    assert next(iter(valid)) == "1.25"
    assert len(valid) >= 13
