"""What the tests of the sandbox start from: real repositories made by the real git program, and mail
clients."""

from __future__ import annotations

import hashlib
import json
import os
import smtplib
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSPHRASE = "correct horse battery staple"
MESSAGE = b"From: john@our.test\r\nTo: jane@ext.test\r\nSubject: Hello\r\n\r\nThe text.\r\n.dot\r\n"


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run the git program on a bare repository, without the configuration of whoever runs the tests."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@example.org",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@example.org",
    }
    done = subprocess.run(
        ["git", f"--git-dir={repository}", *arguments],
        input=stdin,
        capture_output=True,
        check=True,
        env=environment,
        timeout=30,
    )
    return done.stdout.decode().strip()


def entry(*targets: str, passphrase: str = PASSPHRASE) -> bytes:
    """The content of a user's file."""
    digest = hashlib.blake2b(passphrase.encode()).hexdigest()
    return json.dumps({"targets": targets, "password": digest}).encode()


class UserRepository:
    """A bare repository whose tip is replaced by `commit`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        git(path, "init", "--bare", "--quiet", "--initial-branch=main")

    def commit(self, files: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> str:
        """Make a commit with exactly these files (a name may be `folder/file`) and return its id."""
        head = "\n".join(
            ("commit refs/heads/main", "committer t <t@example.org> 1700000000 +0000", "data 1", "x")
        )
        stream = [head.encode(), b"\ndeleteall\n"]
        stored = [(name, b"100644", content) for name, content in files.items()]
        stored += [(name, b"120000", goal.encode()) for name, goal in (links or {}).items()]
        for name, mode, content in stored:
            quoted = json.dumps(name).encode() if '"' in name else name.encode()
            stream.append(b"M %s inline %s\ndata %d\n%s\n" % (mode, quoted, len(content), content))
        git(self.path, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return git(self.path, "rev-parse", "refs/heads/main")


@contextmanager
def submission_client(status: Mapping[str, Any], ca_file: Path) -> Iterator[smtplib.SMTP_SSL]:
    """A mail program connected to a submission server, its certificate verified."""
    context = ssl.create_default_context(cafile=str(ca_file))
    client = smtplib.SMTP_SSL(
        status["host"], status["port"], local_hostname="client.test", timeout=10, context=context
    )
    try:
        yield client
    finally:
        client.close()


def mx_client(status: Mapping[str, Any]) -> smtplib.SMTP:
    """Somebody else's mail server, connected to a relay."""
    return smtplib.SMTP(status["host"], status["port"], local_hostname="mx.ext.test", timeout=10)
