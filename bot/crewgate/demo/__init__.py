"""Stand-ins for Slack and a crew, and the story they play with the real bot."""
