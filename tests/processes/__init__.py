"""Tests that start the real processes and stop them, sometimes rudely."""
