"""Starting a crew from Slack."""
