"""What Rookery publishes: `check.check_zone` finds each `problem.Problem` of a zone.

The rules are about `names`, the `data` of one record (with `services`), one record set (`sets`) and all of
them together (`structure`).
"""
