"""Addresses as other mail servers keep them, as rows of the import that everybody knows."""
