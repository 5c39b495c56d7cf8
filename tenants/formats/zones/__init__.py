"""DNS zones as ptt's primary keeps them: what they are, how they are written, what it makes of them.

- Values: `names`, `data*` (by type), `record_set`, `zone`.
- Writing: `emitter` (the file, as the primary itself would write it), `keyfile` (TSIG keys).
- Reading: `zone_file`; below it `lexer`, `cursor`, `reader` and `reading_*`, the primary's own grammar.
- Judging: `verdict` (served or not, and what is written back), `rules*` (what Rookery publishes), `trial`.
- Changing: `serials`, `merge`.
- Coming and going: `bind_import`, `bind_export`; `dkim` predicts what a signer will publish.

The primary (ocaml-dns) takes a zone off the air when it cannot accept its file, and deletes the file at the next
dynamic update. All of this exists so that it never happens.
"""
