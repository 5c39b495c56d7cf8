"""The bench: each goal beside its floor or its rival, both measured in the same run."""
