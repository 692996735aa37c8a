"""What the use cases need from outside, by counterpart; adapters implement it."""
