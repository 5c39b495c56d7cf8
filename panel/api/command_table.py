"""The table that the command line works by (panel.cli.table), made of the OpenAPI description.

Words are derived from addresses and methods, so that a new operation has its command without anybody's doing;
the few that would not read well are named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from panel.cli.table import FILE

Part = Mapping[str, Any]

_PREFIX = "/api/v1/"
# What everything in it is found by anyway; the word is left out where more follows.
_AROUND = ("domains/{domain}/", "organizations/{organization_id}/", "account/")
_VERBS = {"get": "show", "post": "create", "put": "set", "patch": "change", "delete": "delete"}
# Operation → its words, where those of its address would mislead.
_WORDS = {
    "do_all": "bulk",
    "refuse_requests": "requests refuse-many",
    "export_account": "account export",
    "create_organization_export": "organizations exports create",
    "fetch_organization_export": "organizations exports fetch",
    "list_organization_exports": "organizations exports list",
    "get_organization_export": "organizations exports show",
    "import_organization": "organizations import",
    "make_stack": "stack make",
    "create_zone": "zone create",
    "connect_repository": "repository connect",
    "create_unikernel": "unikernels create",
    "change_mailboxes": "mailboxes change-many",
    "import_addresses": "mailboxes import",
    "look_at_installation": "installation look",
    "adopt_stack": "installation adopt",
    "take_over_rules": "installation take-rules",
    "upgrade_stack": "stack upgrade start",
    "change_record_sets": "zone record-sets change",
    "undo_event": "events undo",
    "preview_undo": "events preview-undo",
    "link_reader": "repository readers link",
    "decide_public_decision": "public decisions decide",
    "accept_caution": "mailboxes targets accept-shared",
    "ask_target_again": "mailboxes targets ask-again",
    "confirm_public_request": "public requests confirm",
    "confirm_public_target": "public targets confirm",
}
# Parts of addresses that are never words of a command line, where every user of the machine could read them;
# of what is sent in bodies, this is whatever is `writeOnly`.
_SECRET_PLACES = {"token", "page_token"}
_ELSEWHERE = {"dry_run", "wait", "limit", "cursor"}
# What tells one row from another is shown first; and of a thing with many fields, some.
_FIRST = (
    "id", "address", "name", "email", "selector", "local_part", "target_address", "owner", "type", "kind",
    "domain", "state", "status", "role", "verb", "sentence", "hint", "stop_code", "in_agreement", "observed",
    "targets", "enabled", "generation", "created_at",
)  # fmt: skip
_MOST_COLUMNS = 7
_KINDS = {"string": "text", "integer": "number", "boolean": "switch"}
_LISTS = {"string": "texts", "integer": "numbers"}


def rows(document: Part) -> list[dict[str, Any]]:
    """The table, a row for each operation, in the order of the words."""
    found = [
        _row(document, path.removeprefix(_PREFIX), method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda row: str(row["command"]))


def write(document: Part, file: Path = FILE) -> None:
    file.write_text(as_text(rows(document)), "utf-8")


def as_text(table: Sequence[Part]) -> str:
    """A line for each command, so that two changes rarely meet in one."""
    lines = (json.dumps(row, ensure_ascii=True, sort_keys=True) for row in table)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _row(document: Part, path: str, method: str, operation: Part) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    by_name = {each["name"]: each for each in parameters}
    body = operation.get("requestBody", {}).get("content", {})
    shape = _resolved(document, body.get("application/json", {}).get("schema", {}))
    shown, lists = _shown(document, operation)
    row: dict[str, Any] = {
        "command": words_of(path, method, operation["operationId"], lists),
        "operation": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "places": [_field(document, by_name[name]) for name in re.findall(r"{(\w+)}", path)],
        "queries": [
            _field(document, each)
            for each in parameters
            if each["in"] == "query" and each["name"] not in _ELSEWHERE
        ],
        "fields": list(_body_fields(document, shape)),
        "takes": sorted(_taken(by_name)),
        "lists": lists,
        "columns": _columns(shown) if lists else [],
    }
    files = [each for each in body if each != "application/json"]
    if files and method == "post":
        row["file"] = files[0]
    if "example" in shape:
        row["example"] = shape["example"]
    return row


def words_of(path: str, method: str, operation: str, lists: bool) -> str:
    """What calls an operation, e.g. `mailboxes create`, `stack upgrade plan`, `requests approve`."""
    if operation in _WORDS:
        return _WORDS[operation]
    for around in _AROUND:
        if path.startswith(around) and path != around:
            path = path.removeprefix(around)
            break
    parts = path.strip("/").split("/")
    words = [part for part in parts if not part.startswith("{")]
    if method == "get" and lists:
        return " ".join([*words, "list"])
    is_act = method == "post" and not operation.startswith("create_")
    # `requests/{id}/approve` says what is done by its last word already.
    if (is_act or operation.split("_", maxsplit=1)[0] == words[-1]) and not parts[-1].startswith("{"):
        return " ".join(words)
    return " ".join([*words, _VERBS[method]])


def _taken(parameters: Mapping[str, Part]) -> Iterator[str]:
    yield from (name for name in ("dry_run", "wait") if name in parameters)
    if "If-Match" in parameters:
        yield "if_match"
    if "Idempotency-Key" in parameters:
        yield "key"


def _body_fields(document: Part, shape: Part) -> Iterator[dict[str, Any]]:
    for name, schema in shape.get("properties", {}).items():
        needed = name in shape.get("required", [])
        yield _field(document, {"name": name, "schema": schema, "required": needed})


def _field(document: Part, given: Part) -> dict[str, Any]:
    schema = given["schema"]
    field: dict[str, Any] = {"name": given["name"], "kind": _kind(document, schema)}
    told = given.get("description") or schema.get("description") or ""
    # The list of choices below the text is what `choices` says.
    told = told.split("\n\n*")[0] if not told.startswith("* ") else ""
    extra = {
        "help": " ".join(told.split()),
        "required": bool(given.get("required")),
        "nullable": bool(schema.get("nullable")),
        "secret": bool(schema.get("writeOnly")) or given["name"] in _SECRET_PLACES,
        "choices": [str(each) for each in schema.get("enum", []) if each is not None],
    }
    return field | {name: value for name, value in extra.items() if value}


def _kind(document: Part, schema: Part) -> str:
    schema = _resolved(document, schema)
    if schema.get("type") == "array":
        return _LISTS.get(str(_resolved(document, schema.get("items", {})).get("type")), "json")
    return _KINDS.get(str(schema.get("type")), "json")


def _resolved(document: Part, schema: Part) -> Part:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _shown(document: Part, operation: Part) -> tuple[Part, bool]:
    """What is answered, or one row of it, and whether it is a list in pages."""
    answers = operation["responses"]
    answer: Part = next((answers[code] for code in ("200", "201", "202") if code in answers), {})
    schema = _resolved(document, answer.get("content", {}).get("application/json", {}).get("schema", {}))
    properties = schema.get("properties", {})
    if set(properties) == {"results", "next"}:
        return _resolved(document, properties["results"]["items"]), True
    return schema, False


def _columns(shape: Part) -> list[str]:
    names = list(shape.get("properties", {}))
    known = [name for name in _FIRST if name in names]
    return [*known, *(name for name in names if name not in known)][:_MOST_COLUMNS]
