"""Calls to Slack: the Web API, the socket, people and channels; no product words."""
