"""What to write into a zone repository, decided from what is wanted, what is outside, and what was proved.

Pure: `outside` puts the file and the transferred zone together, `decide` plans one zone, `keys` the key
files, `plan` the whole repository, `guard` says when a person has to look first.
"""
