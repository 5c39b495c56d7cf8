"""docs/settings.md is the table of all settings: the same names, types and needs as the code's."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAME = r"(?:ROOKERY_[A-Z_]*[A-Z]|DATABASE_URL|REDIS_URL)"

# What each reader in panel/environment.py is called in the table.
TYPES = {
    "addresses": "addresses",
    "base_url": "URL",
    "block_lists": "zones",
    "broker": "URL",
    "database": "URL",
    "folder": "folder",
    "hosts": "host names",
    "keys_of_workers": "keys",
    "log_level": "level",
    "networks": "networks",
    "number": "number",
    "port": "port",
    "public_key_of_workers": "key",
    "secrets": "keys",
    "sender": "sender",
    "servers": "servers",
    "switch": "0 or 1",
    "text": "text",
    "token": "token",
    "choice": "word",
    "count": "count",
    "named_folder": "folder",
    "passphrase": "passphrase",
    "public_key": "key",
    "file": "file",
    "time_zone": "time zone",
}
SMTP = {
    "ROOKERY_SMTP_HOST": "host name",
    "ROOKERY_SMTP_PORT": "port",
    "ROOKERY_SMTP_USER": "text",
    "ROOKERY_SMTP_PASSWORD": "text",
    "ROOKERY_SMTP_STARTTLS": "0 or 1",
    "ROOKERY_SMTP_TLS": "0 or 1",
}
CANARY = {"ROOKERY_CANARY_HOME": "address", "ROOKERY_CANARY_MAILDIR": "path"}
SECRET = {
    "ROOKERY_SECRET_KEY",
    "ROOKERY_WORKERS_KEY",
    "ROOKERY_METRICS_TOKEN",
    "ROOKERY_SMTP_PASSWORD",
    "ROOKERY_BACKUP_PASSPHRASE",
    "DATABASE_URL",
    "REDIS_URL",
}
# Of the scripts in bin/, or part of a text that is no setting.
NOT_HERE = {"ROOKERY_VENV", "ROOKERY_PYTHON", "ROOKERY_END_OF_FILE", "ROOKERY_SMTP", "ROOKERY_CANARY"}
NOT_HERE |= {"ROOKERY_TOKEN"}  # of the command line, where a person is


def calls() -> list[tuple[str, list[Any]]]:
    """(reader, its constant arguments) of each call of panel.environment in the settings."""
    found = []
    for node in ast.walk(ast.parse((ROOT / "panel" / "settings.py").read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "environment"
        ):
            given = [each.value if isinstance(each, ast.Constant) else None for each in node.args]
            found.append((node.func.attr, given))
    return found


def table() -> dict[str, tuple[str, str, str, str]]:
    rows = re.findall(
        rf"^\| `({NAME})` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (.+) \|$",
        (ROOT / "docs" / "settings.md").read_text(),
        re.M,
    )
    assert len(rows) == len({name for name, *_ in rows})
    return {name: (kind, without, whose, meaning) for name, kind, without, whose, meaning in rows}


def test_the_table_has_every_setting_with_its_type() -> None:
    read = {given[0]: TYPES[reader] for reader, given in calls() if reader in TYPES} | SMTP | CANARY
    assert {name: row[0] for name, row in table().items()} == read


def test_nothing_else_is_read_from_the_environment() -> None:
    said = set()
    for folder in ("panel", "tenants", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            said |= set(re.findall(rf"\b{NAME}\b", path.read_text()))
    assert {name.removesuffix("_FILE") for name in said} - NOT_HERE - set(table()) - {
        "ROOKERY_END_OF"
    } == set()


def test_what_production_requires_is_marked() -> None:
    required = {name for reader, given in calls() if reader == "require" for name in given}
    assert len(required) > 5
    assert {name for name, row in table().items() if "**required** in production" in row[1]} == required


def test_what_is_secret_is_marked() -> None:
    assert {name for name, row in table().items() if row[3].startswith("*secret*")} == SECRET


def test_plain_defaults_are_told() -> None:
    """Numbers and words; folders and URLs depend on where one stands."""
    rows = table()
    for reader, given in calls():
        if reader in {"number", "count", "port", "time_zone", "log_level", "choice"}:
            default = f"{given[1]:g}" if isinstance(given[1], (int, float)) else str(given[1])
            assert rows[given[0]][1] == default
        elif reader == "switch" and given[0] != "ROOKERY_STAFF_SECOND_FACTOR":
            assert rows[given[0]][1] == "0"
