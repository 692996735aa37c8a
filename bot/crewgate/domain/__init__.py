"""The words and rules of a review: pure, synchronous, standard library only."""
