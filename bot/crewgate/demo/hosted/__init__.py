"""The demo with the real CrewAI: `crewgate host` behind a proxy that shows the traffic."""
