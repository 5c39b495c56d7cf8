"""What has to be done at a git host so that a repository is set up as it should be. Pure.

Every command may be run twice. None empties, moves or overwrites what is there.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tenants.formats.git_access import restricted_line
from workers.repository.hosting import Hosting

# Stands in a line for a path that only the shell there knows; no key has an @.
_SOMEWHERE = "/@here@"


@dataclass(frozen=True)
class Wanted:
    """A repository as it should be: its path as it was given, its branch, and the public keys (mostly of
    unikernels) that shall reach it and nothing else, each with whether it may push."""

    path: str
    branch: str
    keys: tuple[tuple[str, bool], ...] = field(default=())

    @property
    def lines(self) -> tuple[str, ...]:
        """The keys' lines for authorized_keys while the full path is not known."""
        return tuple(restricted_line(key, _SOMEWHERE, writes=writes) for key, writes in self.keys)


@dataclass(frozen=True)
class Step:
    """One thing to do: what it is good for, and the command that does it. `line` is a key's, for
    authorized_keys; without one the step is about the repository itself."""

    sentence: str
    command: str
    line: str = ""


@dataclass(frozen=True)
class HostPlan:
    """`steps` make it right, `problems` no command here may change, `right` is what is so already."""

    steps: tuple[Step, ...] = ()
    problems: tuple[str, ...] = ()
    right: tuple[str, ...] = ()

    @property
    def checksum(self) -> str:
        """What a person agrees to: exactly these commands."""
        commands = [each.command for each in self.steps]
        return hashlib.sha256(json.dumps(commands).encode()).hexdigest()


def lines_for(found: Hosting, wanted: Wanted) -> tuple[str, ...]:
    """The keys' lines for authorized_keys. Raises FormatError for a path that cannot stand in them."""
    return tuple(restricted_line(key, found.where, writes=writes) for key, writes in wanted.keys)


def plan_host(found: Hosting, wanted: Wanted, standing: Mapping[str, str]) -> HostPlan:
    """Decide what is to be done. `standing` says of each key's line whether it is `there`, there `otherwise`
    (with other rights) or `absent`."""
    if (
        found.kind not in {"absent", "bare"}
        or not found.sha1
        or (found.kind == "bare" and not found.writable)
    ):
        return HostPlan(problems=found.problems(wanted.branch))
    steps, right = _repository_steps(found, wanted)
    problems = []
    if found.kind == "bare" and found.head != wanted.branch and not found.unborn:
        problems.append(
            f"Its default branch is {found.head or 'none'}, and it holds commits: that stays. Give ptt's"
            f" servers the branch by name: #{wanted.branch}."
        )
    for line, state in standing.items():
        may = "fetch and push" if "git-receive-pack" in line else "fetch"
        if state == "there":
            right.append(f"The key {_short(line)} may {may} here, and nothing else.")
        elif state == "otherwise":
            problems.append(
                f"The key {_short(line)} is in authorized_keys with other rights. Take that line out by hand."
            )
        else:
            sentence = f"Let the key {_short(line)} {may} here, and do nothing else."
            command = _let_in(shlex.quote(line))
            steps.append(Step(sentence, command, line))
    if "pre-receive" in found.hooks or "update" in found.hooks:
        right.append("It has hooks of its own, which may refuse a push. They stay.")
    return HostPlan(tuple(steps), tuple(problems), tuple(right))


def _repository_steps(found: Hosting, wanted: Wanted) -> tuple[list[Step], list[str]]:
    path, branch = wanted.path, wanted.branch
    point = f"git -C {path} symbolic-ref HEAD refs/heads/{branch}"
    steps, right = [], []
    if found.kind == "absent":
        steps.append(
            Step(
                f"Make the bare repository, with the branch {branch}.",
                f"(umask 077; git init --quiet --bare {path}) && {point}",
            )
        )
    elif found.unborn and found.head != branch:
        steps.append(Step(f"Let {branch} be its default branch: it has no commits yet.", point))
    else:
        right.append("It is a bare repository" + (f" with the branch {branch}." if found.has_branch else "."))
    for is_set, name, sentence in (
        (found.refuses_rewriting, "receive.denyNonFastForwards", "rewritten history, which loses changes"),
        (found.refuses_deleting, "receive.denyDeletes", "the deletion of a branch"),
    ):
        if is_set:
            right.append(f"It refuses {sentence}.")
        else:
            steps.append(Step(f"Let it refuse {sentence}.", f"git -C {path} config {name} true"))
    return steps, right


def by_hand(wanted: Wanted) -> tuple[Step, ...]:
    """The same for a person with a shell, where Rookery's key may only run git: nothing is known of what is
    there, so each command looks itself."""
    path, branch = wanted.path, wanted.branch
    steps = [
        Step(
            f"Make the bare repository with the branch {branch}, unless there is one.",
            f"[ -e {path} ] || {{ git init --quiet --bare {path} && git -C {path} symbolic-ref HEAD"
            f" refs/heads/{branch}; }}",
        ),
        Step(
            "Let it refuse rewritten history, which loses changes.",
            f"git -C {path} config receive.denyNonFastForwards true",
        ),
        Step("Let it refuse the deletion of a branch.", f"git -C {path} config receive.denyDeletes true"),
    ]
    for line in wanted.lines:
        may = "fetch and push" if "git-receive-pack" in line else "fetch"
        quoted = shlex.quote(line).replace(_SOMEWHERE, "'\"$(cd " + path + " && pwd -P)\"'")
        sentence = f"Let the key {_short(line)} {may} here, and do nothing else."
        steps.append(Step(sentence, _let_in(quoted)))
    steps.append(
        Step(
            "Look: both have to say true.",
            f"git -C {path} config --get-regexp '^receive[.]deny'",
        )
    )
    return tuple(steps)


def _let_in(line: str) -> str:
    """The command that appends a line, quoted for a shell, to authorized_keys unless it is there."""
    return (
        f'mkdir -p -m 700 ~/.ssh && line={line} && {{ grep -qxF -- "$line" ~/.ssh/authorized_keys'
        " || printf '%s\\n' \"$line\" >> ~/.ssh/authorized_keys; }"
    )


def _short(line: str) -> str:
    """Enough of a key to tell it from others: its kind, and the end of it."""
    words = line[line.rindex('"') + 2 :].split()
    return f"{words[0]} …{words[1][-12:]}"


def as_rows(steps: Sequence[Step]) -> list[dict[str, str]]:
    """Steps as they are stored and shown."""
    return [{"sentence": each.sentence, "command": each.command} for each in steps]
