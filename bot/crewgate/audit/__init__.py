"""`crewgate audit`, and the key that signs heads of the audit trail."""
