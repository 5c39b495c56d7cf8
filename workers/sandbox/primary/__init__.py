"""A stand-in for ptt's primary name server (primary-git.hvt), with its traps.

| module      | what it does                                                                               |
|-------------|--------------------------------------------------------------------------------------------|
| `zones`     | what it holds in memory, from the files of zone.git; its rules are those of tenants.formats |
| `signing`   | TSIG: whom a request is from, and answers signed as ocaml-dns signs them                   |
| `answers`   | plain questions and zone transfers                                                         |
| `updating`  | dynamic updates                                                                            |
| `clone`     | its copy of zone.git: pulls and pushes over SSH, with what goes wrong in both              |
| `server`    | all of it on a loopback address, over UDP and TCP                                          |
"""
