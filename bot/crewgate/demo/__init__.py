"""Stand-ins for Slack and a crew, and a scenario with the real bot."""
