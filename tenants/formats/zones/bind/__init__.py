"""Zone files as people and other servers write them (RFC 1035 §5): `importing` and `exporting`.

An import goes through `lines` (words of each statement), `rdata` (what they say, by dnspython) and `records`
(owner, TTL, and what is changed on the way).
"""
