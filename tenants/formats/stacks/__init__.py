"""A mail stack before it exists: from a domain and a host to an ordered plan, with the same by hand.

| module      |                                                                            |
|-------------|----------------------------------------------------------------------------|
| `wish`      | what people choose                                                         |
| `placing`   | private addresses, next hops, arguments and secrets of each role           |
| `records`   | what the domain's zone must say, and who may change it                     |
| `needs`     | what the host's firewall must do                                           |
| `plan`      | all of it in the order in which it happens                                 |

Nothing here makes a secret: plans hold names of secrets, and public halves where they are known.
"""
