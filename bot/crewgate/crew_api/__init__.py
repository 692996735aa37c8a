"""The vendor's side of the documented crew API, for the host and the demo's crew.

The bot's own parsers in `crewai` share nothing with it, so that a mistake in one is not hidden by a
like one in the other.
"""
