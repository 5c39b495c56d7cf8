"""A machine to prepare: namespaces with layers over /etc, /usr and /var/lib, so that real programs write
there and nothing stays. Only what would fetch packages or speak to systemd is a recording stand-in."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tenants.formats.sshkeys import new_ssh_key
from tests.bench.host_process import sshd_program

KEY = new_ssh_key("rookery-1")[1]
_APT = """#!/bin/sh
# Installs by a list; albatross and solo5 bring what the plan looks for.
set -eu
printf 'apt-get %s\\n' "$*" >>"$STATE/calls"
case "$*" in *update*) exit 0 ;; esac
[ ! -e "$STATE/broken" ] || { echo 'E: Unable to fetch some archives'; exit 100; }
for word; do
	case $word in -* | install | DPkg*) continue ;; esac
	echo "$word" >>"$STATE/packages"
	case $word in
	albatross) getent group albatross >/dev/null || groupadd albatross; touch "$STATE/unit" ;;
	sudo) mkdir -p /etc/sudoers.d ;;
	solo5) printf '#!/bin/sh\\necho "Solo5 v0.9.0"; echo "ABI version 2"\\n' >/usr/bin/solo5-hvt
		chmod 755 /usr/bin/solo5-hvt ;;
	esac
done
"""
_DPKG = """#!/bin/sh
shift 3
for word; do ! grep -qxF "$word" "$STATE/packages" || echo installed; done
"""
_SYSTEMCTL = """#!/bin/sh
case "$1 ${2-}" in
'cat albatross_daemon.service') [ -e "$STATE/unit" ]; exit ;;
'is-active systemd-networkd.service') cat "$STATE/networkd"; exit ;;
is-*) word=${1#is-}; grep -qxF "$word $2" "$STATE/units" && echo "$word" && exit 0
	echo "no $word"; exit 1 ;;
esac
printf 'systemctl %s\\n' "$*" >>"$STATE/calls"
case $1 in enable) echo "enabled $2" >>"$STATE/units" ;; start) echo "active $2" >>"$STATE/units" ;; esac
"""
_CURL = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
gpg --batch --armor --homedir "$STATE/keys" --export >"$2" 2>/dev/null
"""
_MOUNTS = """set -eu
mount -t tmpfs layers "$STATE/layers"
for path in etc usr var/lib; do
	over=$STATE/layers/$path
	mkdir -p "$over/new" "$over/work"
	mount -t overlay layer -o "lowerdir=/$path,upperdir=$over/new,workdir=$over/work" "/$path"
done
mount -t tmpfs home /home
mount -t tmpfs run /run
mkdir -p /run/systemd/system /run/sshd
cp "$STATE"/bin/* /usr/bin/
for name in apt-get dpkg-query systemctl curl; do sed -i "2i STATE=$STATE" "/usr/bin/$name"; done
rm -rf /etc/network/interfaces* /etc/systemd/network/*
mkdir -p /etc/network/interfaces.d
echo 'source /etc/network/interfaces.d/*' >/etc/network/interfaces
printf 'ID=debian\\nVERSION_ID="12"\\n' >/etc/os-release.new
rm -f /etc/os-release && mv /etc/os-release.new /etc/os-release
ip link set lo up
ip link add uplink type veth peer name wire
ip addr add 192.0.2.1/24 dev uplink
ip link set uplink up
ip route add default via 192.0.2.254
echo ready
exec sleep 600
"""


class Machine:
    """`state` is shared with the stand-ins: `calls` is what they were asked to change."""

    def __init__(self, folder: Path, *, networkd: bool = False) -> None:
        self.state = folder
        (folder / "layers").mkdir()
        (folder / "bin").mkdir()
        for name, text in {
            "apt-get": _APT,
            "dpkg-query": _DPKG,
            "systemctl": _SYSTEMCTL,
            "curl": _CURL,
        }.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        for name in ("calls", "packages", "units"):
            (folder / name).touch()
        (folder / "networkd").write_text("active\n" if networkd else "inactive\n")
        self.keeper = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", _MOUNTS],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "STATE": str(folder)},
        )
        assert self.keeper.stdout
        said = self.keeper.stdout.readline()
        if said != b"ready\n":
            self.close()
            raise AssertionError(said)

    def command(self, *words: str) -> list[str]:
        at = f"/proc/{self.keeper.pid}/ns"
        return ["nsenter", f"--mount={at}/mnt", f"--net={at}/net", "--", *words]

    def run(self, script: str, *, check: bool = True, **more: str) -> str:
        """What a script for root's shell says, stderr included."""
        done = subprocess.run(
            self.command("sh", "-s"),
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **more},
        )
        if check:
            assert done.returncode == 0, done.stdout
        else:
            assert done.returncode != 0, done.stdout
        return done.stdout

    @property
    def pid(self) -> int:
        return self.keeper.pid

    def serve(self, public_key: str) -> str:
        """Let a key in as root over a real sshd on port 22 of its loopback; returns the host's key."""
        program, key = sshd_program(), self.state / "host_key"
        assert program
        making = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(making, check=True, timeout=30)
        for account in ("root", "nobody", "plain-test"):
            self.run(f"echo '{public_key}' >/run/sshd/{account}")  # where it may read it
        (self.state / "config").write_text(
            f"Port 22\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile {self.state}/pid\nUsePAM no\n"
            f"AuthorizedKeysFile /run/sshd/%u\nStrictModes no\nMaxStartups 50\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        )
        self.run(f"{program} -f {self.state}/config -E {self.state}/log")
        return " ".join(key.with_suffix(".pub").read_text().split()[:2])

    def make_signing_key(self) -> str:
        """A key that signs packages; returns its fingerprint."""
        home = self.state / "keys"
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--batch", "--homedir", str(home)]
        made = [*gpg, "--passphrase", "", "--quick-gen-key", "packages", "ed25519", "sign", "never"]
        subprocess.run(made, check=True, capture_output=True, timeout=60)
        told = subprocess.run([*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True)
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, timeout=30)
        [line] = [each for each in told.stdout.decode().splitlines() if each.startswith("fpr")]
        return line.split(":")[9]

    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()

    def snapshot(self) -> str:
        """Everything that a second run must not change, times of change included."""
        return self.run(
            "cd /; find etc usr/local usr/share/keyrings home var/lib/rookery-firewall -xdev"
            " -printf '%p %m %u %T@ %s\\n' | sort; ip -o -4 addr; ip -o link | sed 's/ qdisc.*//'"
        ) + "".join(self.calls())

    def close(self) -> None:
        if (self.state / "pid").exists():
            os.kill(int((self.state / "pid").read_text()), signal.SIGKILL)
        os.kill(self.keeper.pid, signal.SIGKILL)
        self.keeper.wait(10)
        assert self.keeper.stdout
        self.keeper.stdout.close()
