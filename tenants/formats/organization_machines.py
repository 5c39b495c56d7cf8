"""What an organization's file says of places and machines: repositories, keys, hosts, unikernels, stacks.

None of it is made by an import; it says what there was. Secrets are None in a file that is not sealed.
"""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something of the file; what holds secrets tells none of them."""


class GitRepository(Part, frozen=True):
    """A git repository and the key that its host was known by; our own key is made anew."""

    host: str
    path: str
    branch: str
    port: int = 22
    username: str = "git"
    reload: str = ""
    host_key: str = ""

    @property
    def place(self) -> str:
        return f"{self.username}@{self.host}:{self.path}"


class SignerKey(Part, frozen=True):
    """A DKIM key; `seed` (base64) only in a sealed file."""

    selector: str
    algorithm: str
    public_key: str = ""
    retired: bool = False
    seed: str | None = None

    def __repr__(self) -> str:
        return f"SignerKey({self.selector!r})"


class ZoneKey(Part, frozen=True):
    """A TSIG key; `zone` is empty for all of a repository, `secret` (base64) only in a sealed file."""

    name: str
    right: str
    algorithm: str
    zone: str = ""
    secret: str | None = None

    def __repr__(self) -> str:
        return f"ZoneKey({self.name!r})"


class ZoneRepository(Part, frozen=True):
    """`primary` is the name server that reads it, as `address:port`."""

    repository: GitRepository
    primary: str = ""
    keys: tuple[ZoneKey, ...] = ()


class NameServer(Part, frozen=True):
    """A primary that takes dynamic updates."""

    name: str
    address: str
    port: int
    key: ZoneKey


class StackPart(Part, frozen=True):
    """A role that runs; `image` is its SHA-256."""

    role: str
    image: str
    unikernel: str
    address: str
    era: str = ""


class MailStack(Part, frozen=True):
    """`services` are the addresses of what fills a role that does not run here."""

    host: str
    bridge: str
    public_address: str
    submission_host: str
    selector: str
    git_address: str
    production: bool
    open_relay: bool
    wanted: str
    parts: tuple[StackPart, ...] = ()
    services: dict[str, str] = {}


class HostNetwork(Part, frozen=True):
    bridge: str
    subnet: str
    gateway: str
    first: str
    last: str


class BlockVolume(Part, frozen=True):
    """`size` in MB."""

    label: str
    size: int


class Machine(Part, frozen=True):
    """A unikernel. `arguments` name secrets as `{secret:name}`; `secrets`, by name, only in a sealed file.
    `networks` are `(device, bridge, address)`, `blocks` `(device, volume)`; `memory` in MB."""

    name: str
    image: str
    memory: int
    cpu: int
    networks: tuple[tuple[str, str, str], ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    restart_on_exit: tuple[int, ...] | None = None
    startup: int = 50
    add_name: bool | None = False
    running: bool = True
    secret_names: tuple[str, ...] = ()
    secrets: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Machine({self.name!r})"


class FirewallLine(Part, frozen=True):
    """A rule by hand; empty means any."""

    kind: str
    source: str = ""
    destination: str = ""
    protocol: str = ""
    port: int = 0
    to_address: str = ""
    to_port: int = 0
    from_interface: str = ""
    to_interface: str = ""
    verdict: str = ""
    note: str = ""


class MachineHost(Part, frozen=True):
    """What the organization has on a host. How it is reached, and its firewall, only of a host of its own
    (`own`); `memory` and `storage` in MB."""

    name: str
    own: bool
    path: str
    most_unikernels: int
    memory: int
    storage: int
    cpus: tuple[int, ...] = ()
    transport: str = ""
    host: str = ""
    port: int = 0
    username: str = ""
    socket_folder: str = ""
    host_key: str = ""
    networks: tuple[HostNetwork, ...] = ()
    public_addresses: tuple[str, ...] = ()
    volumes: tuple[BlockVolume, ...] = ()
    unikernels: tuple[Machine, ...] = ()
    rules: tuple[FirewallLine, ...] = ()


class MachineImage(Part, frozen=True):
    """An image without its bytes; `size` in bytes."""

    sha256: str
    size: int
    name: str
    role: str
    era: str = ""
    note: str = ""
    source: str = ""


class Hook(Part, frozen=True):
    """A webhook; `url` in whole only in a sealed file, since programs put keys there; `place` is its host."""

    name: str
    place: str
    types: tuple[str, ...] = ()
    domain: str = ""
    enabled: bool = True
    url: str | None = None

    def __repr__(self) -> str:
        return f"Hook({self.name!r})"
