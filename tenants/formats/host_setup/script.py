"""Steps as scripts for a POSIX shell. Each may be run twice: what is so already is left alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from tenants.formats.host_setup.steps import Step
from tenants.formats.text import FormatError

MOST_CHECKS = 200_000
"""Bytes that the script of checks prints at most."""
_HEAD = "rookery-checks 1"
_CHECKED = re.compile(r"check ([0-9]{1,4}) (ok|no)( [\x20-\x7e]{0,300})?")
_BEGIN = """set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export PATH LC_ALL DEBIAN_FRONTEND
umask 022
"""
_SAID = '"$(printf %s "$said" | tr "\\n" " " | tr -cd "\\40-\\176" | cut -c 1-299)"'
_WHERE = """where=''
trap 'code=$?; [ "$code" = 0 ] || printf "Stopped at: %s\\n" "$where" >&2' EXIT
[ "$(id -u)" = 0 ] || { where='the beginning: run it as root'; exit 1; }
"""


def checks_script(steps: Sequence[Step]) -> str:
    """A read-only script that says of each step whether it is so."""
    lines = [_BEGIN, "set +e", f"echo {shlex.quote(_HEAD)}"]
    for number, each in enumerate(steps):
        lines += [
            f"said=$( ( {each.check}\n) </dev/null 2>/dev/null )",
            f'if [ "$said" = {shlex.quote(each.expected)} ]; then echo "check {number} ok"; else',
            f"printf 'check {number} no %s\\n' {_SAID}; fi",
        ]
    return "\n".join([*lines, "echo end", ""])


def read_checks(text: str, steps: Sequence[Step]) -> Mapping[str, str]:
    """By key of each step that is not so: what its check printed. Raises FormatError (`facts`)."""
    lines = text.splitlines()
    found = [_CHECKED.fullmatch(line) for line in lines[1:-1]]
    whole = len(lines) > 1 and (lines[0], lines[-1]) == (_HEAD, "end")
    numbers = [int(each[1]) for each in found if each is not None]
    if not whole or None in found or numbers != list(range(len(steps))):
        raise FormatError("facts", "The host's answer to the checks is cut off, or not ours.", "Look again.")
    said = zip(steps, (each for each in found if each is not None), strict=True)
    return {step.key: (each[3] or "").strip() for step, each in said if each[2] == "no"}


def step_script(step: Step) -> str:
    """One step: checked, done if need be, checked again. Prints `already` or `done` in its last line."""
    return _BEGIN + _WHERE + _one(step, 1)


def script(steps: Sequence[Step], about: str) -> str:
    """All steps for a person to run as root; `about` says of which host, in one line."""
    head = "".join(
        f"# {line}\n" for line in (about, "It may be run twice: what is so already is left alone.")
    )
    body = "\n".join(_one(each, number) for number, each in enumerate(steps, start=1))
    return f"#!/bin/sh\n{head}{_BEGIN}{_WHERE}\n{body}\nwhere='the end'\necho 'All of it is so.'\n"


def _one(step: Step, number: int) -> str:
    title = shlex.quote(f"{number}. {step.title}")
    failed = "printf 'Its check does not hold: %s\\n' \"$said\" >&2; exit 1"
    if not step.commands:
        failed = f"printf '%s\\n' {shlex.quote(step.advice)} >&2; exit 1"
    return "\n".join(
        [
            f"# {step.why}",
            f"where={title}",
            "look() { (",
            f"{step.check}",
            ") </dev/null 2>/dev/null || true; }",
            f"wanted={shlex.quote(step.expected)}",
            "said=$(look)",
            'if [ "$said" = "$wanted" ]; then printf \'%s: already\\n\' "$where"; else',
            "(",
            *(step.commands or ("true",)),
            ")",
            "said=$(look)",
            f'[ "$said" = "$wanted" ] || {{ {failed}; }}',
            "printf '%s: done\\n' \"$where\"",
            "fi",
            "",
        ]
    )
