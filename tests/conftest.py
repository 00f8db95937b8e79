"""What the tests share: a command line run as a user runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "golden"

# In CI nothing is left out: there the tests fail where the program is missing.
needs_kubeconform = pytest.mark.skipif(
    not shutil.which("kubeconform")
    and not shutil.which("kubeconform", path=str(Path(sys.executable).parent))
    and not os.environ.get("CI"),
    reason="kubeconform is missing: tools/get_kubeconform.sh installs it",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the expected files of golden/ anew")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run redisgen in an empty folder; `stdin` is text or bytes."""

    def redisgen(*arguments: str, stdin: str | bytes = b"", cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        text = stdin.encode() if isinstance(stdin, str) else stdin
        command = [sys.executable, "-m", "redisgen", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "TZ": "Pacific/Apia"}
        done = subprocess.run(
            command, input=text, capture_output=True, cwd=cwd, env=environment, check=False, timeout=60
        )
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    return redisgen


_figures = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Return what was measured; printed at the end."""
    return pytestconfig.stash.setdefault(_figures, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_figures, []):
        terminalreporter.write_line(f"measured: {line}")
