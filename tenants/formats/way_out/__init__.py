"""The way out: everything of a domain as plain files, for a life without Rookery.

| module    | what                                                                        |
| --------- | --------------------------------------------------------------------------- |
| `export`  | what a domain has, with its secrets in the clear: `DomainExport`             |
| `files`   | that → the files, by path                                                    |
| `postfix` | maps for a conventional mail server                                          |
| `bind`    | keys and a zone clause for a conventional name server                        |
| `guide`   | the dated list of what to do in which order                                  |
| `archive` | files → one archive, and sealing it so that only one person can open it      |

Everything that `files` returns is secret. Only workers have what it is made of.
"""

from __future__ import annotations
