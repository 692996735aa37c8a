"""The HTTP routes that crews, flows, callers and Slack call, and the bot's health."""
