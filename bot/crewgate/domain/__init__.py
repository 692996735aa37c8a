"""The types and rules of reviews: pure, synchronous, standard library only."""
