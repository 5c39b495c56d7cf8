"""The installation's two secrets that exist before any database, in files that their owner alone can read.

`web.secret` signs sessions and links. The workers' key pair opens what the web process seals
(`tenants.secrets`); in production the private half is given to workers only.

A file begins with the key in use. After a renewal the former ones stand below it until they are retired: what
they signed is still believed, what was sealed to them can still be opened.

`python -m tenants.keys FOLDER` makes all three files before anything else of Rookery runs;
`python -m tenants.keys --backup FILE` makes the key that opens backups.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

from nacl.public import PrivateKey

WEB, PRIVATE, PUBLIC = "web.secret", "workers.key", "workers.pub"
_MARKS = "marks="


@dataclass(frozen=True)
class WorkersKeys:
    """The private keys of workers, base64 each: the one in use, and former ones that can still open.

    `marks` is what workers tell equal from different by (`Opener.mark`). It stays when the key is renewed:
    marks in the database are compared with new ones.
    """

    current: str = field(repr=False)
    former: tuple[str, ...] = field(default=(), repr=False)
    marks: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.current and not self.marks:
            digest = hashlib.blake2b(
                base64.b64decode(self.current), person=b"rookery-marks", digest_size=32
            ).digest()
            object.__setattr__(self, "marks", base64.b64encode(digest).decode("ascii"))

    @classmethod
    def read(cls, text: str) -> WorkersKeys:
        """What a key file says; raises ValueError for anything else, without repeating it."""
        words = text.split()
        marks = [word.removeprefix(_MARKS) for word in words if word.startswith(_MARKS)]
        private = [word for word in words if not word.startswith(_MARKS)]
        if len(marks) > 1 or (marks and not private) or not all(map(is_key, [*private, *marks])):
            raise ValueError("this is no key of workers")
        if not private:
            return cls("")
        return cls(private[0], tuple(private[1:]), marks[0] if marks else "")

    def text(self) -> str:
        return "\n".join([self.current, *self.former, _MARKS + self.marks])

    def renewed(self) -> WorkersKeys:
        """With a new key in use; the others can still open."""
        return WorkersKeys(new_private(), (self.current, *self.former), self.marks)

    def retired(self) -> WorkersKeys:
        """Without the former keys."""
        return WorkersKeys(self.current, (), self.marks)

    def public_halves(self) -> list[str]:
        return [public_half(each) for each in (self.current, *self.former) if each]


def write_once(path: Path, content: str) -> str:
    """Write `content` to `path` (mode 0600) unless the file exists; return what the file says.

    Two processes that start together agree: the second reads what the first linked into place.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = _draft(path, content)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def replace(path: Path, content: str) -> None:
    """Put `content` in the place of what the file says, at once or not at all (mode 0600)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _draft(path, content).replace(path)


def _draft(path: Path, content: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


def new_web_secret() -> str:
    return secrets.token_urlsafe(48)


def read_or_make_web_secret(folder: Path) -> str:
    return write_once(folder / WEB, new_web_secret())


def read_or_make_workers_pair(folder: Path) -> str:
    """Return the workers' public key (base64), making the pair first where there is none."""
    public = folder / PUBLIC
    if public.exists():
        return public.read_text().strip()
    private = write_once(folder / PRIVATE, new_private())
    return write_once(public, public_half(WorkersKeys.read(private).current))


def public_half(private: str) -> str:
    """The base64 public key that belongs to a base64 private one."""
    key = PrivateKey(base64.b64decode(private))
    return base64.b64encode(bytes(key.public_key)).decode("ascii")


def new_private() -> str:
    return base64.b64encode(bytes(PrivateKey.generate())).decode("ascii")


def is_key(word: str) -> bool:
    """32 bytes in base64."""
    try:
        return len(base64.b64decode(word, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def make_backup_key(path: Path) -> str:
    """Write a key that opens backups; returns what they are sealed to. Raises FileExistsError."""
    if path.exists():
        raise FileExistsError(path)
    return public_half(write_once(path, new_private()))


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--backup":
        sys.stdout.write(f"ROOKERY_BACKUP_KEY={make_backup_key(Path(sys.argv[2]))}\n")
        return
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("Name the folder that the keys go to: python -m tenants.keys FOLDER")
    folder = Path(sys.argv[1])
    read_or_make_web_secret(folder)
    read_or_make_workers_pair(folder)
    sys.stdout.write(
        f"{folder / WEB}: for web processes, workers, beat and watch\n"
        f"{folder / PRIVATE}: for workers and watch only; keep a copy where backups are not\n"
        f"{folder / PUBLIC}: for all\n"
    )


if __name__ == "__main__":
    main()
