"""A writer that is killed, at any moment, leaves the old folder, the new one, or one that the next run makes whole."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redisgen.findings import RedisgenError
from redisgen.folder import JOURNAL, LOCK, WORK, lock_of
from redisgen.output import write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

OLD = {
    "00-same.yaml": "same\n",
    "01-changed.yaml": "old\n" * 3000,
    "02-gone.yaml": "gone\n",
    "shop/orders/04-cluster.yaml": "old\n",
    "shop/gone/04-cluster.yaml": "gone\n",
}
NEW = {
    "00-same.yaml": "same\n",
    "01-changed.yaml": "new\n" * 4000,
    "shop/orders/04-cluster.yaml": "new\n",
    "shop/added/04-cluster.yaml": "added\n",
    "team/added/04-cluster.yaml": "added\n",
}


def in_child(task: Callable[[], None]) -> int:
    """Run the task in a process of its own, which never comes back into pytest."""
    child = os.fork()
    if child:
        return child
    try:
        task()
    finally:
        os._exit(1 if sys.exception() else 0)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file() and WORK not in path.parts
    }


def whole(texts: dict[str, str]) -> dict[str, str]:
    return {**texts, LOCK: lock_of(texts)} if texts else {}


def examine(folder: Path, *versions: dict[str, str]) -> bool:
    """Hold what a killed run left against the versions it may be, let the next run work, and say if it repaired."""
    found = files(folder)
    interrupted = (folder / JOURNAL).exists()
    if not interrupted:
        assert found in [whole(texts) for texts in versions]
    for name, text in found.items():
        assert text in [whole(texts).get(name) for texts in versions], f"{name} is torn"
    written = write(NEW, folder)
    assert written.repaired == interrupted
    assert files(folder) == whole(NEW)
    assert not (folder / WORK).exists()
    assert not (folder / "shop/gone").exists()
    return interrupted


def test_killed_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random()
    interrupted = 0
    for _ in range(250):
        write(OLD, tmp_path)

        def work() -> None:
            while True:
                write(NEW, tmp_path)
                write(OLD, tmp_path)

        child = in_child(work)
        time.sleep(chance.uniform(0.001, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        interrupted += examine(tmp_path, OLD, NEW)
    assert interrupted > 10  # or the moments that matter were not tried


@pytest.mark.parametrize("before", [{}, OLD], ids=["no folder", "an old folder"])
def test_killed_at_every_step(tmp_path: Path, before: dict[str, str]) -> None:
    interrupted = []
    for step in range(1, 1000):
        folder = tmp_path / str(step)
        if before:
            write(before, folder)

        def work(folder: Path = folder, step: int = step) -> None:
            die_at(step)
            write(NEW, folder)

        _, status = os.waitpid(in_child(work), 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        interrupted.append(examine(folder, before, NEW))
    assert len(interrupted) > 20
    assert not interrupted[0]
    assert interrupted[-10:].count(True) > 3


def die_at(step: int) -> None:
    """Kill this process right before its n-th change to the file system."""
    left = step

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def test_killed_again_while_it_repairs(tmp_path: Path) -> None:
    third = {**OLD, "01-changed.yaml": "third\n"}
    repaired = 0
    for step in range(20, 60):
        folder = tmp_path / str(step)
        write(OLD, folder)
        for texts in (third, NEW, third):

            def work(texts: dict[str, str] = texts, folder: Path = folder, step: int = step) -> None:
                die_at(step)
                write(texts, folder)

            os.waitpid(in_child(work), 0)
        repaired += write(NEW, folder).repaired
        assert files(folder) == whole(NEW)
    assert repaired > 5


def test_two_renders_at_once_end_in_one_whole_result(tmp_path: Path) -> None:
    def work(texts: dict[str, str], other: dict[str, str]) -> Callable[[], None]:
        def loop() -> None:
            for _ in range(40):
                write(texts, tmp_path / "out")
                write(other, tmp_path / "out")

        return loop

    children = [in_child(work(OLD, NEW)), in_child(work(NEW, OLD)), in_child(work(NEW, OLD))]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert files(tmp_path / "out") in (whole(OLD), whole(NEW))
    assert not (tmp_path / "out" / WORK).exists()


def test_a_run_that_hangs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"

    def hang(staged: list[object]) -> Iterator[object]:
        started.touch()
        time.sleep(60)
        yield from staged

    child = in_child(lambda: write(OLD, tmp_path / "out", shown=hang) and None)  # type: ignore[arg-type]
    while not started.exists():
        time.sleep(0.005)
    monkeypatch.setattr("redisgen.output._PATIENCE", 0.05)
    with pytest.raises(RedisgenError) as caught:
        write(NEW, tmp_path / "out")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert str(caught.value) == f"another redisgen is writing into {tmp_path / 'out'}; try again when it is done"
    assert write(NEW, tmp_path / "out").repaired is False  # nothing had taken its place yet
    assert files(tmp_path / "out") == whole(NEW)
