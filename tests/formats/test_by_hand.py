"""The same by hand: what a person pastes does what Rookery does, and nothing from outside is run."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.formats.by_hand import albatross, git
from tenants.formats.by_hand.albatross import Version
from tenants.formats.by_hand.dkim import signing_key_commands
from tenants.formats.by_hand.machine import image_commands
from tenants.formats.by_hand.relay import remove_address, write_address
from tenants.formats.by_hand.shell import Secret, block, comment, line, quote
from tenants.formats.git_access import git_only_line
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry, emit
from tenants.formats.solo5_image import Solo5Image
from tenants.formats.text import FormatError
from tenants.formats.unikernels import WantedPolicy, WantedUnikernel
from workers.relay.decide import Sides, decide

HASH = hashlib.blake2b(b"correct horse").hexdigest()
HOSTILE = "$(touch owned) `touch owned` ; touch owned\n' \" \\ %s & | > owned \x1b[2J \u202e \udcff é\n\n"


def run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Ada", f"GIT_{who}_EMAIL": "ada@example.org"}
    done = subprocess.run(
        ["sh"],
        input=script.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=60,
        check=False,
        env=environment | more,
        cwd=folder,
    )
    said = (each.decode("utf-8", "surrogateescape") for each in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, *said)


# Quoting ----------------------------------------------------------------------------------------------


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=20))
@settings(max_examples=25)
def test_a_shell_reads_every_text_as_it_is(texts: list[str]) -> None:
    texts.append(HOSTILE)
    printed = run(line(["printf", "%s\\0", *texts]), Path("/")).stdout
    assert printed == "".join(f"{text}\0" for text in texts)
    shown = line(texts)
    assert all(each.isprintable() or each == "\n" for each in shown)


def test_no_word_holds_a_nul_and_no_comment_ends_early() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
    assert comment("a\nb\r\x1bc") == "# a\n# b??c"


def test_a_block_stops_at_the_first_failure_and_asks_for_its_secrets_first(tmp_path: Path) -> None:
    lines = block("touch begun", "false", "touch ended", secrets=[Secret("HASH", "look\nthere")])
    assert run(lines, tmp_path).returncode != 0
    assert list(tmp_path.iterdir()) == []
    done = run(f"{lines}\necho after", tmp_path, HASH="x")
    assert done.stdout == "after\n"
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


# relay.git --------------------------------------------------------------------------------------------


@pytest.fixture
def relay(tmp_path: Path) -> Path:
    """A bare repository on the branch main, with one address of somebody else."""
    bare = tmp_path / "relay.git"
    stream = (
        "commit refs/heads/main\ncommitter x <x@y> 1700000000 +0000\ndata 1\nx\n"
        "M 100644 inline other\ndata 2\n{}\n"
    )
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True, timeout=30)
    subprocess.run(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet"], input=stream.encode(), check=True, timeout=30
    )
    return bare


def read(bare: Path) -> dict[bytes, bytes]:
    def git_(*words: str) -> bytes:
        return subprocess.run(
            ["git", f"--git-dir={bare}", *words], capture_output=True, check=True, timeout=30
        ).stdout

    names = git_("ls-tree", "-z", "--name-only", "main").split(b"\0")[:-1]
    return {name: git_("cat-file", "blob", f"main:{name.decode()}") for name in names}


def test_written_addresses_are_what_rookery_wants_and_removed_ones_too(relay: Path, tmp_path: Path) -> None:
    targets = ("ada@home.example", "a.b+'c$d`e@work.example")
    names = ["ada", "-n", "o'hara", "a$x", "--force"]
    entries = {
        name.encode(): RelayEntry(targets, HASH if index % 2 else NO_LOGIN)
        for index, name in enumerate(names)
    }
    for name, entry in entries.items():
        login = entry.password == HASH
        address = f"{name.decode()}@example.org"
        written = write_address(str(relay), "main", address, targets, login=login)
        assert ("HASH" in written) is login
        assert HASH not in written
        assert run(written, tmp_path, HASH=HASH).returncode == 0
    assert read(relay) == {b"other": b"{}"} | {name: emit(entry) for name, entry in entries.items()}
    assert nothing_left(relay, entries)

    # Twice does no harm, and the way back leaves nothing.
    assert run(written, tmp_path, HASH=HASH).returncode == 0
    for gone in ("--force", "--force", "-n"):
        assert run(remove_address(str(relay), "main", f"{gone}@example.org"), tmp_path).returncode == 0
        entries.pop(gone.encode(), None)
    assert read(relay).keys() == {b"other", *entries}
    assert nothing_left(relay, entries, absent=frozenset({b"--force", b"-n"}))


def nothing_left(
    relay: Path, entries: dict[bytes, RelayEntry], absent: frozenset[bytes] = frozenset()
) -> bool:
    """Rookery's own decision about what is in the repository now."""
    found = read(relay)
    ids = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    decision = decide(
        [*entries, *absent],
        entries=entries,
        absent=absent,
        observed=Sides(ids, {each: found[name] for name, each in ids.items()}.__getitem__),
        base=Sides({}, lambda _: b""),
        may_overwrite=lambda name, outside: False,
        own_domain="example.org",
    )
    return not decision.changes and not decision.apart


