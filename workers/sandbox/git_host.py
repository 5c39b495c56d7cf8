"""A git host for the sandbox: a real SSH server around the real git programs, on a loopback address.

Only `git-upload-pack` and `git-receive-pack` run, on repositories inside one folder, for keys that were
authorized; with `shell` a command line runs in a plain POSIX shell too, as on a host of one's own. A key with
`command="…"` in its line gets that and nothing else, as from sshd. `Fault` makes it misbehave for tests.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import paramiko

from tenants import keys
from tenants.formats.sshkeys import new_ssh_key
from workers.repository.mirror import git_environment
from workers.sandbox.authorized_keys import Grant, read_grants
from workers.sandbox.git_session import Session
from workers.sandbox.listener import loopback

CONNECTIONS_AT_MOST = 64


@dataclass
class Fault:
    """How to misbehave. `after` counts bytes that the client sent to the program."""

    refuse_keys: bool = False
    cut_after: int | None = None
    hang_after: int | None = None
    cut_before_answer: bool = False


class GitHost:
    """Start it and it serves until `stop`; no child process outlives it. Also a context manager."""

    def __init__(self, folder: Path, host: str, port: int = 0, *, shell: bool = False) -> None:
        self.folder = folder
        self.shell = shell
        self.fault = Fault()
        self.commands_at_most = 100
        self.ask: Callable[[], None] = lambda: None
        """Called for a key or a repository that is not known yet: whoever adds them may do it now."""
        self.reach: Callable[[str, int], tuple[str, int] | None] | None = None
        """Where an address and port are that a client wants to be led to; None forwards nothing."""
        self._host = loopback(host)
        self._wanted_port = port
        self._listener: socket.socket | None = None
        self._connections: set[Session] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = self._read_or_make_key()

    # identity -------------------------------------------------------------------------------------

    def _key_file(self) -> Path:
        return self.folder / ".ssh_host_ed25519_key"

    def _read_or_make_key(self) -> paramiko.Ed25519Key:
        path = self._key_file()
        if not path.exists():
            keys.write_once(path, new_ssh_key("git host of the sandbox")[0])
        return paramiko.Ed25519Key.from_private_key_file(str(path))

    def change_host_key(self) -> None:
        """As if somebody had set the machine up again."""
        self._key_file().unlink()
        self._key = self._read_or_make_key()
        self.drop_connections()

    @property
    def host(self) -> str:
        return self._host

    @property
    def port(self) -> int:
        if self._listener is None:
            raise RuntimeError("the git host is not started")
        return int(self._listener.getsockname()[1])

    @property
    def public_key(self) -> str:
        return f"{self._key.get_name()} {self._key.get_base64()}"

    @property
    def host_key(self) -> paramiko.PKey:
        return self._key

    # the administrator's side ---------------------------------------------------------------------

    @property
    def _keys_file(self) -> Path:
        return self.folder / ".ssh" / "authorized_keys"

    def authorize(self, line: str) -> None:
        """Add a public key, or a whole line of authorized_keys; a key that is there already keeps what it
        may do."""
        if not read_grants(line).keys() <= self.grants().keys():
            self._keys_file.parent.mkdir(mode=0o700, exist_ok=True)
            with self._keys_file.open("a") as file:
                file.write(line.strip() + "\n")

    def granted(self, key: str) -> Grant | None:
        """What a key (`kind blob`) may do, after its administrator was asked about one that is not known."""
        if key not in self.grants():
            self.ask()
        return self.grants().get(key)

    def grants(self) -> Mapping[str, Grant]:
        """As the file says now: Rookery writes it, too."""
        return read_grants(self._keys_file.read_text()) if self._keys_file.exists() else {}

    def create_repository(self, name: str, branch: str = "main") -> Path:
        """A bare repository that refuses rewritten history; the same again changes nothing."""
        path = self.resolve(name)
        if path is None:
            raise ValueError(f"{name!r} is not inside the git host's folder")
        if not (path / "HEAD").exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            for words in (
                ["init", "--quiet", "--bare", f"--initial-branch={branch}", str(path)],
                ["-C", str(path), "config", "receive.denyNonFastForwards", "true"],
            ):
                subprocess.run(["git", *words], env=git_environment(), check=True, timeout=30)  # noqa: S603, S607
        return path

    def repository(self, name: str) -> Path | None:
        """One that exists, after its administrator was asked about one that is not known."""
        path = self.resolve(name)
        if path is not None and not (path / "HEAD").exists():
            self.ask()
        return path if path is not None and (path / "HEAD").exists() else None

    def resolve(self, name: str) -> Path | None:
        """The repository that a client means, or None outside our folder."""
        path = (self.folder / name.lstrip("/")).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path != self.folder.resolve() else None

    # life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._wanted_port))
            listener.listen(32)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._stopping.clear()
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="git-host").start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if len(self._connections) >= CONNECTIONS_AT_MOST:
                    client.close()
                    continue
                session = Session(self, client)
                self._connections.add(session)
            threading.Thread(target=self._serve, args=(session,), daemon=True, name="git-session").start()

    def _serve(self, session: Session) -> None:
        try:
            session.serve()
        finally:
            session.close()
            with self._lock:
                self._connections.discard(session)

    def drop_connections(self) -> None:
        """Hang up on everybody, as a reboot does."""
        with self._lock:
            sessions = list(self._connections)
        for session in sessions:
            session.close()

    def stop(self) -> None:
        """Stop listening, hang up, end every child. May be called twice."""
        self._stopping.set()
        if self._listener is not None:
            # Closing alone does not wake a thread that waits in accept().
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
