"""A stand-in for albatross: its three daemons on Unix sockets, of any release, with the faults that people
meet. It speaks the real wire and runs nothing: its unikernels are scripts that write consoles."""
