"""What a user installs: the wheel, elsewhere, with nothing of the checkout at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from redisgen.documents import documents
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.values import parse
from tests.conftest import GOLDEN, ROOT
from tests.system import rendered


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel, install the wheel into a folder, and return that."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert list(folder.glob("*.tar.gz"))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder / "site"), str(wheel)]
    subprocess.run(command, check=True)
    return folder / "site"


def run(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # -P and a path of our own: the checkout's redisgen must not be found first.
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from redisgen.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_the_wheel_renders_what_the_checkout_renders(installed: Path, tmp_path: Path) -> None:
    for case in ("default", "every-key", "two-clusters"):
        values = GOLDEN / "valid" / case / "values.yaml"
        done = run(installed, "render", "-f", str(values), cwd=tmp_path)
        assert done.returncode == 0
        assert done.stdout == "---\n".join(rendered(values.read_text()).values())


def test_the_wheel_documents_what_the_checkout_documents(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "docs", "-f", str(GOLDEN / "valid" / "every-key" / "values.yaml"), cwd=tmp_path)
    fleet, _ = load_fleet([parse((GOLDEN / "valid" / "every-key" / "values.yaml").read_bytes(), "values.yaml")])
    assert done.stdout == "\n".join(documents(fleet, render(fleet)).values())


def test_the_wheel_carries_all_it_needs_and_compiled_templates(installed: Path) -> None:
    assert (installed / "redisgen/schemas/values.schema.json").is_file()
    assert (installed / "redisgen/templates/04-cluster.yaml.j2").is_file()
    templates = list((installed / "redisgen/templates").glob("*.j2"))
    assert len(list((installed / "redisgen/compiled_templates").glob("*.py"))) == len(templates)


def test_a_cold_render_imports_nothing_it_does_not_need(installed: Path, tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(installed)!r})
sys.argv = ["redisgen", "render"]
from redisgen.cli import main
try:
    main()
finally:
    print([name for name in ("rich", "jsonschema", "yaml") if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr.splitlines()[-1] == "[]"
