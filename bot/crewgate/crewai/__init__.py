"""A deployed crew: what it sends and is sent, and how it is called."""
