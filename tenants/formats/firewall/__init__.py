"""The firewall of a host: what should be let through, as iptables rules in chains of our own.

| module    |                                                                                      |
|-----------|--------------------------------------------------------------------------------------|
| `rules`   | one rule, written exactly as `iptables-save` writes it, and read back                |
| `intent`  | what stacks need: bridges, public ports, senders, git access, shared roles           |
| `derive`  | intent → rules; what contradicts itself is refused                                   |
| `by_hand` | rules that operators write                                                           |
| `saved`   | what `iptables-save` says: our chains, how they are hooked in, a hash of all of it   |
| `restore` | rules + what is there → input for `iptables-restore --noflush`, diff, shell commands |
| `guard`   | refuses input for `iptables-restore` that touches anything but our chains            |

Foreign rules are never written, moved or removed: `iptables-restore --noflush` changes only the chains that
are named, and we name ours.
"""
