"""zone.git as somebody keeps it by hand: one zone in the style of ptt's tutorial, and a key for a panel."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from tenants import keys
from tenants.formats.zones.keyfile import TsigKey, emit_keys
from tenants.formats.zones.names import ROOT, Name
from workers.sandbox import handmade
from workers.sandbox.names import HostedView
from workers.sandbox.plain_git import Hand

__all__ = ["BRANCH", "PATH", "ZONE", "make", "root_key"]

PATH, BRANCH = "zone.git", "main"
ZONE = handmade.DOMAIN
KEY_NAME = "panel._update"


def root_key(folder: Path) -> TsigKey:
    """The key that covers every zone, made when first asked for and kept in `folder`. Raises OSError."""
    fresh = base64.b64encode(os.urandom(32)).decode()
    return TsigKey(Name.of(KEY_NAME), "SHA256", keys.write_once(folder / "root-key", fresh).strip())


def make(repository: Path, key: TsigKey, server: str) -> None:
    """Fill a bare repository, unless it has the branch already; the zone's name server is at `server`, an
    IPv4 address. Raises CalledProcessError."""
    hand = Hand(repository, "Hannes", f"hannes@{ZONE}")
    if hand.git("for-each-ref", "--count=1"):
        return
    files: Mapping[str, bytes] = {"_keys": emit_keys(ROOT, [key]), ZONE: _zone(server)}
    lines = []
    for name, content in files.items():
        blob = hand.name("hash-object", "-w", "--stdin", stdin=content)
        lines.append(f"100644 blob {blob}\t{name}\n".encode())
    tree = hand.name("mktree", stdin=b"".join(lines))
    tip = hand.name("commit-tree", tree, "-m", f"{ZONE} as it was at the old provider")
    hand.git("update-ref", f"refs/heads/{BRANCH}", tip, "")


def _zone(server: str) -> bytes:
    exchanger = HostedView().ask(f"mx.{ZONE}", "A").records[0]
    return f"""\
$ORIGIN {ZONE}.
$TTL 3600
; written by hand, which the primary forgets at its first dynamic update
@\tSOA\tns1\thostmaster\t3\t86400\t7200\t1048576\t3600
@\tNS\tns1
ns1\tA\t{server}

; mail
@\tMX\t10\tmx
mx\tA\t{exchanger}
@\tTXT\t"v=spf1 mx -all"
_dmarc\tTXT\t"v=DMARC1; p=none"

; web
@\tA\t127.200.1.1
www\tCNAME\t@
""".encode()
