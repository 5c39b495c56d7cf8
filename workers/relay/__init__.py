"""What is particular to ptt's relay.git: deciding per user file, commit trailers. No Django, no network."""
