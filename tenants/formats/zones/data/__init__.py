"""What records say, by type: immutable values, in `simple` (which also says what all have in common),
`digests`, `location` and `services`."""
