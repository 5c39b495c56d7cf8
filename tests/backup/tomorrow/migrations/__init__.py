"""Migrations as the next release may have them, for tests."""
