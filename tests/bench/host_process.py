"""A git host in a process of its own, so that it does not share our interpreter.

`python -m tests.bench.host_process KIND FOLDER [--git-only]` prints one JSON line that says where it
listens, then obeys lines on stdin: `authorize KEY`, `count`. It ends, with all its children, when stdin ends:
so it never outlives the bench, however that ends. KIND is `openssh` (a real sshd, run as the user that runs
this) or `python` (the sandbox's server around the real git programs).
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Protocol

import paramiko

from workers.sandbox import git_host

START_SECONDS = 5.0


class Host(Protocol):
    def start(self) -> dict[str, object]: ...
    def authorize(self, public_line: str) -> None: ...
    def count(self) -> int: ...
    def stop(self) -> None: ...


class _Counting(git_host.GitHost):
    """Counts the commands that were started."""

    commands = 0


class _CountingSession(git_host.Session):
    def start(self, channel: paramiko.Channel, command: str) -> None:
        _Counting.commands += 1
        super().start(channel, command)


class PythonHost:
    def __init__(self, folder: Path, *, git_only: bool) -> None:
        git_host.Session = _CountingSession  # type: ignore[misc] # this process serves nothing else
        self._host = _Counting(folder, "127.0.0.1", shell=not git_only)

    def start(self) -> dict[str, object]:
        self._host.start()
        return {"port": self._host.port, "key": self._host.public_key, "user": "git", "prefix": ""}

    def authorize(self, public_line: str) -> None:
        self._host.authorize(public_line)

    def count(self) -> int:
        return _Counting.commands

    def stop(self) -> None:
        self._host.stop()


class OpenSshHost:
    """sshd on a free port, with its keys and its log beside the repositories."""

    def __init__(self, folder: Path, *, git_only: bool) -> None:
        self._home = folder.with_name(f"{folder.name}-sshd-{'git' if git_only else 'shell'}")
        self._folder, self._git_only = folder, git_only
        self._log = self._home / "log"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, object]:
        program = sshd_program()
        if program is None:
            raise RuntimeError("there is no sshd")
        self._home.mkdir(mode=0o700)
        key = self._home / "host_key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30
        )
        (self._home / "authorized_keys").touch(mode=0o600)
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self._home / "config").write_text(self._configuration(port, key))
        self._server = subprocess.Popen(
            [program, "-D", "-f", str(self._home / "config"), "-E", str(self._log)], start_new_session=True
        )
        self._wait_for(port)
        kind, code = key.with_suffix(".pub").read_text().split()[:2]
        return {
            "port": port,
            "key": f"{kind} {code}",
            "user": getpass.getuser(),
            "prefix": f"{self._folder}/",
        }

    def _configuration(self, port: int, key: Path) -> str:
        lines = [
            f"Port {port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {key}",
            f"AuthorizedKeysFile {self._home / 'authorized_keys'}",
            f"PidFile {self._home / 'pid'}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin prohibit-password",
            "MaxStartups 50",
            "LogLevel VERBOSE",
            # No start-up file of a shell and no configuration of git: those of this machine measure nothing.
            f"SetEnv HOME={self._home}",
        ]
        if self._git_only:
            lines.append('ForceCommand git-shell -c "$SSH_ORIGINAL_COMMAND"')
        return "\n".join(lines) + "\n"

    def _wait_for(self, port: int) -> None:
        assert self._server is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._server.poll() is not None:
                raise RuntimeError(f"sshd ended: {self._log.read_text().strip()[-300:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("sshd did not start in time")

    def authorize(self, public_line: str) -> None:
        with (self._home / "authorized_keys").open("a") as file:
            file.write(public_line.strip() + "\n")

    def count(self) -> int:
        return self._log.read_text().count("Starting session: ")

    def stop(self) -> None:
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()


def sshd_program() -> str | None:
    """sshd's path (it insists on an absolute one), or None where it is not installed."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _answer(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["openssh", "python"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--git-only", action="store_true")
    wish = parser.parse_args()
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # clients that hang up are nothing to tell
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bench; it closes our stdin
    kind = OpenSshHost if wish.kind == "openssh" else PythonHost
    host: Host = kind(wish.folder, git_only=wish.git_only)
    try:
        _answer(host.start())
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "authorize":
                host.authorize(rest)
            _answer(host.count())
    except RuntimeError as error:
        _answer({"problem": str(error)})
    finally:
        host.stop()


if __name__ == "__main__":
    main()
