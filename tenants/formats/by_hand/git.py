"""A repository on its git host by hand: compare the host's key, make the repository, let a key in."""

from __future__ import annotations

from dataclasses import dataclass

from tenants.formats.by_hand.shell import comment, line, quote


@dataclass(frozen=True)
class Repository:
    """Where a repository is. `access` is the line of authorized_keys for Rookery's key."""

    host: str
    port: int
    username: str
    path: str
    branch: str
    remote: str
    access: str


def reach_lines(place: Repository) -> str:
    """From any machine: is it the right host, and what is in the repository?"""
    port = [] if place.port == 22 else ["-p", str(place.port)]
    return "\n".join(
        [
            comment("The host's key, to compare with what it says of itself:"),
            f"{line(['ssh-keyscan', *port, '-t', 'ed25519', '--', place.host])} | ssh-keygen -lf -",
            comment("A key of your own, and what it sees:"),
            line(["ssh-keygen", "-t", "ed25519", "-N", "", "-f", "./rookery_ed25519"]),
            f"GIT_SSH_COMMAND='ssh -i ./rookery_ed25519' {line(['git', 'ls-remote', '--', place.remote])}",
            line(["git", "clone", "--depth", "1", "--branch", place.branch, "--", place.remote]),
        ]
    )


def host_lines(place: Repository) -> str:
    """On the git host, in the account's home: the repository, and Rookery's key with its rights. Twice does
    no harm."""
    inside = place.path.removeprefix("~/")
    path = quote(inside if inside.startswith("/") else f"./{inside}")
    there, keys = f"git -C {path}", "~/.ssh/authorized_keys"
    branch, access = quote(f"refs/heads/{place.branch}"), quote(place.access)
    return "\n".join(
        [
            comment(f"On {place.host}, as {place.username}:"),
            f"[ -e {path} ] || git init --quiet --bare {path}",
            f"{there} rev-parse --quiet --verify HEAD >/dev/null || {there} symbolic-ref HEAD {branch}",
            f"{there} config receive.denyNonFastForwards true",
            f"{there} config receive.denyDeletes true",
            "mkdir -p -m 700 ~/.ssh",
            f"line={access}",
            f'grep -qxF -- "$line" {keys} 2>/dev/null || printf "%s\\n" "$line" >> {keys}',
            f"chmod 600 {keys}",
        ]
    )
