"""Write the reference of the values into README.md, between its marks, from the schema, and docs/traps.md.

python tools/build_reference.py [--check]      --check: exit 1 when a file is not what would be written
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from redisgen.rules import RULES  # noqa: E402
from redisgen.rules.traps import table  # noqa: E402
from redisgen.schema import resolve, schema  # noqa: E402

README = ROOT / "README.md"
TRAPS = ROOT / "docs" / "traps.md"
RULES_START = "<!-- rules: written by tools/build_reference.py -->\n"
RULES_END = "<!-- end of rules -->\n"
START, END = "<!-- values: written by tools/build_reference.py -->\n", "<!-- end of values -->\n"


def rows(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield a row of the table for each key that has a default."""
    for key, raw in node.get("properties", {}).items():
        child = resolve(raw)
        name = f"{path}{key}"
        sections = [branch for branch in [child, *map(resolve, child.get("anyOf", []))] if "properties" in branch]
        if "default" in child or not sections:
            default = f"`{json.dumps(child['default'], ensure_ascii=False)}`" if "default" in child else ""
            yield f"| `{name}` | {default} | {text(child)} |"
        elif "anyOf" in child:
            yield f"| `{name}` | | {text(child)} |"
        for section in sections:
            yield from rows(section, f"{name}.")


def text(node: dict[str, Any]) -> str:
    """Return the description with what is allowed and an example, for a cell of a table."""
    parts = [node["description"]]
    if "enum" in node:
        parts.append("One of " + ", ".join(f"`{value}`" for value in node["enum"]) + ".")
    if "minimum" in node and "maximum" in node:
        parts.append(f"{node['minimum']} to {node['maximum']}.")
    if "examples" in node and node.get("default") in ({}, [], "", None):
        parts.append(f"Example: `{json.dumps(node['examples'][0], ensure_ascii=False)}`")
    return " ".join(parts).replace("|", "\\|")


def rules() -> Iterator[str]:
    """Yield a row of the table of rules for each."""
    for _, rule in sorted(RULES.items()):
        waivable = "yes" if rule.waivable else "no"
        yield f"| {rule.id} | {rule.severity} | {rule.title} | {rule.fact or ''} | {waivable} |"


def readme() -> str:
    """Return README.md as it should be."""
    text = README.read_text("utf-8")
    text = _between(text, START, END, ["| key | default | |", "| --- | --- | --- |", *rows(schema())])
    head = ["| rule | severity | what it is about | fact | waivable |", "| --- | --- | --- | --- | --- |"]
    return _between(text, RULES_START, RULES_END, [*head, *rules()])


def _between(text: str, start: str, end: str, lines: list[str]) -> str:
    head, _, rest = text.partition(start)
    return f"{head}{start}\n{chr(10).join(lines)}\n\n{end}{rest.partition(end)[2]}"


def main() -> int:
    """Write or check."""
    stale = 0
    for file, wanted in ((README, readme()), (TRAPS, table())):
        if "--check" not in sys.argv:
            file.write_text(wanted, "utf-8", newline="\n")
        elif file.read_text("utf-8") != wanted:
            print(f"{file.relative_to(ROOT)} is not up to date: run tools/build_reference.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
