"""The accounts of a prepared host: Rookery's own, the one of git, and what the firewall's helper allows."""

from __future__ import annotations

import shlex

from tenants.formats.firewall.helper import PATH, SUDOERS, helper_text, sudoers_text
from tenants.formats.host_setup import files
from tenants.formats.host_setup.steps import Step
from tenants.formats.host_setup.wanted import GitRepository, Wanted

_UNIT = "rookery-firewall.service"


def steps(wanted: Wanted) -> tuple[Step, ...]:
    """In order; root needs no account and is in every group."""
    found: list[Step] = []
    if wanted.account != "root":
        found.append(_own(wanted))
    if wanted.git_account:
        found += [_git(wanted), *(_repository(wanted.git_account, each) for each in wanted.repositories)]
    if wanted.firewall:
        found.append(_helper(wanted.account))
    return tuple(found)


def as_user(account: str, *lines: str) -> str:
    """A line that runs others as an account, in its home: root follows no link that the account made."""
    return f"runuser -l -s /bin/sh {account} -c {shlex.quote('; '.join(('set -eu', *lines)))}"


def _make(account: str) -> str:
    # A password that nothing fits: without one sshd may call the account locked, and refuse keys too.
    return (
        f"id -u {account} >/dev/null 2>&1 || useradd --create-home --shell /bin/sh --password '*' {account}"
    )


def _let_in(account: str, keys: tuple[str, ...]) -> str:
    lines = ["umask 077", "mkdir -p .ssh", "touch .ssh/authorized_keys"]
    for key in keys:
        quoted = shlex.quote(key)
        lines.append(
            f"grep -qxF -- {quoted} .ssh/authorized_keys || printf '%s\\n' {quoted} >>.ssh/authorized_keys"
        )
    return as_user(account, *lines)


def _knows(account: str, keys: tuple[str, ...]) -> str:
    """A line that prints how many of the keys are let in."""
    given = " ".join(f"-e {shlex.quote(key)}" for key in keys)
    return as_user(account, f"sort -u .ssh/authorized_keys | grep -cxF {given}")


def _own(wanted: Wanted) -> Step:
    account = wanted.account
    return Step(
        "account",
        f"The account {account} is in the group albatross, and lets Rookery in",
        "Whoever is in that group may do everything with albatross. It may do nothing else as root.",
        (
            _make(account),
            f"usermod --append --groups albatross {account}",
            _let_in(account, (wanted.key,)),
        ),
        f"id -nG {account} | tr ' ' '\\n' | grep -cx albatross; {_knows(account, (wanted.key,))}",
        "1\n1",
    )


def _git(wanted: Wanted) -> Step:
    account = wanted.git_account
    keys = tuple(dict.fromkeys(each.key for each in wanted.repositories))
    return Step(
        "git account",
        f"The account {account} is there" + (", and lets Rookery in" if keys else ""),
        "Repositories of zones and addresses live in its home. Keys of unikernels are let in from the page of"
        " each repository, to that one alone.",
        (_make(account), *((_let_in(account, keys),) if keys else ())),
        f"id -un {account}" + (f"; {_knows(account, keys)}" if keys else ""),
        account + (f"\n{len(keys)}" if keys else ""),
    )


def _repository(account: str, repository: GitRepository) -> Step:
    path, branch = repository.path, repository.branch
    settings = ("receive.denyNonFastForwards", "receive.denyDeletes")
    look = "; ".join(f"git -C {path} config --bool {name}" for name in settings)
    return Step(
        f"repository {path}",
        f"The repository {path} is there, and loses nothing",
        "ptt's servers push by force: rewritten history and deleted branches are refused from then on.",
        (
            as_user(
                account,
                f"[ -e {path} ] || {{ git init --quiet --bare {path} &&"
                f" git -C {path} symbolic-ref HEAD refs/heads/{branch}; }}",
                *(f"git -C {path} config {name} true" for name in settings),
            ),
        ),
        as_user(account, f"git -C {path} rev-parse --is-bare-repository", look),
        "true\ntrue\ntrue",
    )


def _helper(account: str) -> Step:
    allowed = sudoers_text(account)
    by_sudo = (files.sha256_line(SUDOERS),) if allowed else ()
    return Step(
        "firewall",
        "Rookery's program for the firewall is there, and nothing else is allowed by sudo",
        "It takes only lines of Rookery's own chains, and undoes what nobody confirmed.",
        (*files.write(PATH, helper_text(), "755"), f"{PATH} install {account}"),
        "; ".join([files.sha256_line(PATH), *by_sudo, f"systemctl is-enabled {_UNIT}"]),
        "\n".join([files.sha256(helper_text()), *([files.sha256(allowed)] if allowed else []), "enabled"]),
    )
