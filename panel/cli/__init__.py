"""`rookery`: a client of the API for the command line. It imports the standard library and text rules only,
so that it starts at once and runs on any machine with Python."""
