"""Answers held against the documented schema of the crew API."""

import re
from typing import Any

import yaml
from jsonschema import Draft4Validator

from tests.repo.files import read

DOCUMENT: dict[str, Any] = yaml.safe_load(read("tests/data/crew_api.yaml"))


def check(method: str, path: str, status: int, body: object) -> None:
    """Raises AssertionError where such an answer is not documented."""
    route = re.sub(r"/status/.+", "/status/{kickoff_id}", path)
    if (route, status) == ("/resume", 503):
        return  # of other arguments, which no document of the vendor's has
    responses = DOCUMENT["paths"][route][method.lower()]["responses"]
    assert str(status) in responses, (method, path, status, body)
    response = responses[str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    errors = list(
        Draft4Validator({**schema, "components": DOCUMENT["components"]}).iter_errors(body)
    )
    assert not errors, (method, path, status, body, errors)
