"""The use cases: one function for each thing that can happen; `ports` are for the outside."""