def test_without_the_hash_nothing_is_written(relay: Path, tmp_path: Path) -> None:
    written = write_address(str(relay), "main", "ada@example.org", ["ada@home.example"], login=True)
    assert "HASH" in run(written, tmp_path).stderr
    assert read(relay) == {b"other": b"{}"}
    made = run("printf %s 'correct horse' | b2sum | cut -d' ' -f1", tmp_path).stdout.strip()
    assert made == HASH
    with pytest.raises(FormatError):
        write_address(str(relay), "main", "ada@example.org", ["ada@under_score.example"], login=True)


# Git hosts --------------------------------------------------------------------------------------------


def test_a_git_host_is_set_up_and_twice_does_no_harm(tmp_path: Path) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF3PyCx3KPc84KGXpel9uMwwKailyUWnoLICjSZo37Y7 rookery"
    place = git.Repository(
        "git.example",
        2222,
        "git",
        "a b/relay.git",
        "live",
        "ssh://git@git.example:2222/~/x",
        git_only_line(key),
    )
    for _ in range(2):
        done = run("set -e\n" + git.host_lines(place), tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    bare = tmp_path / "a b" / "relay.git"
    assert (bare / "HEAD").read_text() == "ref: refs/heads/live\n"
    said = subprocess.run(
        ["git", f"--git-dir={bare}", "config", "--get-regexp", "^receive"], capture_output=True, check=True
    )
    assert said.stdout.decode().split() == [
        "receive.denynonfastforwards",
        "true",
        "receive.denydeletes",
        "true",
    ]
    keys = tmp_path / ".ssh" / "authorized_keys"
    assert keys.read_text() == f"{git_only_line(key)}\n"
    assert keys.stat().st_mode & 0o777 == 0o600


# Albatross --------------------------------------------------------------------------------------------

RELEASES: list[Version] = [
    (1, 0),
    (1, 1),
    (1, 3),
    (1, 4),
    (1, 5),
    (2, 0),
    (2, 1),
    (2, 4),
    (2, 5),
    (2, 6),
    (2, 7),
]
# What a command takes, from which release on; of the client's own help, by release.
OPTIONS: dict[str, dict[str, Version]] = {
    "create": {
        **dict.fromkeys(("--mem", "--cpu", "--arg", "--block", "--net", "--force"), (1, 0)),
        **dict.fromkeys(("--restart-on-fail", "--exit-code"), (1, 0)),
        **dict.fromkeys(("--startup", "--no-add-name"), (2, 6)),
    },
    "destroy": {},
    "restart": {},
    "console": {},
    "info": {"--name": (1, 0)},
    "policy": {"--path": (1, 0)},
    "block": {"--name": (1, 0)},
    "add-policy": dict.fromkeys(("--mem", "--cpu", "--size", "--bridge"), (1, 0)),
    "create-block": {},
    "destroy-block": {},
}
WANTED = WantedUnikernel(
    label="web",
    digest="ab" * 32,
    image=Solo5Image("hvt", 2, "x86_64", ()),
    memory=64,
    cpuid=1,
    networks=(("service", "br0"),),
    blocks=(("storage", "data"),),
    shown=("--ssh-key={secret:ssh-key}", f"--note={HOSTILE}", "{secret:b}{secret:b}"),
    restart_on_exit=frozenset({2, 255}),
)
POLICY = WantedPolicy(4, 256, 100, (0, 1), ("br0", "br1"))


def lines_of(version: Version, name: str = "acme:web", prefix: str = "acme:") -> list[str]:
    return [
        albatross.create_line(replace(WANTED, shown=("--a={secret:b}",)), name, version, force=True),
        albatross.destroy_line(name, version),
        *([albatross.restart_line(name, version)] if version >= (2, 6) else []),
        *albatross.look_lines(name, version),
        *albatross.host_lines(prefix, version)[1:],
        albatross.policy_line(prefix, POLICY, version),
        albatross.volume_line("acme:data", 8, version),
        albatross.volume_look_line("acme:data", version),
        albatross.remove_volume_line("acme:data", version),
    ]


@pytest.mark.parametrize("version", RELEASES)
def test_every_word_is_one_of_the_release(version: Version) -> None:
    program = "albatross-client" if version >= (2, 0) else "albatross-client-local"
    if version == (1, 0):
        program = "albatross_client_local"
    dotted, path = ("acme:web", "acme:") if version >= (1, 5) else ("acme.web", "acme")
    for each in lines_of(version):
        found, command, *words = shlex.split(each)
        assert found == program
        known = command.replace("_", "-")
        assert ("_" in command) == ("-" in known and version < (2, 0))
        options = [word.partition("=") for word in words if word.startswith("--")]
        for option, _, value in options:
            assert OPTIONS[known][option] <= version, each
            if option in {"--name", "--path"}:
                assert value in {dotted, path, dotted.replace("web", "data")}
        plain = [word for word in words if not word.startswith("--")]
        if known in {"create", "destroy", "restart", "console"}:
            assert plain[0] == dotted
        if known in {"add-policy"}:
            assert plain == [path, "4"]
        if known == "create-block":
            assert plain == [dotted.replace("web", "data"), "8"]


def test_a_unikernel_is_created_with_all_that_it_is(tmp_path: Path) -> None:
    """As the program would get it: the shell reads the words, and prints them."""
    printing = "albatross-client() { printf '%s\\0' \"$@\"; }\n".replace("albatross-client", "client")
    text = printing + albatross.create_line(WANTED, "acme:web", (2, 7), force=True).replace(
        "albatross-client", "client", 1
    )
    got = run(text, tmp_path, SECRET_SSH_KEY="$(touch owned)", SECRET_B="b").stdout
    assert got.split("\0")[:-1] == [
        "create",
        "acme:web",
        "./abababababab.hvt",
        "--mem=64",
        "--cpu=1",
        "--net=service:br0",
        "--block=storage:data",
        "--arg=--ssh-key=$(touch owned)",
        f"--arg=--note={HOSTILE}",
        "--arg=bb",
        "--restart-on-fail",
        "--exit-code=2",
        "--exit-code=255",
        "--no-add-name",
        "--startup=50",
        "--force",
    ]
    assert "SECRET_B" in run(text, tmp_path, SECRET_SSH_KEY="x").stderr
    assert not (tmp_path / "owned").exists()
    assert [each.variable for each in albatross.argument_secrets(WANTED.shown)] == [
        "SECRET_SSH_KEY",
        "SECRET_B",
    ]
    quiet = replace(WANTED, restart_on_exit=None, add_name=True, shown=("{secret:b}",))
    words = shlex.split(albatross.create_line(quiet, ":web", (2, 7), filled=True))
    assert words[2] == ":web"
    assert words[-2:] == ["--arg={secret:b}", "--startup=50"]
    assert "--block=storage" in shlex.split(albatross.create_line(quiet, ":web", (1, 0)))


def test_older_releases_say_what_else_they_may_be() -> None:
    assert any("2.0" in each for each in albatross.about((1, 5)))
    assert any("albatross-stats" in each for each in albatross.about((2, 0)))
    assert len(albatross.about((2, 7))) == len(albatross.about((1, 4))) == 1
    assert albatross.version_of("") == albatross.NEWEST
    assert albatross.host_lines(":", (2, 7))[1] == "albatross-client info"
    assert albatross.host_lines("acme:", (1, 5))[0] == "/usr/libexec/albatross/albatrossd --version"


# Others -----------------------------------------------------------------------------------------------


def test_an_image_is_compared_with_its_digest(tmp_path: Path) -> None:
    content = b"an image"
    sha256 = hashlib.sha256(content).hexdigest()
    lines = image_commands(sha256, "hvt", "https://builds.example/$(touch owned)").splitlines()
    assert shlex.split(lines[0])[-1] == "https://builds.example/$(touch owned)"
    (tmp_path / f"{sha256[:12]}.hvt").write_bytes(content)
    assert run(lines[1], tmp_path).returncode == 0
    (tmp_path / f"{sha256[:12]}.hvt").write_bytes(b"another")
    assert run(lines[1], tmp_path).returncode == 1
    assert image_commands(sha256, "spt", "").splitlines() == [
        line.replace("hvt", "spt") for line in lines[1:]
    ]


def test_the_seed_of_a_signer_is_thirty_two_bytes(tmp_path: Path) -> None:
    lines = signing_key_commands("s1", "example.org", "rsa-2048").splitlines()
    assert run(lines[1], tmp_path).returncode == 0
    seed = tmp_path / "s1.seed"
    assert len(seed.read_bytes()) == len(b64encode(bytes(32)))
    assert seed.stat().st_mode & 0o777 == 0o600
    assert lines[-1] == "dig +short s1._domainkey.example.org TXT"
