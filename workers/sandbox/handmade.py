"""A relay repository as somebody has it who runs ptt without Rookery: made with ptt's own tool and by hand.

The sandbox's git host has it from the start. Whoever connects it to a new domain (DOMAIN) sees each kind of
entry explained: good ones, ones that ptt skips, ones that Rookery would not write, circles, and targets whose
domains have no mail server or share one (see `names`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from workers.sandbox.plain_git import Hand

DOMAIN, PATH, BRANCH = "handmade.example", "handmade.git", "main"
_NO_LOGIN = "0" * 128
# What a stranger's clock said; fixed, so that everybody's sandbox has the same commits.
_FIRST_COMMIT = 1_654_000_000


def _digest(passphrase: str) -> str:
    return hashlib.blake2b(passphrase.encode()).hexdigest()


def _as_the_tool(target: str, passphrase: str) -> bytes:
    """As `ptt.adduser` lays it out."""
    return (f'{{ "targets": [ "{target}" ],\n  "password":\n    "{_digest(passphrase)}" }}').encode()


def _by_hand(*targets: str, password: str = _NO_LOGIN, **more: object) -> bytes:
    return json.dumps({"targets": list(targets), "password": password, **more}, indent=2).encode() + b"\n"


# In the order in which they came, one commit each.
ENTRIES: Mapping[bytes, bytes] = {
    # good
    b"dinosaure": _as_the_tool("dinosaure@home.example", "foo"),
    b"hannes": _as_the_tool("hannes@home.example", "a-passphrase-that-hannes-knows"),
    b"contact": _by_hand("dinosaure@home.example", "hannes@home.example"),
    b"twin": _by_hand("twin@home.example", password=_digest("foo")),
    # what the DNS has to say about
    b"lost": _by_hand("somebody@nomx.example"),
    b"refused": _by_hand("somebody@nullmx.example"),
    b"strict": _by_hand("somebody@strict.example"),
    b"mixed": _by_hand("one@north.shared.example", "two@south.shared.example"),
    b"apart": _by_hand("one@home.example", "two@work.example"),
    # circles
    b"echo": _by_hand(f"echo@{DOMAIN}"),
    b"anna": _by_hand(f"otto@{DOMAIN}"),
    b"otto": _by_hand(f"anna@{DOMAIN}"),
    # used by ptt, and not what Rookery would write
    b"Mary": _by_hand("mary@home.example"),
    b"plain": _by_hand("plain@home.example", insecure=True),
    b"catch.all": _by_hand("Someone <someone@home.example>"),
    # skipped by ptt
    b"README.md": b"# Users of handmade.example\n\nAdd one with ptt.adduser.\n",
    b"half": b'{ "targets": [ "half@home.example" ],\n',
    b"nohash": json.dumps({"targets": ["nohash@home.example"]}).encode(),
    b"extra": _by_hand("extra@home.example", note="on leave until May"),
    b"caf\xe9": _by_hand("coffee@home.example"),
    b".mailmap": b"A <a@home.example> <b@home.example>\n",
}


def make(repository: Path) -> None:
    """Fill a bare repository, unless it has the branch already. Raises CalledProcessError."""
    hand = Hand(repository, "Git KV", "git@mirage.io")
    if hand.git("for-each-ref", "--count=1"):
        return
    tip, when = "", _FIRST_COMMIT
    tree: dict[bytes, str] = {}
    folder = hand.name("mktree", stdin=b"")
    for name, content in ENTRIES.items():
        tree[name] = hand.name("hash-object", "-w", "--stdin", stdin=content)
        lines = [b"100644 blob %s\t%s\0" % (blob.encode(), each) for each, blob in tree.items()]
        lines.append(b"040000 tree %s\tdocs\0" % folder.encode())
        root = hand.name("mktree", "-z", stdin=b"".join(lines))
        when += 86_400
        parent = ["-p", tip] if tip else []
        tip = hand.name("commit-tree", root, *parent, "-m", "Committed by git-kv", when=when)
    hand.git("update-ref", f"refs/heads/{BRANCH}", tip, "")
