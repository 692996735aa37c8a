"""The ports of the use cases, by counterpart; adapters implement them."""
