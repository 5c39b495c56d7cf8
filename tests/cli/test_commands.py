"""The command line without a server: its table is the API's, its words are unique, its help is whole, its
arguments become what the API takes, and it starts without Django."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from panel.api import command_table
from panel.api.schema import openapi
from panel.cli import arguments, place
from panel.cli.failures import CODES, Failure, Usage
from panel.cli.main import main
from panel.cli.table import FILE, Command, commands, find

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.one_database
# What no line can ask for, and why. There is none: keep it so.
UNREACHABLE: dict[str, str] = {}


class Lines(io.StringIO):
    def isatty(self) -> bool:
        return False


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Lines(text))


def test_every_operation_has_its_command_and_the_table_is_new() -> None:
    table = command_table.as_text(command_table.rows(openapi()))
    assert FILE.read_text() == table, "The API changed. Run: python manage.py command_table"
    wanted = {
        operation["operationId"] for methods in openapi()["paths"].values() for operation in methods.values()
    }
    reached = [each.operation for each in commands().values()]
    assert len(reached) == len(set(reached))
    assert wanted - set(UNREACHABLE) == set(reached)
    assert len(commands()) == len(json.loads(table)), "two operations have the same words"
    assert all(command.takes >= {"dry_run"} for command in commands().values() if command.writes)


def test_no_words_hide_others() -> None:
    for words, command in commands().items():
        assert find([*words, "x"]) == (command, ["x"])
        assert not {"login", "completion", "complete", "help"} & {words[0]}


def test_every_command_has_its_help_and_its_example_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panel.cli.arguments.getpass.getpass", lambda _: "candle otter ribbon lantern 7")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    tried = 0
    for command in commands().values():
        shown = arguments.parser_of(command).format_help()
        assert command.summary.split()[0] in shown
        if command.example is None or any(each.kind == "json" and each.secret for each in command.fields):
            continue
        line = example_words(command)
        monkeypatch.setattr(sys, "stdin", Terminal())
        call = arguments.read(command, line[len(command.words) :])
        tried += 1
        for name, value in command.example.items():
            secret = any(each.name == name and each.secret for each in command.fields)
            assert secret or call.body[name] == value, command.name
    assert tried > 80


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def example_words(command: Command) -> list[str]:
    import shlex

    return shlex.split(arguments.example_of(command))[2:]


def call(line: str) -> arguments.Call:
    command, rest = find(line.split())
    assert command is not None
    return arguments.read(command, rest)


def test_a_line_becomes_a_request() -> None:
    made = call("mailboxes create example.org --local-part ada --targets a@b.example --targets c@d.example")
    assert made.path == "domains/example.org/mailboxes/"
    assert made.body == {"local_part": "ada", "targets": ["a@b.example", "c@d.example"]}
    listed = call("mailboxes list example.org --state works --order -changed")
    assert listed.query == {"state": "works", "order": "-changed"}
    assert call("mailboxes change ada@example.org --enabled no --dry-run").query == {"dry_run": "true"}
    assert call("tokens create --name x --no-days").body == {"name": "x", "days": None}
    odd = call("mailboxes targets delete ada@example.org o/../x?y@home.example")
    assert odd.path == "mailboxes/ada@example.org/targets/o%2F..%2Fx%3Fy@home.example/"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("mailboxes create example.org", "--local-part"),
        ("mailboxes create", "DOMAIN"),
        ("mailboxes create example.org --local-prt x", "--local-prt"),
        ("domains list --limit 3", "--limit"),
        ("tokens create --name x --days many", "many"),
        ("stack make example.org --services {", "no JSON"),
        ("stack make example.org --services @/nowhere", "cannot be read"),
        ("nonsense", "no command"),
        ("mailboxes passphrase set ada@example.org --password-hash abc", "abc"),
    ],
)
def test_a_wrong_line_is_told_and_sends_nothing(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    assert told in capsys.readouterr().err


def test_secrets_are_no_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "candle otter ribbon lantern 7\n")
    body = call("mailboxes passphrase set ada@example.org").body
    assert re.fullmatch("[0-9a-f]{128}", body["password_hash"])
    typed(monkeypatch, "password\n")
    with pytest.raises(Usage):
        call("mailboxes passphrase set ada@example.org")
    typed(monkeypatch, "x" * 43 + "\n")
    assert call("public decisions show").path == f"public/decisions/{'x' * 43}/"
    for command in commands().values():
        parser = arguments.parser_of(command)
        for field in command.fields:
            if field.secret:
                [action] = [each for each in parser._actions if each.dest == f"ask_{field.name}"]
                assert action.nargs == 0, command.name


def test_the_token_comes_from_the_environment_a_private_file_or_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Lines())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("ROOKERY_TOKEN", raising=False)
    with pytest.raises(Failure, match="no token"):
        place.token()
    folder = place.keep("https://mail.example", "rk_kept")
    assert place.token() == "rk_kept"
    assert place.address() == "https://mail.example"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    (folder / "token").chmod(0o640)
    with pytest.raises(Failure, match="chmod 600"):
        place.token()
    monkeypatch.setenv("ROOKERY_TOKEN", "rk_other")
    assert place.token() == "rk_other"
    assert "rk_other" not in repr(place.Place("https://mail.example", place.token()))


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "ftp://mail.example",
        "https://a:b@mail.example",
        "https://x/?y",
        "mail.example",
        "http://[",
        "https://x:99999",
    ],
)
def test_an_address_that_would_tell_the_token_is_refused(url: str) -> None:
    with pytest.raises(Usage):
        place.checked_address(url)
    assert place.checked_address("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    return subprocess.run(
        [str(ROOT / "bin" / "rookery"), *words],
        cwd=ROOT / "docs",
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_starts_alone_and_says_what_there_is() -> None:
    done = run("help")
    assert done.returncode == 0
    assert all(f"  {code}  {told}" in done.stdout for code, told in CODES.items())
    assert {each.words[0] for each in commands().values()} <= set(done.stdout.split())
    code = "import sys, panel.cli.main as m; m.main(['help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert not {"django", "rest_framework", "celery", "paramiko", "dulwich"} & set(loaded.stderr.split())
    assert run("domains", "list").returncode == 3
    unreachable = run("domains", "list", ROOKERY_TOKEN="rk_x", ROOKERY_URL="http://127.0.0.1:9")
    assert unreachable.returncode == 6
    assert "does not answer" in unreachable.stderr


def test_the_shell_completes_words(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    for line, wanted in (
        ("rookery mailb", ["mailboxes"]),
        ("rookery mailboxes targets ", ["accept-shared", "ask-again", "create", "delete", "list"]),
        ("rookery mailboxes create example.org --loc", ["--local-part"]),
    ):
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        assert main(["complete", "rookery", "", ""]) == 0
        assert capsys.readouterr().out.split() == wanted
    assert main(["completion", "bash"]) == 0
    assert "complete" in capsys.readouterr().out
