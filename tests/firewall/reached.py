"""A host in a network namespace with a real sshd, its helper, and a worker in another one."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tenants.formats.firewall.helper import helper_text
from tests.bench.host_process import sshd_program
from tests.firewall.conftest import Iptables, Namespace
from workers import ssh

ADDRESS, WORKER = "192.0.2.1", "192.0.2.100"
_CLONE_NEWNET = 0x40000000


def dialing(namespace: Namespace) -> Callable[[str, int, float], socket.socket]:
    """Connect from inside: a socket belongs to the namespace of the thread that makes it."""

    def dial(host: str, port: int, timeout: float) -> socket.socket:
        found: list[socket.socket | OSError] = []

        def make() -> None:
            there = os.open(f"/proc/{namespace.pid}/ns/net", os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(there, _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                found.append(socket.create_connection((host, port), timeout))
            except OSError as error:
                found.append(error)
            finally:
                os.close(there)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join(timeout + 5)
        [answer] = found
        if isinstance(answer, OSError):
            raise answer
        return answer

    return dial


class ReachedHost:
    """The helper keeps its files in the folder, as a real one does below /var/lib and /run."""

    def __init__(self, new: Callable[[], Namespace], folder: Path, back_end: str, public_key: str) -> None:
        self.namespace, self.worker, self.folder = new(), new(), folder
        self.iptables = Iptables(self.namespace, back_end)
        self._join()
        text = helper_text().replace("/var/lib/rookery-firewall", f"{folder}/kept")
        self.helper = folder / "rookery-firewall"
        self.helper.write_text(text.replace("/run/rookery-firewall", f"{folder}/state"))
        self.helper.chmod(0o755)
        self.pool = ssh.ConnectionPool(dialer=dialing(self.worker))
        self._serve(public_key)

    def _join(self) -> None:
        ends = f"netns {self.namespace.pid} type veth peer name eth0 netns {self.worker.pid}"
        subprocess.run(["ip", "link", "add", "uplink", *ends.split()], check=True, timeout=20)
        for where, name, address in (
            (self.namespace, "uplink", ADDRESS),
            (self.worker, "eth0", WORKER),
        ):
            for words in (f"addr add {address}/24 dev {name}", f"link set {name} up", "link set lo up"):
                where.run("ip", *words.split())

    def _serve(self, public_key: str) -> None:
        program, key = sshd_program(), self.folder / "host_key"
        assert program
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=30
        )
        (self.folder / "authorized_keys").write_text(public_key)
        (self.folder / "config").write_text(
            f"Port 22\nListenAddress 0.0.0.0\nHostKey {key}\nPidFile {self.folder}/pid\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nMaxStartups 50\n"
            f"PasswordAuthentication no\nPermitRootLogin prohibit-password\nSetEnv HOME={self.folder}\n"
        )
        words = self.namespace.command(
            program, "-D", "-f", f"{self.folder}/config", "-E", f"{self.folder}/log"
        )
        self.server = subprocess.Popen(words)
        kind, code = key.with_suffix(".pub").read_text().split()[:2]
        self.key = f"{kind} {code}"
        end = time.monotonic() + 5
        while not self.answers():
            assert time.monotonic() < end, "sshd did not start"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether a new connection can be made to its sshd."""
        try:
            dialing(self.worker)(ADDRESS, 22, 0.4).close()
        except OSError:
            return False
        return True

    def run_helper(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return self.namespace.run(str(self.helper), *words, given=given, check=False)

    def reboot(self) -> None:
        """All rules are gone, then what is kept comes back."""
        self.namespace.run(
            "sh", "-c", f"{self.iptables.program}-restore", given="*filter\nCOMMIT\n*nat\nCOMMIT\n"
        )
        for table in ("filter", "nat"):
            self.iptables("-t", table, "-F")
            self.iptables("-t", table, "-X")
        assert "ROOKERY" not in self.iptables.save()
        assert self.run_helper("boot").returncode == 0

    def close(self) -> None:
        self.pool.close()
        self.server.kill()
        self.server.wait(10)
