"""What an installation is made of, as CycloneDX 1.6 JSON, read from the lock and nothing else.

`python -m panel.sbom` needs Python's standard library only. The same lock gives the same text.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;]+)(?: ; (?P<only>[^\\]+?))?(?: \\)?")
_HASH = re.compile(r" +--hash=sha256:([0-9a-f]{64})(?: \\)?")
_BECAUSE = re.compile(r" +#(?: via)? *(.*)")


@dataclass
class Pinned:
    """One package of a lock; `only` says where it is installed, `wanted_by` who requires it."""

    name: str
    version: str
    only: str = ""
    hashes: list[str] = field(default_factory=list)
    wanted_by: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> list[Pinned]:
    """The packages of a lock that `bin/lock` wrote; raises ValueError for a line that is none of its."""
    found: list[Pinned] = []
    for line in text.splitlines():
        if pin := _PIN.fullmatch(line):
            found.append(Pinned(pin["name"], pin["version"], pin["only"] or ""))
        elif found and (digest := _HASH.fullmatch(line)):
            found[-1].hashes.append(digest[1])
        elif found and (because := _BECAUSE.fullmatch(line)):
            found[-1].wanted_by += [because[1]] if because[1] else []
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"This is no line of a lock: {line[:80]!r}")
    return found


def bill(lock: str, version: str) -> dict[str, Any]:
    """The bill of materials of Rookery `version` with the packages of `lock`."""
    packages = read_lock(lock)
    references = {each.name: each.reference for each in packages}
    ours = f"pkg:generic/rookery@{version}"
    wants: dict[str, set[str]] = {ours: set(), **{each.reference: set() for each in packages}}
    for each in packages:
        for by in each.wanted_by:
            wants[references.get(by, ours)].add(each.reference)
    serial = uuid.UUID(bytes=hashlib.sha256(f"{version}\n{lock}".encode()).digest()[:16], version=4)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "rookery",
                "version": version,
                "licenses": [{"license": {"id": "ISC"}}],
            }
        },
        "components": [_component(each) for each in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(wants.items())],
    }


def _component(each: Pinned) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": each.reference,
        "name": each.name,
        "version": each.version,
        "purl": each.reference,
        # One for each file that the package may come as.
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in each.hashes],
    }
    if each.only:
        component["scope"] = "optional"
        component["properties"] = [{"name": "rookery:only-where", "value": each.only}]
    return component


def main() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    json.dump(bill(lock, version), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
