"""The ways in which Slack can be made to fail."""

import json
from typing import Final

from crewgate.demo.faults import Fault


def error(code: str) -> Fault:
    """Do nothing and answer `{"ok": false, "error": code}`."""
    return Fault(code, code=200, body={"ok": False, "error": code})


def echo(code: str) -> Fault:
    """Do nothing and answer like `error`, quoting the arguments in `response_metadata`."""

    def quote(_: str, args: str) -> object:
        metadata = {"messages": [f"[ERROR] not taken: {args}"]}
        return {"ok": False, "error": code, "response_metadata": metadata}

    return Fault(code, code=200, echo=quote)


def rate_limited(retry_after: int = 1) -> Fault:
    """Do nothing and answer 429 with `Retry-After`, in seconds."""
    headers = (("Retry-After", str(retry_after)),)
    body = {"ok": False, "error": "ratelimited"}
    return Fault("rate_limited", code=429, body=body, headers=headers)


def http_status(status: int) -> Fault:
    """Do nothing and answer this status with a body that is not JSON."""
    return Fault("http_status", code=status, body="an injected fault")


def malformed(body: object) -> Fault:
    """Do nothing and answer 200 with this as JSON, whatever its shape."""
    json_ = (("Content-Type", "application/json"),)
    return Fault("malformed", code=200, body=json.dumps(body), headers=json_)


def _claims_to_share(_: str, args: str) -> object:
    files = [{"id": one["id"], "shares": {}} for one in json.loads(json.loads(args)["files"])]
    return {"ok": True, "files": files}


SHARES_NOTHING: Final = Fault("shares nothing", code=200, echo=_claims_to_share)
"""`files.completeUploadExternal`: say that the upload is complete, and share the file nowhere.

https://github.com/slackapi/python-slack-sdk/issues/1575
"""
