"""The crew's side of CrewAI's documented API, for the host and the demo's crew.

It shares no code with the bot's parsers in `crewai`, so that no mistake is made on both sides.
"""
