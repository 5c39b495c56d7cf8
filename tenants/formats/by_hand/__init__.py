"""The same by hand: the shell lines that do what Rookery does. People read them, and paste them into a shell.

| module      | what                                                                         |
| ----------- | ---------------------------------------------------------------------------- |
| `shell`     | quoting of hostile text, blocks that stop at the first failure, secrets      |
| `relay`     | an address in relay.git                                                      |
| `git`       | a repository on its host: the key that reaches it, the bare repository       |
| `dns`       | record sets, TSIG keys, secondaries, name servers that take dynamic updates  |
| `dkim`      | the key of a signer, and its record                                          |
| `albatross` | `albatross-client`, in the words of the host's release                       |
| `machine`   | bridges, and looking at images                                               |

No secret is in any line: where one is needed there is a shell variable, and the comment above says where it
is to be had. Firewalls: `tenants.formats.firewall.restore`; whole zones: `tenants.formats.zones.commands`.
"""

from tenants.formats.by_hand.albatross import (
    Version,
    create_line,
    destroy_line,
    look_lines,
    policy_line,
    remove_volume_line,
    restart_line,
    restarts_well,
    variable_of,
    version_of,
    volume_line,
)

__all__ = [
    "Version",
    "create_line",
    "destroy_line",
    "look_lines",
    "policy_line",
    "remove_volume_line",
    "restart_line",
    "restarts_well",
    "variable_of",
    "version_of",
    "volume_line",
]
