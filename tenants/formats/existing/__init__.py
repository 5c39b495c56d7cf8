"""An existing ptt installation, explained from what workers read of it. Nothing here knows a secret.

| module      |                                                                                        |
|-------------|----------------------------------------------------------------------------------------|
| `seen`      | what was read at each of the four places: users, zone, host, NAT; kept as JSON           |
| `arguments` | the arguments of a unikernel, read as it reads them, with secrets taken out              |
| `rules`     | what `iptables-save` says, followed from the built-in chains to where packets go         |
| `zone`      | what a zone says about mail, and which keys may change it                                |
| `guess`     | which role a unikernel has, and of which generation: certain, likely or unknown, and why |
| `picture`   | all of it together: who is who, whom the rules and records reach, what is wrong          |
| `painting`  | from what was read to the picture                                                        |
| `notices`   | what is missing, contradictory or dangerous among the unikernels                         |
| `ways`      | the same of the rules: whom the Internet reaches, how mail leaves                        |
| `letters`   | the same of the zone: MX, SPF, DKIM, certificates, keys; and of the users                |
"""
