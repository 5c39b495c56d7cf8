"""What ptt's primary makes of a zone file, in the order in which it does it.

`dialect` tells its two generations apart. `lexer` cuts a file into tokens, `cursor` reads pieces of it,
`records` (with `addresses`, `location`, `services`) the data of one record, `reader` all records. `tree`
holds and checks them, `write_back` writes what it holds after a dynamic update. `verdict` does all of that
and says what came of it.
"""
