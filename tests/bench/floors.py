"""The least that can be done for a change: a thin pack made by hand, sent blind on a kept connection."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from workers import ssh
from workers.repository import pack
from workers.repository.objects import object_id, write_commit
from workers.repository.pktline import FLUSH, pkt


@dataclass
class ThinPackFloor:
    """Changes one file of a flat repository again and again, knowing its tree's bytes and its tip.

    Nothing is looked up, checked or read back: it is handed the tree and the place of the 20 bytes.
    """

    connection: ssh.Connection
    command: str
    tree: bytes = field(repr=False)
    tip: str
    name: bytes

    def __post_init__(self) -> None:
        line = b"100644 " + self.name + b"\0"
        self._start = self.tree.index(line) + len(line)

    def change(self, content: bytes) -> None:
        """Push one commit with this content; raises RuntimeError unless the remote says ok."""
        start, end = self._start, self._start + 20
        blob = object_id(b"blob", content)
        splices = [(start, end, blob)]
        instructions = pack.splice_delta(self.tree, splices)
        old_tree = object_id(b"tree", self.tree)
        self.tree = self.tree[:start] + blob + self.tree[end:]
        commit = write_commit(
            tree=object_id(b"tree", self.tree).hex(),
            parent=self.tip,
            author="Floor",
            email="floor@localhost",
            when=int(time.time()),
            message="One change\n",
        )
        new = object_id(b"commit", commit).hex()
        thin = pack.pack(
            [
                pack.whole(pack.BLOB, content),
                pack.delta(old_tree, instructions),
                pack.whole(pack.COMMIT, commit),
            ]
        )
        with self.connection.open(self.command) as channel:
            order = f"{self.tip} {new} refs/heads/main".encode() + b"\0 report-status"
            channel.write(pkt(order) + FLUSH + thin)
            channel.finish_writing()
            said = bytearray()
            while part := channel.read(65_536):
                said += part
        if b"ok refs/heads/main" not in said:
            raise RuntimeError(f"the floor's push failed: {bytes(said[-200:])!r}")
        self.tip = new
