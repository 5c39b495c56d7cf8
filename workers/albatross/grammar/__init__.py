"""The grammar of albatross's messages: for each part, how to write it (DER) and how to read it.

All context tags are explicit but one (memory in statistics). The numbers are those of the releases 1.0.0 to
2.7.2, which never gave a tag a second meaning.
"""
