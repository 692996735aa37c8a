"""A deployed crew: its payloads in both directions, and the calls to it."""
