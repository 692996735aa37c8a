"""The settings of a bot between the stand-ins, without a file of crews."""

from crewgate.demo.crew.deployment import Deployment
from crewgate.demo.environment import WEBHOOK_SECRET, slack_settings
from crewgate.demo.workspace.workspace import Workspace


def settings(workspace: Workspace, crew: Deployment) -> dict[str, str]:
    """Return the environment variables of one crew without a file, and so without rules."""
    return slack_settings(workspace) | {
        "CREW_NAME": crew.name,
        "CREW_URL": crew.url,
        "CREW_TOKEN": crew.token,
        "CREW_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
