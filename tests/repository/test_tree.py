"""Trees changed by splicing are those that would be made from scratch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.repository import RepositoryError
from workers.repository.objects import FILE_MODE, TREE_MODE, Tree, object_id

names = st.sampled_from([b"a", b"a-b", b"a.b", b"a0", b"ab", b"b", b"zz", b"\xff"])
ids = st.binary(min_size=20, max_size=20).map(bytes.hex)
modes = st.sampled_from([FILE_MODE, 0o100755, 0o120000, TREE_MODE])


def written(files: dict[bytes, tuple[int, str]]) -> bytes:
    def order(name: bytes) -> bytes:
        return name + b"/" if files[name][0] == TREE_MODE else name

    return b"".join(
        b"%o %s\0%s" % (files[name][0], name, bytes.fromhex(files[name][1]))
        for name in sorted(files, key=order)
    )


@given(
    st.dictionaries(names, st.tuples(modes, ids)),
    st.dictionaries(names, st.none() | ids),
)
def test_spliced_is_as_written_anew(
    files: dict[bytes, tuple[int, str]], changes: dict[bytes, str | None]
) -> None:
    tree = Tree(written(files))
    assert tree.files == {name: blob for name, (mode, blob) in files.items() if mode in {0o100644, 0o100755}}
    if any(name in files and files[name][0] == TREE_MODE for name in changes):
        with pytest.raises(RepositoryError, match="folder"):
            tree.splices(changes)
        return
    splices = tree.splices(changes)
    after = tree.spliced(splices, changes)
    wanted = dict(files)
    for name, blob in changes.items():
        if blob is None:
            wanted.pop(name, None)
        elif name not in files or files[name][1] != blob:
            wanted[name] = (FILE_MODE, blob)
    anew = Tree(written(wanted))
    assert (after.content, after.id, after.files) == (anew.content, anew.id, anew.files)
    assert after.id == object_id(b"tree", after.content).hex()
    assert bool(splices) == (wanted != files)
    # What was made by splicing can be spliced again.
    again: dict[bytes, str | None] = {b"a": "11" * 20, b"b": None, b"zz": "22" * 20}
    if not any(files.get(name, (0, ""))[0] == TREE_MODE for name in again):
        assert after.spliced(after.splices(again), again).content == (
            anew.spliced(anew.splices(again), again).content
        )
    assert tree.content == written(files), "the tree itself was changed"


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        b"100644 a\0short",
        b"100644 b\0" + bytes(20) + b"100644 a\0" + bytes(20),
        b"100644 a\0" + bytes(20) + b"100644 a\0" + bytes(20),
        b"9 a\0" + bytes(20),
        b"100644\0" + bytes(30),
    ],
)
def test_bytes_that_are_no_tree(content: bytes) -> None:
    with pytest.raises(RepositoryError):
        Tree(content)
