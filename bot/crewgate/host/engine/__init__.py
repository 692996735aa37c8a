"""Everything that touches `crewai`: loading the user's crew or flow, and running it.

Only `versions` may be imported before crewai is known to be there.
"""
