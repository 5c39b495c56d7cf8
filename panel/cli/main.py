"""`rookery WORDS…`: finds the command, asks the API, prints the answer, and ends with a code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from panel.cli import arguments, place, printing
from panel.cli.client import Answer, Client, new_key
from panel.cli.failures import CODES, DONE, NOT_PROVED, USAGE, Failure, Usage
from panel.cli.table import Command, beneath, commands, find

# One question waits so long on the server's side.
_AT_ONCE = 10
_HELP = {"-h", "--help", "help"}
_PUBLIC = "public/"

BASH = """complete -o default -C 'rookery complete' rookery"""
ZSH = f"""autoload -U +X bashcompinit && bashcompinit
{BASH}"""
_ABOUT = """rookery: everything that the panel's API can do, from a shell.

  rookery login                                keep the panel's address and a token
  rookery domains list
  rookery mailboxes create example.org --local-part ada --targets ada@home.example --wait
  rookery mailboxes passphrase set ada@example.org     (asks for it)
  rookery mailboxes list example.org --state works --json

rookery WORD lists the commands of a word; rookery WORDS --help says what one takes.
ROOKERY_URL is the panel's address; the token is ROOKERY_TOKEN, or in the file that ROOKERY_TOKEN_FILE names
(readable by you alone), or what `rookery login` kept. Tokens are made in the panel, under Your account.
rookery completion bash (or zsh) prints a line that makes the shell complete commands.
"""


def main(words: Sequence[str]) -> int:
    """Run one command; returns the exit code (see panel.cli.failures)."""
    try:
        return _run(list(words))
    except Failure as error:
        printing.failure(error)
        return error.code
    except KeyboardInterrupt:
        printing.say("Stopped.")
        return 130
    except BrokenPipeError:
        # Whoever read the answer has enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _run(words: list[str]) -> int:
    own = {"login": _login, "completion": _completion, "complete": _complete}
    if words and words[0] in own:
        return own[words[0]](words[1:])
    command, rest = find(words)
    if command is None or (rest and rest[0] not in _HELP and beneath([*command.words, rest[0]])):
        return _overview(words)
    return _do(arguments.read(command, rest))


def _overview(words: list[str]) -> int:
    """What begins with these words; of nothing, every first word."""
    asked = [word for word in words if word not in _HELP]
    found = beneath(asked)
    if not found:
        raise Usage(f"There is no command “{' '.join(asked)}”. All of them: rookery help")
    if not asked:
        printing.out(_ABOUT)
        printing.out("Words:\n  " + "\n  ".join(_in_lines(sorted({each.words[0] for each in found}))))
        printing.out("\nExit codes:\n" + "\n".join(f"  {code}  {told}" for code, told in CODES.items()))
        return DONE
    widest = max(len(_usage(each)) for each in found)
    for each in found:
        printing.out(f"{_usage(each).ljust(min(widest, 60))}  {each.summary}")
    return DONE if len(asked) < len(words) else USAGE


def _usage(command: Command) -> str:
    places = [each.name.upper() for each in command.places if not each.secret]
    return " ".join(["rookery", command.name, *places])


def _in_lines(names: Sequence[str]) -> list[str]:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 90:
            lines.append("")
        lines[-1] += f"{name} "
    return [line.rstrip() for line in lines]


# Asking ----------------------------------------------------------------------------------------------------


def _do(call: arguments.Call) -> int:
    needs_token = not call.command.path.startswith(_PUBLIC)
    there = place.Place(place.address(call.url), place.token() if needs_token else "")
    with closing(Client(there)) as client:
        return _ask(client, call)


def _ask(client: Client, call: arguments.Call) -> int:
    command = call.command
    if command.lists:
        rows, more = client.rows(call.path, call.query, call.most)
        printing.as_json(rows) if call.json else printing.table(rows, command.columns)
        if more:
            printing.say(f"There are more than these {len(rows)}. Ask for more with --most.")
        return DONE
    answer = client.ask(
        command.method,
        call.path,
        query=call.query,
        body=call.body,
        data=call.data,
        media_type=command.file if call.data is not None else "application/json",
        key=(call.key or new_key()) if "key" in command.takes and "dry_run" not in call.query else None,
        headers={"If-Match": call.if_match} if call.if_match else None,
    )
    if call.wait is not None and "dry_run" not in call.query:
        return _show_proved(client, call, answer)
    _show(call, answer)
    if not call.json and answer.monitor:
        printing.say("Accepted. It is written outside now; --wait waits for the proof.")
    return DONE


def _show(call: arguments.Call, answer: Answer) -> None:
    if call.json:
        printing.as_json(answer.value)
    elif isinstance(answer.value, dict):
        printing.single(answer.value)
    elif answer.value is not None:
        printing.single({"answer": answer.value})
    elif call.command.writes:
        printing.out("Done.")


def _show_proved(client: Client, call: arguments.Call, answer: Answer) -> int:
    change = _wait(client, answer.monitor, call.wait or 0) if answer.monitor else None
    is_proved = change is None or bool(change.get("observed"))
    if call.json:
        printing.as_json({"answer": answer.value, "change": change})
        return DONE if is_proved else NOT_PROVED
    _show(call, answer)
    if change is None:
        printing.out("Nothing outside had to change.")
        return DONE
    printing.out("")
    for each in change.get("proofs", []):
        if isinstance(each, dict):
            printing.out(_proof(each))
    places, observed = change.get("places"), change.get("places_observed")
    printing.out(f"Proved in {printing.cell(observed)} of {printing.cell(places)} places.")
    if is_proved:
        return DONE
    stopped = bool(change.get("over"))
    why = "it waits for a person: rookery targets list --stopped yes" if stopped else "ask again later"
    printing.say(f"rookery: the change is accepted, but not proved; {why}.")
    return NOT_PROVED


def _proof(each: Mapping[str, Any]) -> str:
    proof = each.get("proof")
    said = proof.items() if isinstance(proof, dict) else ()
    words = ", ".join(f"{printing.cell(name, 40)} {printing.cell(value, 80)}" for name, value in said)
    state = (
        f"stopped: {printing.cell(each['stop_code'])}" if each.get("stop_code") else (words or "no proof yet")
    )
    return f"{printing.cell(each.get('kind'))} {printing.cell(each.get('target'))}: {state}"


def _wait(client: Client, monitor: str, seconds: int) -> Mapping[str, Any]:
    """Follow a change until it is over, or the time is."""
    end = time.monotonic() + seconds
    while True:
        left = max(0, min(_AT_ONCE, int(end - time.monotonic())))
        change = client.ask("GET", monitor, query={"wait": left}).value
        if not isinstance(change, dict):
            return {}
        if change.get("over") or time.monotonic() >= end or left == 0:
            return change
        # A server with all its waiting places taken answers at once.
        time.sleep(min(0.2, max(0.0, end - time.monotonic())))


# The client's own commands ---------------------------------------------------------------------------------


def _login(words: list[str]) -> int:
    parser = arguments.Parser(
        prog="rookery login",
        description="Keep the panel's address and a token, in files that only you can read. The token is"
        " asked for, or read from standard input.",
        allow_abbrev=False,
    )
    parser.add_argument("--url", default="", help="The panel's address, such as https://mail.example.")
    url = place.address(parser.parse_args(words).url)
    key = arguments.ask_secret("token")
    with closing(Client(place.Place(url, place.checked_token(key)))) as client:
        found = client.ask("GET", "account/").value
    folder = place.keep(url, key)
    who = printing.cell(found.get("name") or found.get("email")) if isinstance(found, dict) else "somebody"
    printing.out(f"You are {who} at {url}. Address and token are kept in {folder}.")
    return DONE


def _completion(words: list[str]) -> int:
    shells = {"bash": BASH, "zsh": ZSH}
    if len(words) != 1 or words[0] not in shells:
        raise Usage("Say for which shell: rookery completion bash, or rookery completion zsh.")
    printing.out(shells[words[0]])
    return DONE


def _complete(words: list[str]) -> int:
    """What bash asks for: the words that may stand where the cursor is (COMP_LINE, COMP_POINT)."""
    line = os.environ.get("COMP_LINE", "")[: int(os.environ.get("COMP_POINT") or 0) or None]
    typed = line.split()[1:]
    begun = "" if line.endswith(" ") or not typed else typed.pop()
    command, _ = find(typed)
    if begun.startswith("-"):
        options = [each.option for each in (*command.fields, *command.queries)] if command else []
        found = {*options, "--json", "--help", "--wait", "--dry-run"}
    else:
        known = [name for name in commands() if list(name[: len(typed)]) == typed and len(name) > len(typed)]
        found = {name[len(typed)] for name in known} | ({"login", "completion"} if not typed else set())
    printing.out("\n".join(sorted(each for each in found if each.startswith(begun))))
    return DONE
