"""What Prometheus reads: the state of the work from the database, and the requests of this process."""
