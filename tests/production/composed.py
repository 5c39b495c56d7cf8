"""docker/compose.yaml as Docker would see it, with the values of env.example."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def env_example() -> dict[str, str]:
    lines = (DOCKER / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(text: str, given: dict[str, str]) -> str:
    """`text` with its variables; one that must be given and is not raises KeyError."""

    def value(found: re.Match[str]) -> str:
        name, operator, word = found.groups()
        return given.get(name) or (word if operator == "-" else given[name])

    return VARIABLE.sub(value, text)


def filled_in(node: Any, given: dict[str, str]) -> Any:
    """The same tree with the variables in its values."""
    if isinstance(node, dict):
        return {name: filled_in(each, given) for name, each in node.items()}
    if isinstance(node, list):
        return [filled_in(each, given) for each in node]
    return filled(node, given) if isinstance(node, str) else node


@cache
def compose() -> dict[str, Any]:
    found = filled_in(yaml.safe_load((DOCKER / "compose.yaml").read_text()), env_example())
    assert isinstance(found, dict)
    return found


def services() -> dict[str, dict[str, Any]]:
    return dict(compose()["services"])


def ours() -> dict[str, dict[str, Any]]:
    """The services that run Rookery's image."""
    return {name: each for name, each in services().items() if each["image"] == "rookery"}
