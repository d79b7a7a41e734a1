"""Times every step of a cycle as an operator runs it, beside the limits of the same machine: `make bench`."""
