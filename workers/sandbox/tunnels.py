"""Ports that a client of the sandbox's git host is led to through its SSH connection (`direct-tcpip`)."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

import paramiko

from workers.sandbox.listener import loopback

__all__ = ["Tunnels"]

_CONNECT_SECONDS, _SILENT_SECONDS = 2.0, 120.0
_MOST = 20
_CHUNK = 65_536


class Tunnels:
    """Those of one client."""

    def __init__(self) -> None:
        self._opened: dict[int, socket.socket] = {}
        self._lock = threading.Lock()

    def open(self, channel: int, place: tuple[str, int]) -> bool:
        """Connect for a channel that is about to be opened; False where nobody listens, or for too many."""
        with self._lock:
            if len(self._opened) >= _MOST:
                return False
            try:
                self._opened[channel] = socket.create_connection(
                    (loopback(place[0]), place[1]), _CONNECT_SECONDS
                )
            except OSError:
                return False
        return True

    def take(self, channel: paramiko.Channel) -> None:
        """Join an opened channel with its connection; others are left alone."""
        there = self._opened.get(channel.get_id())
        if there is not None:
            threading.Thread(target=self._join, args=(channel, there), daemon=True, name="git-tunnel").start()

    def close(self) -> None:
        """Cut all."""
        with self._lock:
            for there in self._opened.values():
                with suppress(OSError):
                    there.shutdown(socket.SHUT_RDWR)

    def _join(self, channel: paramiko.Channel, there: socket.socket) -> None:
        with suppress(OSError, EOFError, ValueError, paramiko.SSHException):
            asked, answered = channel.fileno(), there.fileno()
            while ready := select.select([asked, answered], [], [], _SILENT_SECONDS)[0]:
                if asked in ready and not _moved(channel, there):
                    break
                if answered in ready and not _moved(there, channel):
                    break
        with suppress(OSError, EOFError, paramiko.SSHException):
            channel.close()
        there.close()
        with self._lock:
            self._opened.pop(channel.get_id(), None)


def _moved(source: paramiko.Channel | socket.socket, goal: paramiko.Channel | socket.socket) -> bool:
    data = source.recv(_CHUNK)
    goal.sendall(data)
    return bool(data)
