"""Clients made of the README's own code, each a process that writes a number every 50 ms and says so: `ack NUMBER`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from types import TracebackType

from tests.readme import blocks
from tests.real.pods import Pods, until

TOOLS = Path(sys.prefix) / "clients"  # what npm and Go fetch, kept from run to run

_REDIS_PY = """
import itertools
for number in itertools.count():
    try:
        master.set(f"n:{number}", number)
        print("ack", number, flush=True)
    except exceptions.RedisError as error:
        print("error", number, type(error).__name__, flush=True)
    time.sleep(0.05)
"""
_DJANGO = """
import itertools, time
import django.conf
django.conf.settings.configure(CACHES=CACHES, DJANGO_REDIS_CONNECTION_FACTORY=DJANGO_REDIS_CONNECTION_FACTORY)
from django.core.cache import cache
for number in itertools.count():
    try:
        cache.set(f"n:{number}", number)
        assert cache.get(f"n:{number}") == number
        print("ack", number, flush=True)
    except Exception as error:
        print("error", number, repr(error), flush=True)
    time.sleep(0.05)
"""
_TASKS = """
import itertools, time
from celery import Celery
app = Celery("tasks")
app.config_from_object("settings")
@app.task
def double(number):
    return 2 * number
if __name__ == "__main__":
    for number in itertools.count():
        try:
            assert double.delay(number).get(timeout=30) == 2 * number
            print("ack", number, flush=True)
        except Exception as error:
            print("error", number, repr(error), flush=True)
        time.sleep(0.05)
"""
_IOREDIS = """
(async () => {
  for (let number = 0; ; number++) {
    try {
      await master.set(`n:${number}`, number);
      console.log("ack", number);
    } catch (error) {
      console.log("error", number, error.message);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
})();
"""
_GO_REDIS = """
func main() {
	for number := 0; ; number++ {
		if err := master.Set(context.Background(), fmt.Sprint("n:", number), number, 0).Err(); err != nil {
			fmt.Println("error", number, err)
		} else {
			fmt.Println("ack", number)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
"""


class Application:
    """A running client, or several processes of which the first writes."""

    def __init__(self, pods: Pods, *commands: list[str], folder: Path) -> None:
        """Start the processes, and wait until the first has written."""
        self.pods = pods
        self.lines: list[tuple[float, str]] = []
        self.processes = []
        for number, command in enumerate(reversed(commands)):
            last = number == len(commands) - 1
            with (folder / f"application-{number}").open("w") as log:
                self.processes.append(
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        env=pods.environment(),
                        stdout=subprocess.PIPE if last else log,
                        stderr=log,
                        text=True,
                    )
                )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self) -> Application:
        """Wait until it writes."""
        try:
            until(40, lambda: len(self.acknowledged()) > 20, "the client writes")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop the processes."""
        for process in self.processes:
            process.kill()
            process.wait(10)
        self.reader.join(10)

    def _read(self) -> None:
        for line in self.processes[-1].stdout or ():
            if line.endswith("\n"):  # the last may be torn
                self.lines.append((time.monotonic(), line))

    def acknowledged(self) -> list[tuple[float, int]]:
        """Return time and number of each write that was acknowledged."""
        return [(at, int(line.split()[1])) for at, line in list(self.lines) if line.startswith("ack ")]

    def resumed(self) -> bool:
        """Tell whether the last second had acknowledged writes."""
        return time.monotonic() - self.acknowledged()[-1][0] < 1

    def outage(self) -> float:
        """Return the longest time in seconds between two acknowledged writes."""
        return max(after - before for (before, _), (after, _) in pairwise(self.acknowledged()))

    def lost(self) -> int:
        """Return how many acknowledged writes the master does not have."""
        master = self.pods.application_client()
        return sum(not master.exists(f"n:{number}") for _, number in self.acknowledged())


def redis_py(pods: Pods) -> Application:
    """Return a client of redis-py."""
    return _python(pods, "Python: redis-py", _REDIS_PY)


def django(pods: Pods) -> Application:
    """Return Django's cache."""
    return _python(pods, "Python: Django", _DJANGO)


def celery(pods: Pods) -> Application:
    """Return a producer that waits for each result, beside a worker."""
    folder = _folder(pods, "celery")
    (folder / "settings.py").write_text(_code(pods, "Python: Celery", "python"))
    (folder / "tasks.py").write_text(_TASKS)
    worker = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "solo", "--loglevel", "info"]
    return Application(pods, [sys.executable, "-u", "tasks.py"], worker, folder=folder)


def ioredis(pods: Pods) -> Application:
    """Return a client of ioredis."""
    modules = TOOLS / "node"
    if not (modules / "node_modules" / "ioredis").is_dir():
        modules.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(modules), "ioredis"], check=True, timeout=120)
    folder = _folder(pods, "ioredis")
    (folder / "client.js").write_text(_code(pods, "Node: ioredis", "js") + _IOREDIS)
    (folder / "node_modules").symlink_to(modules / "node_modules")
    resolver = Path(__file__).parent / "resolver" / "resolver.js"
    return Application(pods, ["node", "--require", str(resolver), "client.js"], folder=folder)


def go_redis(pods: Pods) -> Application:
    """Return a client of go-redis; Go asks no resolver of ours, so it is given the addresses of the Sentinels."""
    folder = _folder(pods, "go-redis")
    code = _code(pods, "Go: go-redis", "go")
    assert subprocess.run(["gofmt"], input=code, capture_output=True, text=True, check=True).stdout == code
    host = json.dumps(f"{pods.system.sentinel_host}:{pods.system.sentinel_port}")
    assert code.count(host) == 1
    code = code.replace(host, ", ".join(f'"{one.address}:{one.port}"' for one in pods.sentinels))
    code = code.replace("import (", 'import (\n\t"context"\n\t"fmt"\n', 1)
    (folder / "main.go").write_text(code + _GO_REDIS)
    (folder / "go.mod").write_text("module client\n")
    subprocess.run(
        ["go", "get", "github.com/redis/go-redis/v9"], cwd=folder, check=True, timeout=200, capture_output=True
    )
    subprocess.run(["go", "build", "-o", "client"], cwd=folder, check=True, timeout=200)
    return Application(pods, [str(folder / "client")], folder=folder)


def _python(pods: Pods, heading: str, more: str) -> Application:
    code = _code(pods, heading, "python")
    return Application(pods, [sys.executable, "-c", code + more], folder=_folder(pods, heading.split(": ")[-1]))


def _code(pods: Pods, heading: str, language: str) -> str:
    (block,) = blocks(pods.readme, heading, language)
    return block.code


def _folder(pods: Pods, name: str) -> Path:
    folder = pods.folder / name.replace(" ", "-")
    folder.mkdir()
    return folder
