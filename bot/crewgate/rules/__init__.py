"""`crewgate rules`: the effect of rules on stored rounds, with reasons."""
