"""At `LOG_LEVEL=debug` each statement is a line, with its time and without its values."""

from structlog.testing import capture_logs

from crewgate.store.engine import log_statements
from tests.databases import both
from tests.usecases.world import World


@both
async def test_statements_are_logged_for_as_long_as_that_is_asked_for(world: World) -> None:
    with capture_logs() as logs, log_statements():
        await world.notify(execution_id="e-secret")
    lines = [line for line in logs if line["event"] == "statement"]
    assert any(line["sql"].startswith("INSERT INTO rounds") for line in lines)
    assert all(line["ms"] >= 0 for line in lines)
    assert "e-secret" not in str([line["sql"] for line in lines])

    with capture_logs() as logs:
        await world.notify(execution_id="e-2")
    assert not [line for line in logs if line["event"] == "statement"]
