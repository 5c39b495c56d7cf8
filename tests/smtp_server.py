"""A mail server for tests: it takes everything and keeps it, or answers whatever a test wants."""

from __future__ import annotations

import email
import email.policy
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class SmtpServer:
    """Speaks as much SMTP as a client needs. A context manager.

    `answers` has other replies by verb; "greeting" and "end" (of the text) count as verbs.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.heard: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def letters(self) -> list[tuple[str, str]]:
        """Recipient and text of every mail that was taken to its end."""
        parsed: list[Any] = [
            email.message_from_string(text, policy=email.policy.default)
            for text in self.heard
            if "\n" in text
        ]
        return [(str(letter["To"]), letter.get_content()) for letter in parsed]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rwb", buffering=0) as stream, suppress(OSError):
            self._talk(stream)

    def _talk(self, stream: Any) -> None:
        stream.write(f"{self.answers.get('greeting', '220 ready')}\r\n".encode())
        usual = {"DATA": "354 go on", "QUIT": "221 bye"}
        while line := stream.readline().decode().strip():
            self.heard.append(line)
            verb = line.split()[0].upper()
            answer = self.answers.get(verb, usual.get(verb, "250 fine"))
            stream.write(f"{answer}\r\n".encode())
            if answer.startswith("354"):
                text = b"".join(iter(stream.readline, b".\r\n"))
                self.heard.append(text.decode())
                stream.write(f"{self.answers.get('end', '250 kept')}\r\n".encode())

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
