"""Work that is no pass over a sync target: mails, webhooks, look-ups, exports, fetched images and the like.

Each module says which of its rows are due, takes one for a while and does it. The sweep hints at what is due
(`workers/sweeper.py`), a task does one row (`workers/tasks.py`).
"""
