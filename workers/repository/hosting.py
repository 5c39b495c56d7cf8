"""A repository's host over its shell: is it set up so that nothing can be lost, and setting it up.

ptt's primary pushes over whatever the branch points at, so the repository must refuse that
(`receive.denyNonFastForwards`), and git's default branch must be the one that the primary reads. Nothing that
exists is emptied, moved or overwritten.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from tenants.formats.git_access import KEY
from tenants.formats.text import printable
from workers.repository.errors import RepositoryError
from workers.repository.remote import RemoteRepository, ShellUnavailable
from workers.ssh import CommandFailed, Connection, ProtocolError

__all__ = ["Hosting", "authorize", "inspect", "look_for_key", "set_up", "withdraw"]

_LIMIT = 65_536
_PATH = r"""
IFS= read -r path
IFS= read -r branch
case "$path" in "~/"*) path="$HOME/${path#\~/}";; esac
"""
_LOOK = r"""
look() {
  case "$path" in /*) where=$path;; *) where=$(pwd -P)/$path;; esac
  [ -d "$path" ] && where=$(cd "$path" && pwd -P)
  echo "where=$where"
  if ! git -C "$path" rev-parse --git-dir >/dev/null 2>&1; then
    if [ -e "$path" ]; then echo kind=other; else echo kind=absent; fi
    return
  fi
  top=$(cd "$path" && pwd -P); dir=$(git -C "$path" rev-parse --git-dir)
  case "$dir" in
    .|"$top") echo kind=bare;;
    .git|"$top/.git") echo kind=tree;;
    *) echo kind=other; return;;
  esac
  echo "head=$(git -C "$path" symbolic-ref -q HEAD)"
  git -C "$path" rev-parse -q --verify HEAD >/dev/null || echo unborn=yes
  git -C "$path" rev-parse -q --verify "refs/heads/$branch" >/dev/null && echo branch=yes
  echo "rewriting=$(git -C "$path" config --bool receive.denyNonFastForwards)"
  echo "deleting=$(git -C "$path" config --bool receive.denyDeletes)"
  echo "format=$(git -C "$path" rev-parse --show-object-format 2>/dev/null || echo sha1)"
  for hook in pre-receive update post-receive; do
    (cd "$path" && [ -x "$(git rev-parse --git-path "hooks/$hook")" ]) && echo "hook=$hook"
  done
  [ -w "$path" ] && echo writable=yes
  return 0
}
"""
_INSPECT = _PATH + _LOOK + "look </dev/null\n"
_SET_UP = (
    _PATH
    + _LOOK
    + r"""
point() { git -C "$path" symbolic-ref HEAD "refs/heads/$branch"; }
make() {
  umask 077
  case "$(look)" in
    *kind=absent*) git init --quiet --bare -- "$path" && point;;
    *kind=bare*) git -C "$path" rev-parse -q --verify HEAD >/dev/null || point;;
    *) echo "there is something else" >&2; return 1;;
  esac &&
    git -C "$path" config receive.denyNonFastForwards true &&
    git -C "$path" config receive.denyDeletes true
}
make </dev/null && look </dev/null
"""
)
# The key's own line; then the file is never without a line end before what is added.
_AUTHORIZE = r"""
IFS= read -r blob
IFS= read -r line
umask 077
mkdir -p "$HOME/.ssh" && file="$HOME/.ssh/authorized_keys" && touch "$file" || exit 1
if grep -qxF -- "$line" "$file"; then echo there; exit 0; fi
if grep -qF -- "$blob" "$file"; then echo otherwise; exit 0; fi
[ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ] && echo >>"$file"
printf '%s\n' "$line" >>"$file" && echo added
"""
# authorized_keys is read for the key, and for its line as a whole.
_LETS_IN = r"""
IFS= read -r blob
IFS= read -r line
file="$HOME/.ssh/authorized_keys"
if [ ! -e "$file" ]; then echo absent
elif grep -qxF -- "$line" "$file"; then echo there
elif grep -qF -- "$blob" "$file"; then echo otherwise
else echo absent; fi
"""
# Our own line and no other; the file is replaced at once, as it was but for that.
_WITHDRAW = r"""
IFS= read -r blob
IFS= read -r line
umask 077
file="$HOME/.ssh/authorized_keys"
[ -e "$file" ] || { echo absent; exit 0; }
if grep -qxF -- "$line" "$file"; then
  grep -vxF -- "$line" "$file" >"$file.rookery"; [ $? -le 1 ] || exit 1
  cat "$file.rookery" >"$file" && rm -f "$file.rookery" || exit 1
fi
if grep -qF -- "$blob" "$file"; then echo otherwise; else echo absent; fi
"""


@dataclass(frozen=True)
class Hosting:
    """How a repository is set up. `kind` is bare, tree (with a work tree), absent, or other: something else
    is in its place. `head` is its default branch, which a clone without a named one takes."""

    kind: str
    head: str = ""
    has_branch: bool = False
    refuses_rewriting: bool = False
    refuses_deleting: bool = False
    sha1: bool = True
    hooks: tuple[str, ...] = ()
    writable: bool = False
    unborn: bool = False
    where: str = field(default="", compare=False)

    def problems(self, branch: str) -> tuple[str, ...]:
        """What is not as it should be for a repository of zones with this branch, in sentences."""
        if self.kind == "absent":
            return ("There is no repository yet.",)
        if self.kind == "other":
            return ("There is something else than a repository at this path.",)
        found: list[str] = []
        if self.kind == "tree":
            found.append("It has a work tree, and git refuses pushes to the branch that is checked out.")
        if not self.sha1:
            found.append("It uses another object format than SHA-1, which ptt cannot read.")
        if not self.refuses_rewriting:
            found.append(
                "It accepts rewritten history: a push of the primary can throw ours away"
                " (receive.denyNonFastForwards is not set)."
            )
        if not self.has_branch and self.head != branch:
            found.append(f"Its default branch is {printable(self.head or 'none', 100)}, not {branch}.")
        if not self.writable:
            found.append("This account may not write to it.")
        return tuple(found)


def inspect(connection: Connection, remote: RemoteRepository) -> Hosting:
    """Look at how the repository is set up; nothing is changed.

    Raises ShellUnavailable where the account may only run git, Unreachable when the connection breaks.
    """
    return _read(_run(connection, _INSPECT, remote))


def set_up(connection: Connection, remote: RemoteRepository) -> Hosting:
    """Make the bare repository where there is none, let its default branch be ours while it has no commits,
    and refuse rewritten history and deleted branches; the same again changes nothing.

    Raises RepositoryError when something else is there, ShellUnavailable, Unreachable.
    """
    found = _read(_run(connection, _INSPECT, remote))
    if found.kind not in {"absent", "bare"}:
        raise RepositoryError(" ".join(found.problems(remote.branch)) or "It is no bare repository.")
    return _read(_run(connection, _SET_UP, remote))


def authorize(connection: Connection, line: str) -> str:
    """Append a line to the account's authorized_keys unless it is there. Returns `added`, `there`, or
    `otherwise`: the key is there with other rights, which only a person may change.

    Raises ValueError for a line that is none, ShellUnavailable, Unreachable.
    """
    return _about_key(connection, _AUTHORIZE, line, {"added", "there", "otherwise"})


def look_for_key(connection: Connection, line: str) -> str:
    """Look for a line in the account's authorized_keys: `there`, `absent`, or `otherwise` as in `authorize`.

    Raises ValueError for a line that is none, ShellUnavailable, Unreachable.
    """
    return _about_key(connection, _LETS_IN, line, {"there", "otherwise", "absent"})


def withdraw(connection: Connection, line: str) -> str:
    """Take a line out of the account's authorized_keys. Returns `absent`, or `otherwise`: the key is there
    with other rights, which somebody gave by hand.

    Raises ValueError for a line that is none, ShellUnavailable, Unreachable.
    """
    return _about_key(connection, _WITHDRAW, line, {"otherwise", "absent"})


def _about_key(connection: Connection, script: str, line: str, answers: set[str]) -> str:
    key = KEY.search(line)
    if key is None or not line.isascii() or not line.isprintable():
        raise ValueError("line: it holds no SSH public key")
    answer = _shell(connection, script, f"{key[2]}\n{line}\n").strip()
    if answer not in answers:
        raise ShellUnavailable("the account does not answer like a shell")
    return answer


def _run(connection: Connection, script: str, remote: RemoteRepository) -> str:
    return _shell(connection, script, f"{remote.path}\n{remote.branch}\n")


def _shell(connection: Connection, script: str, words: str) -> str:
    try:
        answer = connection.run(f"sh -c {shlex.quote(script)}", words.encode(), limit=_LIMIT)
    except (CommandFailed, ProtocolError) as error:
        raise ShellUnavailable(str(error)) from error
    return answer.stdout.decode("utf-8", "replace")


def _read(answer: str) -> Hosting:
    said: dict[str, str] = {}
    hooks: list[str] = []
    for line in answer.splitlines()[:50]:
        name, _, value = line.partition("=")
        if name == "hook":
            hooks.append(printable(value, 20))
        else:
            said[name] = value
    if said.get("kind") not in {"bare", "tree", "absent", "other"}:
        raise ShellUnavailable("the account does not answer like a shell")
    return Hosting(
        kind=said["kind"],
        head=printable(said.get("head", "").removeprefix("refs/heads/"), 200),
        has_branch=said.get("branch") == "yes",
        refuses_rewriting=said.get("rewriting") == "true",
        refuses_deleting=said.get("deleting") == "true",
        sha1=said.get("format", "sha1") == "sha1",
        hooks=tuple(hooks[:10]),
        writable=said.get("writable") == "yes",
        unborn=said.get("unborn") == "yes",
        where=said.get("where", "")[:1000],
    )
