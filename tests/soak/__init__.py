"""Real processes under load, some of them killed, on real PostgreSQL and Valkey: see CONTRIBUTING.md."""
