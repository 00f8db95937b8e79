"""kubectl, as a person runs it, on the cluster of the current kubeconfig."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def kubectl(*arguments: str, stdin: str = "", timeout: float = 300) -> str:
    """Run kubectl and return its stdout; an AssertionError with its stderr when it fails."""
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout


def shell(code: str, folder: Path) -> str:
    """Run lines of a document in a folder, as a person pastes them; the first that fails is an AssertionError."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout


def objects(kind: str, namespace: str = "", labels: str = "") -> list[dict[str, Any]]:
    """Return the objects of a kind, in one namespace or in all."""
    where = ("-n", namespace) if namespace else ("--all-namespaces",)
    found = kubectl("get", kind, *where, "-l", labels, "-o", "json")
    return json.loads(found)["items"]  # type: ignore[no-any-return]


def apply(manifest: dict[str, Any]) -> None:
    """Apply one object."""
    kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def until(limit: float, check: Callable[[], Any], what: str) -> float:
    """Return the seconds until `check` returns something true; an AssertionError after `limit` seconds."""
    start, last = time.monotonic(), None
    while time.monotonic() - start < limit:
        try:
            if check():
                return time.monotonic() - start
        except AssertionError as error:  # kubectl refused, as it does while a pod goes
            last = error
        time.sleep(1)
    raise AssertionError(f"not within {limit:.0f} s: {what}" + (f" ({last})" if last else ""))


def is_ready(pod: dict[str, Any]) -> bool:
    """Tell whether a pod is ready and not about to go."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
