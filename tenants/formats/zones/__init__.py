"""DNS zones as ptt's primary keeps them: what they are, how they are written, what it makes of them.

The primary (ocaml-dns) takes a zone off the air when it cannot accept its file, and deletes the file at the
next dynamic update. All of this exists so that it never happens.

| a zone                     |                                                                         |
|----------------------------|-------------------------------------------------------------------------|
| `names`, `data`            | domain names; what records say, by type                                 |
| `record_set`, `zone`       | all records of a name and type, the unit of change; a whole zone        |
| `zone_file`                | `emit` a zone as the primary would write it, `read_zone` from any file  |
| `serial`, `merge`          | which version is newer; ours, theirs, and what both had                 |
| **the primary**            |                                                                         |
| `primary`                  | its grammar and checks: `verdict.judge` says what it does with a file   |
| `rules`                    | `check.check_zone`: what may be published, with a fix for what may not  |
| **others**                 |                                                                         |
| `bind`                     | `importing` what people paste, `exporting` for other servers            |
| `keyfile`                  | TSIG keys: the files `<zone>._keys`                                     |
| `seeded_keys`, `dkim_record` | the DKIM key that a signer's seed gives, and the record that says it  |
| `certificates`             | how the certificates that the stack keeps in a zone stand               |
"""
