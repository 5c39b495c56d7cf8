"""Backups of the whole panel: a snapshot of all rows, images, keys, in one sealed file; and the way back."""
