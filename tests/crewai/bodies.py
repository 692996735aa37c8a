"""Bodies as crews send them."""

import json
from typing import Any

EXECUTION = "7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b"


def a_notification_body(**changes: Any) -> bytes:
    fields = {"execution_id": EXECUTION, "task_id": "research_task", "task_output": "text"}
    return json.dumps(fields | changes).encode()
