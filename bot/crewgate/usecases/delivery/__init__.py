"""Carrying out effects: the worker, and one function for each kind."""
