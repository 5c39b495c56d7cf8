"""The process for endless streams: consoles and measurements of unikernels, for all who look at them."""
