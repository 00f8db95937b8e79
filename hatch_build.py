"""Compiles the templates into the wheel, so that no run has to."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledTemplates(BuildHookInterface[Any]):
    """Adds redisgen/compiled_templates/, one Python module a template."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile each template with the environment that renders it."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from redisgen import markdown, template

        target = Path(self.root, "build", "compiled_templates")
        shutil.rmtree(target, ignore_errors=True)
        for environment, ending in ((template.environment(), ".yaml.j2"), (markdown.environment(), ".md.j2")):
            names = [name for name in environment.list_templates() if name.endswith(ending)]
            environment.compile_templates(target, filter_func=names.__contains__, zip=None, ignore_errors=False)
        build_data["force_include"][str(target)] = "redisgen/compiled_templates"
