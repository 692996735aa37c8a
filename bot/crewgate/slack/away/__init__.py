"""Going away: somebody else decides meanwhile; and coming back."""
