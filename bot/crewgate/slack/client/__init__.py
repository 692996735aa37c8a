"""Calls to Slack: the Web API, the socket, people and channels; no texts of cards or forms."""
