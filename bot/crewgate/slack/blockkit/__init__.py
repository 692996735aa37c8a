"""Slack's blocks and texts as small functions; no product words."""
