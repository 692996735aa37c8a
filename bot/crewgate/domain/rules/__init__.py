"""Rules for matching reviews: who may decide, how many, where, and what time brings."""
