"""The bill of materials is the lock: every package, with its hashes, and why it is there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from panel.sbom import bill, read_lock

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements" / "runtime.txt").read_text()


def test_the_script_prints_it() -> None:
    done = subprocess.run([ROOT / "bin" / "sbom"], capture_output=True, text=True, check=True, timeout=30)
    printed = json.loads(done.stdout)
    assert printed["components"] == bill(LOCK, "0")["components"]
    assert printed["metadata"]["component"]["name"] == "rookery"


def test_every_package_of_the_lock_is_in_it() -> None:
    lines = re.findall(r"^([^\s#]+)==([^\s;]+)", LOCK, re.M)
    made = bill(LOCK, "1.2.3")
    assert [(each["name"], each["version"]) for each in made["components"]] == lines
    assert len(lines) > 40
    assert sum(len(each["hashes"]) for each in made["components"]) == LOCK.count("--hash=sha256:")
    assert all(each["hashes"] for each in made["components"])


def test_everything_is_reached_from_rookery() -> None:
    made = bill(LOCK, "1.2.3")
    on = {each["ref"]: each["dependsOn"] for each in made["dependencies"]}
    ours = made["metadata"]["component"]["bom-ref"]
    seen, next_ones = set(), [ours]
    while next_ones:
        ref = next_ones.pop()
        if ref not in seen:
            seen.add(ref)
            next_ones += on[ref]
    assert seen == set(on) == {ours, *(each["bom-ref"] for each in made["components"])}
    source = re.findall(r"^([a-z0-9-]+)", (ROOT / "requirements" / "runtime.in").read_text(), re.M)
    assert {ref.partition("pypi/")[2].partition("@")[0] for ref in on[ours]} >= set(source)


def test_the_shape_is_that_of_cyclonedx() -> None:
    made = bill(LOCK, "1.2.3")
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", made["serialNumber"]
    )
    references = [each["bom-ref"] for each in made["components"]]
    assert len(set(references)) == len(references)
    for each in made["components"]:
        assert each["type"] == "library"
        assert re.fullmatch(r"pkg:pypi/[a-z0-9.-]+@[\w.+!-]+", each["purl"])
        assert each.get("scope", "required") in {"required", "optional", "excluded"}
    assert bill(LOCK, "1.2.3") == made
    assert bill(LOCK, "1.2.4")["serialNumber"] != made["serialNumber"]


def test_a_line_that_it_does_not_know_is_no_silent_gap() -> None:
    for line in ("--index-url x", "django>=5", "-e .", "git+https://x/y"):
        with pytest.raises(ValueError, match="no line of a lock"):
            read_lock(f"{LOCK}\n{line}\n")
