"""The bench: each goal beside its floor or its rival, measured in the same run (`python -m tests.bench`)."""
