"""Render 1,000 and 10,000 clusters into a folder, and again, beside a bare loop that writes the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COUNTS = (1000, 10000)
TURNS = 3  # of the bare loop


class Run(NamedTuple):
    """What a run of redisgen cost, and how many files are new or others after it, the lock included."""

    seconds: float
    cpu: float
    mebibytes: float
    written: int


def main() -> None:
    """Measure each number of clusters, and print a table."""
    print(f"{'':27} {'time':>9} {'CPU':>9} {'memory':>9} {'written':>8} {'of the loop':>12}")
    first = []
    for count in COUNTS:
        with TemporaryDirectory() as name:
            folder = Path(name)
            values = folder / "redisgen.yaml"
            values.write_text(clusters(count))
            runs = {"new folder": render(folder)}
            bare = write_bare(folder)
            runs["again, nothing changed"] = render(folder)
            values.write_text(clusters(count, changed=count // 2))
            runs["again, one cluster changed"] = render(folder)
        print(f"{count} clusters, {runs['new folder'].written} files")
        for label, run in runs.items():
            cost = f"{run.seconds:7.2f} s {run.cpu:7.2f} s {run.mebibytes:5.0f} MiB {run.written:8}"
            print(f"  {label:26} {cost} {run.seconds / bare:11.1f}x")
        print(f"  {'bare loop':26} {bare:7.2f} s")
        first.append(runs["new folder"])
    one, ten = first
    print(f"{COUNTS[1]} / {COUNTS[0]} clusters: time {ten.seconds / one.seconds:.1f}, CPU {ten.cpu / one.cpu:.1f}")


def clusters(count: int, changed: int = -1) -> str:
    """Return values with that many clusters, one of them with a maxmemory of its own."""
    lines = ["redis: {maxmemory: 256mb}", "clusters:"]
    for number in range(count):
        own = ", redis: {maxmemory: 300mb}" if number == changed else ""
        lines.append(f"  - {{name: cache-{number}, namespace: team-{number}, auth: {{secretName: cache}}{own}}}")
    return "\n".join(lines) + "\n"


def render(folder: Path) -> Run:
    """Render the values of the folder into `out` there, in a process of its own."""
    before = modified(folder / "out")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "redisgen", "render", "-o", "out"],
        cwd=folder,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = monotonic() - start
    assert status == 0
    written = modified(folder / "out").items() - before.items()
    unit = 1024 if sys.platform == "linux" else 1024**2
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, len(written))


def modified(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return what tells a file from one that took its place."""
    files = [(path, path.stat()) for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in files}


def write_bare(folder: Path) -> float:
    """Write the files of `out` into another folder, and return the seconds: what the file system takes by itself."""
    out = folder / "out"
    contents = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    taken = []
    for turn in range(TURNS):
        start = monotonic()
        for name, content in contents.items():
            path = folder / f"bare{turn}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        taken.append(monotonic() - start)
    return median(taken)


if __name__ == "__main__":
    main()
