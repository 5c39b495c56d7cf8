"""What albatrossd runs, kept over a stop: its unikernels and quota policies (facts of 5.10: they come back in
the order of their start; volumes of the stand-in are in memory and are not kept).

The real file is one DER value of a format for each release; here it is the commands that would make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workers.albatross import commands as c
from workers.albatross.framing import MOST_IMAGE, FrameReader, frame
from workers.albatross.grammar.envelope import Header, Request, read_message, write_request
from workers.albatross.names import Name
from workers.albatross.values import QuotaPolicy, UnikernelConfig
from workers.sandbox.certificates import write_private


@dataclass(frozen=True)
class State:
    unikernels: Mapping[Name, UnikernelConfig] = field(default_factory=dict)
    policies: Mapping[Name, QuotaPolicy] = field(default_factory=dict)


def write_state(path: Path, state: State) -> None:
    """Raises OSError."""
    commands: list[tuple[Name, c.Command]] = [
        *((name, c.AddPolicy(policy)) for name, policy in state.policies.items()),
        *((name, c.Create(5, config)) for name, config in state.unikernels.items()),
    ]
    requests = (Request(Header(name), command) for name, command in commands)
    write_private(path, b"".join(bytes(part) for each in requests for part in frame(write_request(each))))


def read_state(path: Path) -> State:
    """Nothing where there is no file. Raises OSError, and DecodeError for another one."""
    if not path.exists():
        return State()
    unikernels, policies = {}, {}
    for message in FrameReader(MOST_IMAGE).feed(path.read_bytes()):
        request = read_message(bytes(message))
        if isinstance(request, Request) and isinstance(request.command, c.Create):
            unikernels[request.header.name] = request.command.config
        elif isinstance(request, Request) and isinstance(request.command, c.AddPolicy):
            policies[request.header.name] = request.command.policy
    return State(unikernels, policies)
