"""Compare a cold `redisgen render` with `helm template` and `kustomize build` on the same work, in one run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent
TOOLS = ROOT / ".tools" / "bin"
RUNS = 15
MODULES = {"helm": "helm.sh/helm/v3/cmd/helm@v3.18.6", "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"}
VALUES = """\
name: redis-cluster
namespace: saasodoo
redis:
  maxmemory: 512mb
  persistence: {aof: everysec, rdb: [900 1, 300 10, 60 10000]}
  resources:
    limits: {memory: 1Gi}
sentinel:
  downAfterMilliseconds: 5000
"""
CLUSTERS = """\
import sys, time
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.values import parse
text = sys.argv[1]
start = time.process_time()
for number in range(1000):
    fleet, _ = load_fleet([parse(text.replace("redis-cluster", f"redis-{number}"), "values.yaml")])
    render(fleet)
print(time.process_time() - start)
"""


def main() -> None:
    """Build, check that all do the same, measure in turns, print a table."""
    build_tools()
    with TemporaryDirectory() as name:
        folder = Path(name)
        python = install_wheel(folder)
        redisgen = str(python.parent / "redisgen")
        (folder / "redisgen.yaml").write_text(VALUES)
        (folder / "empty").mkdir()
        made = subprocess.run(
            [redisgen, "render", "-o", folder / "base"], cwd=folder / "empty", check=True, capture_output=True
        )
        assert made.returncode == 0
        lay_out_chart(folder)
        lay_out_kustomize(folder)
        commands = {
            "python -c pass": [str(python), "-c", "pass"],
            "redisgen render": [redisgen, "render", "-f", str(folder / "redisgen.yaml")],
            "redisgen render, no values": [redisgen, "render"],
            "helm template": [str(TOOLS / "helm"), "template", "redis", str(folder / "chart")],
            "kustomize build": [str(TOOLS / "kustomize"), "build", str(folder / "overlay")],
        }
        check_same(commands, folder)
        print_table(measure(commands, folder))
        done = subprocess.run([python, "-c", CLUSTERS, VALUES], check=True, capture_output=True, text=True)
        print(f"\n1,000 clusters in one process: {float(done.stdout):.2f} ms of CPU each")


def build_tools() -> None:
    """Build helm and kustomize, once."""
    environment = {**os.environ, "GOBIN": str(TOOLS), "CGO_ENABLED": "0"}
    for name, module in MODULES.items():
        if not (TOOLS / name).exists():
            print(f"building {name}", file=sys.stderr)
            subprocess.run(["go", "install", module], env=environment, check=True)


def install_wheel(folder: Path) -> Path:
    """Build the wheel, install it with byte code compiled, and return its Python."""
    subprocess.run([sys.executable, "-m", "build", "-w", "-o", folder, ROOT], check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *folder.glob("*.whl")], check=True)
    return python


def lay_out_chart(folder: Path) -> None:
    """Copy the chart, with the CRD among its templates."""
    shutil.copytree(HERE / "chart", folder / "chart")
    shutil.copy(folder / "base" / "01-operator-crd.yaml", folder / "chart" / "templates")


def lay_out_kustomize(folder: Path) -> None:
    """Make a kustomization of the rendered files, and one over it that sets images and the number of replicas."""
    names = sorted(path.name for path in (folder / "base").glob("*.yaml"))
    (folder / "base" / "kustomization.yaml").write_text(yaml.safe_dump({"resources": names}))
    (folder / "overlay").mkdir()
    overlay = {
        "resources": ["../base"],
        "images": [{"name": "quay.io/spotahome/redis-operator", "newTag": "v1.2.4"}],
        "patches": [
            {
                "target": {"kind": "RedisFailover"},
                "patch": '[{"op": "replace", "path": "/spec/redis/image", "value": "redis:7.2.7-alpine"}]',
            }
        ],
    }
    (folder / "overlay" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))


def check_same(commands: dict[str, list[str]], folder: Path) -> None:
    """Make sure that all render the same objects."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    outputs = {}
    for name, command in list(commands.items())[1:]:
        text = subprocess.run(command, cwd=folder / "empty", check=True, capture_output=True, text=True).stdout
        documents = [document for document in yaml.load_all(text, Loader=loader) if document]
        outputs[name] = {
            (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in documents
        }
    first, *others = outputs.values()
    for name, other in zip(list(outputs)[1:], others, strict=True):
        assert other == first, f"{name} renders something else"


def measure(commands: dict[str, list[str]], folder: Path) -> dict[str, tuple[float, float]]:
    """Run all in turns; return the median CPU milliseconds and the largest resident MiB of each."""
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            milliseconds, mebibytes = cost(command, folder / "empty")
            cpu[name].append(milliseconds)
            memory[name].append(mebibytes)
    return {name: (median(cpu[name]), max(memory[name])) for name in commands}


def cost(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end and return its CPU milliseconds and resident MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    unit = 1024 if sys.platform == "linux" else 1024**2
    return (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / unit


def print_table(costs: dict[str, tuple[float, float]]) -> None:
    """Print the costs, and each as a ratio to helm's and to kustomize's."""
    helm, kustomize = costs["helm template"], costs["kustomize build"]
    print(f"{'':28} {'CPU':>8} {'of helm':>8} {'of kust.':>9} {'memory':>9} {'of helm':>8}")
    for name, (cpu, memory) in costs.items():
        ratios = f"{cpu / helm[0]:8.2f} {cpu / kustomize[0]:9.2f} {memory:5.0f} MiB {memory / helm[1]:8.2f}"
        print(f"{name:28} {cpu:5.0f} ms {ratios}")


if __name__ == "__main__":
    main()
