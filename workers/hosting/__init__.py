"""What to do on a host: compared, decided and watched. No Django here, and no I/O but albatross's client."""
