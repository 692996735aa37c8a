"""One function for each thing that can happen; `ports` stand for the outside."""
