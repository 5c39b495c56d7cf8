"""The scripts of bin/ on machines that lack something, and in folders with spaces in their names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What the scripts may take for granted on any Debian.
TOOLS = ("cat", "date", "dirname", "flock", "grep", "ls", "mktemp", "rm", "sed", "sh", "tail")
MANAGE = "import os, sys; print('up', *sys.argv[1:], os.environ['ROOKERY_DATA'], os.getcwd(), sep='|')\n"


@dataclass
class Machine:
    """A copy of the scripts, and a PATH that holds only what a test puts there."""

    folder: Path
    programs: Path = field(init=False)

    def __post_init__(self) -> None:
        self.project = self.folder / "my work" / "rookery"
        shutil.copytree(ROOT / "bin", self.project / "bin")
        (self.project / "requirements").mkdir()
        shutil.copy(ROOT / "requirements" / "debian", self.project / "requirements")
        for layer in ("runtime", "test", "dev"):
            (self.project / "requirements" / f"{layer}.txt").write_text("# nothing\n")
        (self.project / "manage.py").write_text(MANAGE)
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name in (*TOOLS, "git"):
            self.add(name, f'exec {shutil.which(name)} "$@"')
        self.add("id", "echo 1000")
        # Outside of any environment, as the Python of a person would be.
        self.add("python3", f'exec {sys.base_prefix}/bin/python3 "$@"')

    def add(self, name: str, line: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def remove(self, name: str) -> None:
        (self.programs / name).unlink()

    def run(self, script: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        return subprocess.run(
            [self.project / "bin" / script, *words],
            cwd=self.folder,
            env={**kept, "PATH": str(self.programs), "HOME": str(self.folder), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_demo_prepares_itself_once_and_starts(machine: Machine) -> None:
    if uv := shutil.which("uv"):
        machine.add("uv", f'exec {uv} "$@"')
    first = machine.run("demo", "--no-sandbox", ROOKERY_DATA="my data")
    started = f"up|up|--no-sandbox|{machine.folder}/my data|{machine.project}"
    assert first.stdout.splitlines()[-1] == started, first.stderr
    assert "Installing the locked packages (runtime)" in first.stdout

    again = machine.run("demo", "--no-sandbox", ROOKERY_DATA="my data")
    assert (again.stdout.strip(), again.returncode) == (started, 0)


def imitate_installation(machine: Machine) -> Path:
    """Environments that cost nothing: pip logs its words in the file returned; fails if `broken` exists."""
    log = machine.folder / "pip.log"
    inside = (
        f"""case "$*" in *"-m pip"*) echo "$*" >>"{log}"; [ ! -e "{machine.folder}/broken" ]; exit ;; esac"""
    )
    python = f"{sys.base_prefix}/bin/python3"
    (machine.folder / "inside").write_text(f'#!/bin/sh\n{inside}\nexec {python} "$@"\n')
    (machine.folder / "inside").chmod(0o755)
    make = f"""for venv do :; done; {shutil.which("rm")} -rf "$venv"; {shutil.which("mkdir")} -p "$venv/bin"
        echo >"$venv/pyvenv.cfg"; exec {shutil.which("cp")} "{machine.folder}/inside" "$venv/bin/python" """
    machine.add("python3", f'case "$*" in "-m venv"*) {make} ;; esac; exec {python} "$@"')
    # Whether this Python has a pip must not matter.
    (machine.folder / "lib" / "pip").mkdir(parents=True)
    (machine.folder / "lib" / "pip" / "__init__.py").touch()
    return log


def test_layers_are_added_and_a_changed_lock_starts_clean(machine: Machine) -> None:
    log = imitate_installation(machine)
    elsewhere = {
        "PYTHONPATH": str(machine.folder / "lib"),
        "ROOKERY_DATA": "data",
        "ROOKERY_VENV": "an environment",
    }
    venv = machine.folder / "an environment"
    for _ in range(2):
        assert machine.run("demo", **elsewhere).returncode == 0
    machine.run("bench", **elsewhere)
    (venv / "left-over").touch()
    installs = [line.partition("--require-hashes ")[2] for line in log.read_text().splitlines()]
    assert installs == ["-r requirements/runtime.txt", "-r requirements/test.txt"]

    (machine.project / "requirements" / "runtime.txt").write_text("# another lock\n")
    assert machine.run("demo", **elsewhere).returncode == 0
    assert len(log.read_text().splitlines()) == 3
    assert not (venv / "left-over").exists()


def test_a_failed_installation_is_said_and_tried_again(machine: Machine) -> None:
    log = imitate_installation(machine)
    elsewhere = {"PYTHONPATH": str(machine.folder / "lib"), "ROOKERY_DATA": "data"}
    (machine.folder / "broken").touch()
    for attempt in (1, 2):
        failed = machine.run("demo", **elsewhere)
        assert failed.returncode == 1
        assert "The packages could not be installed" in failed.stderr
        assert "up|" not in failed.stdout
        assert len(log.read_text().splitlines()) == attempt
    (machine.folder / "broken").unlink()
    assert machine.run("demo", **elsewhere).returncode == 0


def test_without_git_the_fix_is_named(machine: Machine) -> None:
    machine.remove("git")
    done = machine.run("demo")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "On Debian: sudo apt install git"


def test_root_is_not_told_to_use_sudo(machine: Machine) -> None:
    machine.remove("git")
    machine.add("id", "echo 0")
    assert machine.run("demo").stderr.splitlines()[-1] == "On Debian: apt install git"


def test_without_a_new_enough_python_the_fix_is_named(machine: Machine) -> None:
    # A launcher that knows the name but has no such Python, and a Python that is too old.
    machine.add("python3.11", "exit 127")
    machine.add("python3", "exit 1")
    done = machine.run("demo")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "sudo apt install python3 python3-venv" in done.stderr
    assert not (machine.project / ".venv").exists()


def test_without_debians_venv_package_the_fix_is_named(machine: Machine) -> None:
    machine.add(
        "python3", f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {sys.base_prefix}/bin/python3 "$@"'
    )
    done = machine.run("demo")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "On Debian: sudo apt install python3-venv"


def test_a_folder_that_is_no_environment_is_left_alone(machine: Machine) -> None:
    precious = machine.folder / "photos" / "cat.png"
    precious.parent.mkdir()
    precious.touch()
    done = machine.run("demo", ROOKERY_VENV="photos")
    assert done.returncode == 1
    assert "left alone" in done.stderr
    assert precious.exists()


def test_all_without_root_names_the_missing_packages(machine: Machine) -> None:
    machine.add("dpkg-query", 'case "$*" in *chromium* | *iptables*) exit 1 ;; esac; echo "ii "')
    done = machine.run("test", "--all")
    assert done.returncode == 1
    fix = "    sudo apt-get update && sudo apt-get install --no-install-recommends chromium iptables "
    assert fix in done.stderr.splitlines()


def test_all_on_another_system_lists_what_it_needs(machine: Machine) -> None:
    done = machine.run("test", "--all")
    assert done.returncode == 1
    assert "this is no Debian" in done.stderr
    assert "chromium" in done.stderr
