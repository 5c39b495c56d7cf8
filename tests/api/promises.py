"""What the API has promised: its operations with what they take and answer, kept in promises.json.

`python -m tests.api.promises` takes up what is new there. It refuses what would break a program that works by
what was promised (docs/api.md, “What stays as it is”), unless `--break` is said.

Types are words: `string`, `=a|b` (one of these), `[string]`, `{integer}` (an object of such), `#Mailbox` (a
shape), `any`; with `?` they may be null. A field that has to be sent begins with `!`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("promises.json")
Part = Mapping[str, Any]


def promised() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


def given_by(document: Part) -> dict[str, Any]:
    """The same of an OpenAPI description as it is now."""
    return {
        "operations": {
            f"{method.upper()} {path}": _operation(operation)
            for path, methods in sorted(document["paths"].items())
            for method, operation in sorted(methods.items())
        },
        "shapes": {name: _fields(shape) for name, shape in sorted(document["components"]["schemas"].items())},
    }


def _operation(operation: Part) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for where in ("query", "header"):
        parameters = [each for each in operation.get("parameters", []) if each["in"] == where]
        if parameters:
            found[where] = {
                f"{'!' * bool(each.get('required'))}{each['name']}": _kind(each["schema"])
                for each in parameters
            }
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        found["takes"] = {media: _kind(each["schema"]) for media, each in sorted(content.items())}
    found["answers"] = {
        status: {media: _kind(each["schema"]) for media, each in answer.get("content", {}).items()}
        for status, answer in sorted(operation["responses"].items())
        if status.startswith("2")
    }
    return found


def _fields(shape: Part) -> Any:
    if "properties" not in shape:
        return _kind(shape)
    needed = set(shape.get("required", []))
    return {f"{'!' * (name in needed)}{name}": _kind(each) for name, each in shape["properties"].items()}


def _kind(schema: Part) -> str:
    for joined in ("oneOf", "allOf", "anyOf"):
        if joined in schema:
            inner = [_kind(each) for each in schema[joined] if each.get("enum") != [None]]
            null = len(inner) < len(schema[joined]) or schema.get("nullable")
            return (inner[0] if len(inner) == 1 else "any").rstrip("?") + "?" * bool(null)
    if "$ref" in schema:
        return "#" + str(schema["$ref"]).rpartition("/")[2]
    words = [str(each) for each in schema.get("enum", []) if each is not None]
    if words:
        kind = "=" + "|".join(sorted(words))
    elif schema.get("type") == "array":
        kind = f"[{_kind(schema.get('items', {}))}]"
    elif schema.get("type") == "object":
        inner_schema = schema.get("additionalProperties")
        kind = "{%s}" % (_kind(inner_schema) if isinstance(inner_schema, dict) else "any")
    else:
        kind = str(schema.get("type", "any"))
    return kind + "?" * bool(schema.get("nullable"))


# What breaks a program -----------------------------------------------------------------------------------


def broken(old: Part, new: Part) -> list[str]:
    """What of the old promises does not hold any more, in sentences."""
    return sorted(set(_Comparison(old["shapes"], new["shapes"]).of(old["operations"], new["operations"])))


class _Comparison:
    def __init__(self, old: Part, new: Part) -> None:
        self.old, self.new = old, new
        self.seen: set[tuple[str, str, bool]] = set()

    def of(self, old: Part, new: Part) -> Iterator[str]:
        for name, before in old.items():
            now = new.get(name)
            if now is None:
                yield f"{name} is gone."
                continue
            for where in ("query", "header"):
                yield from self._fields(f"{name}, {where}", before.get(where, {}), now.get(where, {}), True)
            yield from self._bodies(name, before.get("takes", {}), now.get("takes", {}), True)
            for status, answer in before["answers"].items():
                if status not in now["answers"]:
                    yield f"{name} does not answer {status} any more."
                else:
                    yield from self._bodies(name, answer, now["answers"][status], False)

    def _bodies(self, name: str, old: Part, new: Part, sent: bool) -> Iterator[str]:
        for media, kind in old.items():
            if media not in new:
                yield f"{name} {'takes' if sent else 'answers'} no {media} any more."
            else:
                yield from self._kinds(f"{name}, {'body' if sent else 'answer'}", kind, new[media], sent)
        if sent and new and not old and any(name.startswith("!") for name in self._needed(new)):
            yield f"{name} needs a body now."

    def _needed(self, bodies: Part) -> Iterator[str]:
        for kind in bodies.values():
            shape = self.new.get(kind.strip("#?"), {})
            yield from shape if isinstance(shape, dict) else ()

    def _fields(self, where: str, old: Part, new: Part, sent: bool) -> Iterator[str]:
        before = {name.lstrip("!"): (name.startswith("!"), kind) for name, kind in old.items()}
        now = {name.lstrip("!"): (name.startswith("!"), kind) for name, kind in new.items()}
        for name, (needed, kind) in before.items():
            if name not in now:
                yield f"{where}: {name} is gone."
                continue
            if sent and now[name][0] and not needed:
                yield f"{where}: {name} has to be sent now."
            if not sent and needed and not now[name][0]:
                yield f"{where}: {name} may be missing now."
            yield from self._kinds(f"{where}: {name}", kind, now[name][1], sent)
        if sent:
            new_ones = [name for name, (needed, _) in now.items() if needed and name not in before]
            yield from (f"{where}: {name} is new, and has to be sent." for name in new_ones)

    def _kinds(self, where: str, old: str, new: str, sent: bool) -> Iterator[str]:
        may_be_null = old.endswith("?"), new.endswith("?")
        if sent and may_be_null == (True, False):
            yield f"{where} cannot be null any more."
        if not sent and may_be_null == (False, True):
            yield f"{where} may be null now."
        old, new = _plain(self.old, old.rstrip("?")), _plain(self.new, new.rstrip("?"))
        # What is taken may become wider, what is answered narrower.
        wide, narrow = (new, old) if sent else (old, new)
        if old == new and "#" not in old:
            return
        if old[0] == new[0] and old[0] in "[{":
            yield from self._kinds(f"{where}, each", old[1:-1], new[1:-1], sent)
        elif old[0] == new[0] == "#":
            yield from self._shapes(where, old[1:], new[1:], sent)
        elif old[0] == new[0] == "=":
            lost = sorted(set(old[1:].split("|")) - set(new[1:].split("|")))
            if sent and lost:
                yield f"{where} does not take {', '.join(lost)} any more."
        elif not (
            wide == "any"
            or (wide == "string" and narrow[0] == "=")
            or (wide, narrow) == ("number", "integer")
        ):
            yield f"{where} was {old} and is {new}."

    def _shapes(self, where: str, old: str, new: str, sent: bool) -> Iterator[str]:
        if (old, new, sent) in self.seen:
            return
        self.seen.add((old, new, sent))
        before, now = self.old[old], self.new[new]
        yield from self._fields(f"{where} ({new})", before, now, sent)


def _plain(shapes: Part, kind: str) -> str:
    """The kind itself, where a shape is but a name for one."""
    named = shapes.get(kind[1:]) if kind.startswith("#") else None
    return named if isinstance(named, str) else kind


# Taking up what is new -----------------------------------------------------------------------------------


def write(given: Part) -> None:
    """A line for each, so that two changes rarely meet in one."""
    parts = []
    for name, rows in given.items():
        lines = (
            f"  {json.dumps(key)}: {json.dumps(row, separators=(',', ':'))}" for key, row in rows.items()
        )
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    FILE.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main(words: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    import django

    django.setup()
    from panel.api.schema import openapi

    given = given_by(openapi())
    wrong = broken(promised(), given) if FILE.exists() else []
    if wrong and "--break" not in words:
        sys.stderr.write("\n".join([*wrong, "Nothing was taken up: see docs/api.md, or say --break."]) + "\n")
        return 1
    write(given)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
