"""Which Rookery this is. A test holds it equal to `pyproject.toml`, which installations do not have."""

VERSION = "0.1.0"
