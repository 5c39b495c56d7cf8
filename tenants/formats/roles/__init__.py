"""The roles of a mail stack: what each unikernel needs, takes, writes and how it is known to be ready.

| module        |                                                                                       |
|---------------|---------------------------------------------------------------------------------------|
| `kinds`       | what the value of an argument may be                                                  |
| `role`        | what there is to say about a role, and what of it differs between generations of images |
| `options`     | the arguments of the eight roles, for each generation                                 |
| `catalogue`   | the eight roles                                                                       |
| `check`       | arguments read as the unikernel would read them: refused here, before anything starts |
| `keys`        | public keys of seeds and of `--ssh-key` arguments                                     |
| `conventional` | services that Rookery does not run, in the place of a role                            |
"""
