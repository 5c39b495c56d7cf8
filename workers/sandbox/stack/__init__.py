"""The eight roles of a mail stack as stand-ins, run by the sandbox's albatross in the place of their images.

| module         |                                                                                          |
|----------------|------------------------------------------------------------------------------------------|
| `realm`        | which loopback address and port stand for a private or public one                        |
| `world`        | what is around the unikernels: git host, names, certificates, other people's mail      |
| `unikernel`    | one start: its arguments, checked, its console, its questions to others                  |
| `images`       | the images that are known as roles                                                       |
| `launching`    | from an image and arguments to a running role                                            |
| `repositories` | the git host as a role reaches it, with the key of its arguments                         |
| `primary_talk` | questions and signed changes to the primary                                              |
| `certificate`  | getting a certificate through the zone, as ocaml-dns' certify does                       |
| `letsencrypt`  | the one who issues them                                                                  |
| `dns_roles`    | resolver and primary                                                                     |
| `mail_roles`   | submission, signer, relay, spam filter, receiver                                         |
| `dkim`         | signatures (RFC 6376)                                                                    |
| `nat`          | what the applied firewall rules say of addresses                                         |
| `forwarder`    | makes the forwarded ports real                                                           |
| `standing`     | tells which connections they carry                                                       |
| `places`       | where workers ask a unikernel's port                                                     |
| `demo`         | all of it beside the demo's sandbox                                                      |
"""
