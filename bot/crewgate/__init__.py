"""Crewgate: a human's decision, between a paused CrewAI crew and the people in Slack."""

__version__ = "0.2.0"
USER_AGENT = f"crewgate/{__version__}"
