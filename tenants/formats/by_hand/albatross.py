"""Lines of albatross's own client that do what Rookery does, in the words of a host's release.

| release   | program                   | commands            | a unikernel's full name |
| --------- | ------------------------- | ------------------- | ----------------------- |
| 2.0 on    | `albatross-client`        | `create-block`      | `path:label`, `:label`  |
| 1.5       | `albatross-client-local`  | `create_block`      | the same                |
| 1.1 – 1.4 | `albatross-client-local`  | `create_block`      | `path.label`, `label`   |
| 1.0       | `albatross_client_local`  | `create_block`      | the same                |

They speak to the socket on the host itself: whoever runs them is in the group `albatross` there. For a host
whose TLS endpoint we know (see `Remote`) they speak to that, from anywhere; the path then comes from the
certificates, and the name is a label alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tenants.formats.by_hand.shell import Secret, comment, line, quote
from tenants.formats.unikernels import WantedPolicy, WantedUnikernel

Version = tuple[int, int]


class Remote(tuple[int, int]):
    """The release, 2.0 or newer, of a host that is reached by its TLS endpoint, at `destination`."""

    destination: str

    def __new__(cls, version: Version, host: str, port: int) -> Remote:
        made = super().__new__(cls, version)
        made.destination = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return made


NEWEST: Version = (2, 7)
_FIRST_OF_TWO = (2, 0)
_RESTARTS_WELL = (2, 6)
_CREDENTIALS = ("--ca=ca.pem", "--ca-key=ca.key", "--server-ca=cacert.pem")
_SECRET = re.compile(r"\{secret:([a-z][a-z0-9-]{0,39})\}")


def create_line(
    wanted: WantedUnikernel, name: str, version: Version, *, force: bool = False, filled: bool = False
) -> str:
    """Create a unikernel under its full name; the image lies in a file that is named by its SHA-256.

    What `shown` refers to as a secret is a shell variable, see `argument_secrets`; with `filled` it holds the
    secrets themselves, and every text is taken as it stands.
    """
    words = ["create", _named(name, version), f"./{wanted.digest[:12]}.{wanted.image.target}"]
    words += [f"--mem={wanted.memory}", f"--cpu={wanted.cpuid}"]
    words += [f"--net={device}:{bridge}" for device, bridge in wanted.networks]
    # 1.0 knows devices and volumes by one name only.
    words += [
        f"--block={device}" if version < (1, 1) else f"--block={device}:{volume}"
        for device, volume in wanted.blocks
    ]
    after: list[str] = []
    if wanted.restart_on_exit is not None:
        after += ["--restart-on-fail", *(f"--exit-code={code}" for code in sorted(wanted.restart_on_exit))]
    if version >= (2, 6):
        after += [] if wanted.add_name else ["--no-add-name"]
        after.append(f"--startup={wanted.startup}")
    if force:
        after.append("--force")
    arguments = [quote(f"--arg={each}") if filled else _argument(each) for each in wanted.shown]
    return " ".join([_client(words, version), *arguments, *map(quote, after)])


def _argument(text: str) -> str:
    """One `--arg`, with a variable in the place of each reference to a secret."""
    parts = _SECRET.split(f"--arg={text}")
    return "".join(
        f'"${{{variable_of(part)}:?}}"' if index % 2 else quote(part) if part else ""
        for index, part in enumerate(parts)
    )


def variable_of(secret: str) -> str:
    """What holds a secret in the lines: `dns-key` is in SECRET_DNS_KEY."""
    return f"SECRET_{secret.upper().replace('-', '_')}"


def argument_secrets(arguments: Iterable[str]) -> list[Secret]:
    """The secrets that arguments refer to, each once."""
    names = dict.fromkeys(name for each in arguments for name in _SECRET.findall(each))
    return [
        Secret(
            variable_of(name),
            f"the secret “{name}”, as it was given; seeds.json in a domain's export has it"
            " (Settings, The way out). On the host everybody sees it among the arguments.",
        )
        for name in names
    ]


def destroy_line(name: str, version: Version) -> str:
    return _client(["destroy", _named(name, version)], version)


def restart_line(name: str, version: Version) -> str:
    """Only of 2.6 and newer: before 2.4 the daemon waits for ever, then it loses compressed images. There,
    `create_line` with force does the same."""
    return _client(["restart", _named(name, version)], version)


def restarts_well(version: Version) -> bool:
    """Whether `restart_line` is of use there; else it is `create_line` with force."""
    return version >= _RESTARTS_WELL


def look_lines(name: str, version: Version) -> list[str]:
    """See it, and what it says."""
    return [
        _client(["info", f"--name={_named(name, version)}"], version),
        _client(["console", _named(name, version)], version),
    ]


def host_lines(prefix: str, version: Version) -> list[str]:
    """What is on a host at or below the path `acme:`, and which release it has."""
    path = _named(prefix, version)
    at = [] if prefix == ":" else [f"--name={path}"]
    policy = ["policy", *([] if prefix == ":" else [f"--path={path}"])]
    if isinstance(version, Remote):
        return [_client([command], version) for command in ("info", "policy", "block")]
    program = _program(version) if version >= _FIRST_OF_TWO else "/usr/libexec/albatross/albatrossd"
    if version < (1, 4):
        program = "/usr/sbin/albatrossd" if version >= (1, 3) else "/usr/local/sbin/albatrossd"
    return [
        line([program, "--version"]),
        _client(["info", *at], version),
        _client(policy, version),
        _client(["block", *at], version),
    ]


def policy_line(prefix: str, wanted: WantedPolicy, version: Version) -> str:
    """Of the path `acme:`. It is in the place of what was there. Over TLS each certificate brings it."""
    if isinstance(version, Remote):
        return comment("Over TLS it is in the certificate of the path's authority, and set by every command.")
    words = ["add-policy", _named(prefix, version), str(wanted.unikernels), f"--mem={wanted.memory}"]
    words += [f"--cpu={each}" for each in wanted.cpuids]
    if wanted.storage:
        words.append(f"--size={wanted.storage}")
    words += [f"--bridge={each}" for each in wanted.bridges]
    return _client(words, version)


def volume_line(name: str, size: int, version: Version) -> str:
    return _client(["create-block", _named(name, version), str(size)], version)


def volume_look_line(name: str, version: Version) -> str:
    return _client(["block", f"--name={_named(name, version)}"], version)


def remove_volume_line(name: str, version: Version) -> str:
    return _client(["destroy-block", _named(name, version)], version)


def version_of(release: str) -> Version:
    """`2.7.2` as (2, 7); the newest that is known when nothing was found yet."""
    parts = release.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return NEWEST


def remote_version(release: str, host: str, port: int) -> Version:
    """The same of a host that is reached by its TLS endpoint; before 2.0 lines are for the host itself."""
    version = version_of(release)
    return Remote(version, host, port) if version >= _FIRST_OF_TWO else version


def about(version: Version) -> list[str]:
    """Comments that stand before lines for a host: who may run them, and what the release brings. One found
    by asking may be newer: from 1.5 to 2.0 all answer alike."""
    if isinstance(version, Remote):
        return [
            comment(
                "From anywhere, by the TLS endpoint. cacert.pem is the endpoint's CA; ca.pem and ca.key are"
                " the authority of this path, as Rookery has it:"
            )
        ]
    found = [comment("On the host, in the group albatross:")]
    if version < _FIRST_OF_TWO and version >= (1, 5):
        found.append(
            comment("With albatross 2.0: albatross-client, and hyphens in commands in the place of _.")
        )
    if version == _FIRST_OF_TWO:
        found.append(comment("The Debian package of 2.0.0 has the client under the name albatross-stats."))
    return found


def _program(version: Version) -> str:
    if version >= _FIRST_OF_TWO:
        return "albatross-client"
    return "albatross-client-local" if version >= (1, 1) else "albatross_client_local"


def _client(words: list[str], version: Version) -> str:
    command, *others = words
    if version < _FIRST_OF_TWO:
        command = command.replace("-", "_")
    if isinstance(version, Remote):
        others = ["-d", version.destination, *_CREDENTIALS, *others]
    return line([_program(version), command, *others])


def _named(name: str, version: Version) -> str:
    """`acme:web`, `:web` and `acme:` as the release writes them, or as the way to the host wants them."""
    if isinstance(version, Remote):
        return f":{name.rpartition(':')[2]}"
    return name if version >= (1, 5) else name.strip(":").replace(":", ".")
