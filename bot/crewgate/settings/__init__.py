"""Frozen settings, read once; errors name the variable."""
