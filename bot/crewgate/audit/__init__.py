"""`crewgate audit`, and the key that signs the trail's head."""
