"""Every write to desired state, one function each: validate, authorize, write, audit, mark; one transaction.

HTML forms, the API, commands and jobs all come through here.
"""
