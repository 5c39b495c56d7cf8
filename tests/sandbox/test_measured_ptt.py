"""Log-ins and recipients as the real code of ptt handled them, row by row."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workers.sandbox import expansion
from workers.sandbox.login import verdict
from workers.sandbox.paths import BadHostError, PathError, name_of, recipient, text
from workers.sandbox.users import Table, table_of

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors" / "ptt" / "values.tsv"


def rows(kind: str) -> list[Any]:
    return list(_rows(kind)) if VECTORS.is_file() else []


def _rows(kind: str) -> Iterator[Any]:
    for line in VECTORS.read_text("utf-8").splitlines():
        case, names, contents, _, understood, note = line.split("\t")
        if re.fullmatch(rf"look-.*-{kind}-\d+", case):
            listed = [
                found if isinstance(found, list) else [found] for found in map(json.loads, (names, contents))
            ]
            yield pytest.param(*listed, json.loads(understood), note, id=case)


def table(names: list[str], contents: list[str]) -> Table:
    pairs = zip(names, contents, strict=True)
    return table_of([(name.encode(), content.encode("utf-8", "surrogateescape")) for name, content in pairs])


def test_the_recorded_cases_are_there() -> None:
    assert len(rows("login")) > 40
    assert len(rows("rcpt")) > 50


@pytest.mark.parametrize(("names", "contents", "understood", "note"), rows("login"))
def test_login(names: list[str], contents: list[str], understood: Any, note: str) -> None:
    asked = re.fullmatch(r"AUTH PLAIN user=(\".*\") password=(\".*\")", note)
    assert asked is not None
    user, passphrase = (json.loads(text) for text in asked.groups())
    blob = base64.b64encode(f"\0{user}\0{passphrase}".encode())
    reason = verdict(blob, stamp=None, digests=table(names, contents).digests)
    if understood in ("true", "false"):
        assert (reason is None) is (understood == "true")
    else:
        assert understood.startswith("error: Invalid username")
        assert reason is not None
        assert "invalid user name" in reason


def expand(users: Table | None, line: str) -> list[str] | dict[str, str]:
    """What the relay (or with no table the submission server) sends for one RCPT argument."""
    try:
        path = recipient(line)
        plan = expansion.plan(
            [path],
            our_domain=name_of("our.test"),
            targets=None if users is None else users.targets,
            postmaster_domain=name_of("ext.test"),
            mx_of=lambda domain: "" if users is None else domain.lower(),
        )
    except PathError:
        return {"error": "path"}
    except BadHostError:
        return {"exn": "host"}
    return sorted(text(one) for group in plan.groups for one in group.recipients)


def recorded(value: Any) -> Any:
    """The same shape: the text of an OCaml exception says no more than its place."""
    if isinstance(value, dict):
        return {"error": "path"} if "error" in value else {"exn": "host"}
    return sorted(value)


@pytest.mark.parametrize(("names", "contents", "understood", "note"), rows("rcpt"))
def test_recipient(names: list[str], contents: list[str], understood: Any, note: str) -> None:
    line = note.removeprefix("RCPT TO:").partition(" ; direct =")[0]
    users = table(names, contents)
    if "error" in understood:
        assert expand(users, line) == {"error": "path"}
        return
    assert expand(users, line) == recorded(understood["direct"])
    hop = expand(None, line)
    assert hop == recorded(understood["hop_line"])
    if isinstance(hop, list):
        assert [expand(users, again) for again in hop] == [recorded(one) for one in understood["via_hop"]]
