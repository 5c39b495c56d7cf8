"""The installation's two secrets that exist before any database: made once, readable by their owner only.

`web.secret` signs sessions and links. The workers' key pair opens what the web process seals
(`tenants.secrets`); in production the private half is given to workers only.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from nacl.public import PrivateKey


def write_once(path: Path, content: str) -> str:
    """Write `content` to `path` (mode 0600) unless the file exists; return what the file says.

    Two processes that start together agree: the second reads what the first linked into place.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def read_or_make_web_secret(folder: Path) -> str:
    return write_once(folder / "web.secret", secrets.token_urlsafe(48))


def read_or_make_workers_pair(folder: Path) -> str:
    """Return the workers' public key (base64), making the pair first where there is none."""
    public = folder / "workers.pub"
    if public.exists():
        return public.read_text().strip()
    private = write_once(
        folder / "workers.key", base64.b64encode(bytes(PrivateKey.generate())).decode("ascii")
    )
    return write_once(public, public_half(private))


def public_half(private: str) -> str:
    """The base64 public key that belongs to a base64 private one."""
    key = PrivateKey(base64.b64decode(private))
    return base64.b64encode(bytes(key.public_key)).decode("ascii")
