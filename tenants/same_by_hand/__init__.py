"""Rows → the shell lines that would do the same by hand, without a secret (see `tenants.formats.by_hand`).

| module      | of what                                                                          |
| ----------- | -------------------------------------------------------------------------------- |
| `addresses` | mailboxes, aliases, requests for an address                                      |
| `places`    | git repositories, and name servers that take dynamic updates                     |
| `zones`     | zones, record sets, TSIG keys, secondaries, DKIM keys                            |
| `hosts`     | albatross hosts, networks, quota policies, volumes, unikernels, images, firewall |
| `stacks`    | mail stacks                                                                      |

Each function returns text, "" where there is nothing to show. Who may see the row may see its lines, but they
also name the place that it is written to: callers ask for that one, too.
"""
