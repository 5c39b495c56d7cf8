"""The connections that the forwarded ports carry, told as a host's connection tracking tells its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from workers.sandbox.stack.nat import Door

__all__ = ["Standing"]


@dataclass
class Standing:
    """Those that stand, by any key. They are written to `path` now and then, not at each one that begins."""

    path: Path
    _lines: dict[object, str] = field(default_factory=dict)
    _written: str | None = None

    def begins(self, key: object, client: tuple[str, int], door: Door, server: tuple[str, int]) -> None:
        """From a client to a forwarded port, whose connections the private `server` gets."""
        (source, port), (public, protocol, asked) = client, door
        self._lines[key] = (
            f"{protocol} 6 431999 ESTABLISHED src={source} dst={public} sport={port} dport={asked}"
            f" src={server[0]} dst={source} sport={server[1]} dport={port} [ASSURED] mark=0 use=1"
        )

    def ends(self, key: object) -> None:
        self._lines.pop(key, None)

    def tell(self) -> None:
        """Write them whole, if they are others than before."""
        text = "".join(f"{line}\n" for line in self._lines.values())
        if text != self._written:
            # The sandbox's parts start in any order.
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".draft")
            draft.write_text(text)
            draft.replace(self.path)
            self._written = text
