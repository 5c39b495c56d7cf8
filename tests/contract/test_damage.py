"""Our own copy damaged, and names outside that nobody can print: no pass stumbles over either for ever."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tenants.models import Finding, Mailbox
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.repository import Mirror, MirrorDamaged
from workers.repository.mirror import git_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def objects(mirror: Path) -> list[Path]:
    loose = [path for path in (mirror / "objects").glob("??/*") if len(path.name) == 38]
    return loose + list((mirror / "objects" / "pack").glob("*.pack"))


def cut_short(path: Path) -> None:
    """As after a power cut: the file is there, what was in it is not."""
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"")


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o600)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [cut_short, emptied, changed, Path.unlink])
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_copy_of_ours_is_made_again(
    world: RelayWorld,
    make_mailbox: Callable[..., Mailbox],
    tmp_path: Path,
    damage: Callable[[Path], object],
    packed: bool,
) -> None:
    """Every object of it at once; the outside and the proof are what counts."""
    for name in ("ada", "bea", "cleo"):
        make_mailbox(name, target=f"{name}@home.example")
        assert world.reconcile() is Ending.AGREED
    world.kind.close()
    mirror = tmp_path / "mirrors" / str(world.repository.pk)
    if packed:
        gc = ["git", "-C", str(mirror), "gc", "--quiet", "--prune=now"]
        subprocess.run(gc, env=git_environment(), check=True)
    damaged = objects(mirror)
    assert damaged
    for path in damaged:
        damage(path)
    world.somebody_writes({"bea": '{"targets": [], "password": "00"}'})
    make_mailbox("dora", target="dora@home.example")
    endings = [world.reconcile(), world.reconcile()]
    assert endings[-1] is Ending.AGREED, endings
    assert set(endings) <= {Ending.RETRY, Ending.AGREED}
    assert list(world.files()) == ["ada", "bea", "cleo", "dora"]
    assert world.target.findings.get().kind == Finding.Kind.DRIFT
    world.git("fsck", "--strict")
    done = subprocess.run(
        ["git", "-C", str(mirror), "fsck", "--strict"],
        env=git_environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_copy_that_is_damaged_again_and_again_is_a_persons_matter(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the same try for ever: the disk fails, or the other side sends nonsense."""
    make_mailbox()
    world.reconcile()

    def garbled(mirror: Mirror, commit: str) -> None:
        raise MirrorDamaged("object 0123456789 is garbled in our copy")

    monkeypatch.setattr(Mirror, "tree_of", garbled)
    endings = [world.reconcile() for _ in range(5)]
    assert endings == [Ending.RETRY] * 4 + [Ending.STOPPED]
    assert world.target.stop_code == "copy-damaged"
    assert world.target.conditions.get(type="Reachable").status, "it did answer"
    monkeypatch.undo()
    assert world.reconcile() is Ending.AGREED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rb"\377", rb"\376"),
        (rb"\377odd", rb"\\xffodd"),  # an escaped byte, and its escape written out
        (b"x" * 201, b"x" * 202),
        (rb"tab\ttab", rb"tab\\ttab"),
    ],
)
def test_names_that_print_alike_are_two_findings(world: RelayWorld, one: bytes, other: bytes) -> None:
    """Also when they change, and when one of them goes."""
    for content, names in ((b"1", (one, other)), (b"2", (one, other)), (b"2", (other,))):
        world.write_tree({b'"%s"' % name: content for name in names})
        assert world.reconcile() is Ending.AGREED
        found = list(world.target.findings.values_list("unit", flat=True))
        assert len(set(found)) == len(found) == len(names)
        assert all(len(unit) <= 200 and unit.isprintable() for unit in found)


def test_what_is_no_plain_file_is_never_overwritten_and_others_go_on(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    """A folder or a link that has the name of an address: the address waits, and says so."""
    blob = world.git("hash-object", "-w", "--stdin", stdin=b"elsewhere").strip()
    inner = world.git("mktree", stdin=f"100644 blob {blob}\tinner\n".encode()).strip()
    listing = f"040000 tree {inner}\tdocs\n120000 blob {blob}\tlinked\n"
    tree = world.git("mktree", stdin=listing.encode()).strip()
    world.git("update-ref", "refs/heads/main", world.git("commit-tree", tree, "-m", "by hand").strip())
    for name in ("ada", "docs", "linked"):
        make_mailbox(name, target=f"{name}@home.example")
    for _ in range(2):
        assert world.reconcile() is Ending.AGREED
        lines = world.git("ls-tree", "main").splitlines()
        assert [line.split()[0] for line in lines] == ["100644", "040000", "120000"]
        told = {row.unit: (row.kind, row.sentence) for row in world.target.findings.all()}
        assert {unit: kind for unit, (kind, _) in told.items()} == {"docs": "unsafe", "linked": "unsafe"}
        assert "docs is not written: In the repository, this is no plain file" in told["docs"][1]
        assert world.target.conditions.get(type="UnsafeEntries").details["count"] == 2
    world.write_tree({b"ada": world.git("cat-file", "blob", "main:ada").encode()})
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada", "docs", "linked"]
    assert not world.target.findings.exists()
