"""`crewgate rules`: the effect of rules on stored rounds, and the reasons for what they did."""
