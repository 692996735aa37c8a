"""`crewgate rules`: what rules would do with stored rounds, and why they did what they did."""
