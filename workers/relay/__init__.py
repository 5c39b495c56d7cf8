"""What is particular to ptt's relay.git: deciding per user file, and commit trailers. No Django, no network."""
