"""What a file of relay.git that Rookery did not make is, and whether Rookery could hold it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from tenants.formats.relay_entry import Readable, RelayEntry, read, same_meaning, write
from tenants.formats.text import FormatError, printable


@dataclass(frozen=True)
class Explained:
    """`entry` is what Rookery would take over: then it writes nothing else, and the file keeps its bytes.

    Without one it cannot, and `sentence` says why. `targets` are those that ptt reads.
    """

    name: bytes
    sentence: str
    used_by_ptt: bool
    entry: RelayEntry | None = field(default=None, repr=False)
    targets: tuple[str, ...] = ()

    @property
    def takeable(self) -> bool:
        return self.entry is not None


def explain(name: bytes, content: bytes, *, own_domain: str) -> Explained:
    """Explain one file in the root of the branch; never raises, whatever it holds."""
    verdict = read(name, content)
    if not isinstance(verdict, Readable):
        return Explained(name, f"ptt skips it: {printable(verdict.reason, 300)}", used_by_ptt=False)
    used = partial(Explained, name, used_by_ptt=True, targets=verdict.entry.targets)
    if verdict.entry.insecure:
        problem = "it has the flag “insecure”, which no unikernel uses and Rookery does not write."
        return used(sentence=f"{_CANNOT} {problem}")
    entry = RelayEntry(verdict.entry.targets, verdict.entry.password)
    try:
        written, _ = write(name, entry, own_domain=own_domain)
    except FormatError as error:
        return used(sentence=f"{_CANNOT} {printable(str(error), 300)}")
    if not same_meaning(content, written):
        return used(sentence=f"{_CANNOT} it would have to write it differently.")
    warnings = " ".join(printable(warning, 200) for warning in verdict.warnings[:3])
    return used(sentence=f"ptt uses it. {warnings}".strip(), entry=entry)


_CANNOT = "ptt uses it. Rookery cannot take it over:"
