"""Slack: incoming payloads, the blocks and sentences that people see, and outgoing messages."""
