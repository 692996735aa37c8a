"""Open-source CrewAI behind the documented crew API: `crewgate host`.

A process of its own, in the user's environment and with the user's crewai. The bot never imports
anything of it. `crewai` is imported by the modules in `engine` alone, once its version is known.
"""
