"""Looking at a remote repository: its branches, one at a time or many in one command."""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tenants.formats.text import printable
from workers.repository.errors import RepositoryError
from workers.repository.pktline import FLUSH, read_lines
from workers.ssh import Channel, CommandFailed, Connection, SshEndpoint, TooManyChannels, Unreachable

REFS_AT_MOST = 50_000
# OpenSSH runs ten commands at once on a connection unless it is told otherwise.
LANES = 8
_PAUSE_SECONDS = 0.02
ZERO = "0" * 40
_ID = re.compile(rb"[0-9a-f]{40}")
_HEADS = b"refs/heads/"


@dataclass(frozen=True)
class RemoteRepository:
    """A branch of a repository on the other side of an SSH endpoint. `path` is as on that host."""

    endpoint: SshEndpoint = field(repr=False)
    path: str
    branch: str

    @property
    def ref(self) -> bytes:
        return _HEADS + self.branch.encode("ascii")

    def command(self, program: str) -> str:
        """The remote command line; the path is always in quotes: git-shell takes no other."""
        path = self.path.replace("'", "'\\''").replace("!", "'\\!'")
        return f"{program} '{path}'"


@dataclass(frozen=True)
class Refs:
    """What a repository advertises. `tip` is the branch's commit, None where it does not exist."""

    tip: str | None
    branches: tuple[str, ...]
    capabilities: frozenset[str]


class ShellUnavailable(RepositoryError):
    """The account may only run git; look at one repository at a time."""


def read_refs(connection: Connection, remote: RemoteRepository) -> Refs:
    """Ask upload-pack for its references and hang up."""
    with connection.open(remote.command("git-upload-pack")) as channel:
        refs = read_advertisement(channel, remote)
        channel.write(FLUSH)  # it ends at that; no end of what we write has to be told
    return refs


@dataclass(frozen=True)
class Tips:
    """Branches that were asked for, by their place in the list: `found` is None for “look properly”
    (no such branch, no repository), `silent` did not answer in time. What is in neither was not asked."""

    found: dict[int, str | None] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)


def read_tips_side_by_side(
    connection: Connection, remotes: Sequence[RemoteRepository], *, lanes: int = LANES, seconds: float = 20.0
) -> Tips:
    """The tips of many repositories of one account that may only run git: a few questions at a time.

    No question is asked after `seconds`. Where the host runs fewer commands at once than `lanes`, fewer are
    asked. What goes wrong with one repository is told; never raises Unreachable.
    """
    tips = Tips()
    end = time.monotonic() + seconds
    waiting = deque(range(len(remotes)))

    def lane(pause: float = 0.0) -> None:
        while time.monotonic() < end and connection.alive:
            try:
                index = waiting.popleft()
            except IndexError:
                return
            try:
                tips.found[index] = read_refs(connection, remotes[index]).tip
            except TooManyChannels:
                waiting.appendleft(index)
                if not pause:
                    return
                time.sleep(pause)
            except RepositoryError:
                tips.found[index] = None
            except Unreachable:
                tips.silent.add(index)
                return

    threads = [threading.Thread(target=lane, daemon=True) for _ in range(min(lanes, len(remotes)) - 1)]
    for thread in threads:
        thread.start()
    lane(_PAUSE_SECONDS)  # this one stays, however narrow the host is
    for thread in threads:
        thread.join()
    return tips


def read_advertisement(channel: Channel, remote: RemoteRepository) -> Refs:
    """Read what upload-pack or receive-pack says first. Raises RepositoryError with what it complained."""
    tip: str | None = None
    branches: list[str] = []
    capabilities: frozenset[str] = frozenset()
    try:
        for index, line in enumerate(read_lines(channel, at_most=REFS_AT_MOST)):
            ref_line, _, words = line.partition(b"\0")
            if index == 0:
                capabilities = frozenset(words.decode("ascii", "replace").split())
            object_id, _, name = ref_line.partition(b" ")
            if object_id.startswith(b"ERR"):
                raise RepositoryError(printable(ref_line, 200))
            if not _ID.fullmatch(object_id):
                raise RepositoryError("it advertises object ids that are not SHA-1; use a SHA-1 repository")
            if not name.startswith(_HEADS):
                continue
            if name == remote.ref:
                tip = object_id.decode("ascii")
            branches.append(printable(name[len(_HEADS) :], 200))
    except Unreachable as error:
        # git complains on stderr and hangs up; that is more than "the connection ended".
        said = complaint(channel)
        if said:
            raise RepositoryError(said) from error
        raise
    if any(word.startswith("object-format=") and word != "object-format=sha1" for word in capabilities):
        raise RepositoryError("it uses another object format than SHA-1; ptt reads SHA-1 only")
    return Refs(tip, tuple(branches), capabilities)


def complaint(channel: Channel) -> str:
    """What the command said on stderr, after waiting a moment for its end: the words may come after it."""
    try:
        channel.status(1.0)
    except Unreachable:
        return ""
    return channel.stderr()


# Prints "<id> <number>" for each line "<number> <ref> <path>". A branch is a loose file or a line of
# packed-refs. Numbers come back instead of names and nothing but ids, so nothing hostile is echoed. awk reads
# and writes in blocks, a shell's own loop byte by byte: that takes seven times as long.
_READ_TIPS = r"""
function tip(path, ref,   id, line, words) {
  if ((getline id < (path "/" ref)) > 0) { close(path "/" ref); return id }
  id = ""
  while ((getline line < (path "/packed-refs")) > 0)
    if (split(line, words, " ") == 2 && words[2] == ref) { id = words[1]; break }
  close(path "/packed-refs")
  return id
}
{
  path = substr($0, length($1) + length($2) + 3)
  if (substr(path, 1, 2) == "~/") path = ENVIRON["HOME"] substr(path, 2)
  id = tip(path "/.git", $2)
  if (id == "") id = tip(path, $2)
  print (length(id) == 40 && id !~ /[^0-9a-f]/ ? id : "-"), $1
}
"""


def read_tips_at_once(connection: Connection, remotes: Sequence[RemoteRepository]) -> list[str | None]:
    """The tips of many repositories of one account by one command, in the order given.

    None where there is no such branch. Raises ShellUnavailable where the account may only run git, its shell
    sees none of them, or one of them is so odd that awk gives up (a folder in the place of the branch).
    """
    asked = "".join(
        f"{index} {remote.ref.decode('ascii')} {remote.path}\n" for index, remote in enumerate(remotes)
    )
    try:
        answer = connection.run(
            f"LC_ALL=C awk {shlex.quote(_READ_TIPS)}", asked.encode(), limit=100 * len(remotes) + 4096
        )
    except CommandFailed as error:
        raise ShellUnavailable(str(error)) from error
    tips: list[str | None] = [None] * len(remotes)
    seen = 0
    for line in answer.stdout.splitlines():
        object_id, _, number = line.partition(b" ")
        if not number.isdigit() or int(number) >= len(remotes):
            raise ShellUnavailable("the account does not answer like a shell")
        seen += 1
        if _ID.fullmatch(object_id):
            tips[int(number)] = object_id.decode("ascii")
    if seen != len(remotes):
        raise ShellUnavailable("the account does not answer like a shell")
    if remotes and not any(tips):
        raise ShellUnavailable("the account's shell does not see the repositories")
    return tips
