"""Calls to Slack: the Web API, the socket, who is who; no product words."""
