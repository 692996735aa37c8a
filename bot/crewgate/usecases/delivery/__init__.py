"""Deliveries carry out effects: the worker, and a function for each kind of effect."""
