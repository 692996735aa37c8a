"""The files of a deployment agree: container, Compose, Kubernetes, systemd."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from crewgate import __version__
from crewgate.__main__ import main
from crewgate.app import STOP_KICKOFFS_SECONDS, STOP_LISTENERS_SECONDS
from crewgate.lifecycle import STOP_LISTENING_SECONDS, STOP_WORKING_SECONDS
from crewgate.settings.load import VARIABLES
from tests.repo.files import ROOT, fences, read

#: How long an orderly stop may take; whoever kills must wait for longer.
STOP_SECONDS: Final = (
    STOP_WORKING_SECONDS + STOP_LISTENING_SECONDS + STOP_KICKOFFS_SECONDS + STOP_LISTENERS_SECONDS
)
UNIT: Final = "deploy/crewgate.service"
DEFAULTS: Final = {variable.name: variable.default for variable in VARIABLES}


def instructions(word: str) -> list[str]:
    dockerfile = read("Dockerfile").replace("\\\n", " ")
    return re.findall(rf"^{word} +(.*)$", dockerfile, flags=re.MULTILINE)


def kubernetes() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(read("deploy/kubernetes.yaml"))}


def test_every_image_that_is_named_is_of_this_version() -> None:
    for path in ("docs/install.md", "compose.yaml", "deploy/kubernetes.yaml"):
        named = re.findall(r"crewgate:([0-9]+[0-9.]+)", read(path))
        assert set(named) == {__version__}, path


def test_the_image_has_two_stages_and_copies_what_is_there_and_not_ignored() -> None:
    build, run = instructions("FROM")
    assert build == f"{run} AS build"
    ignored = read(".dockerignore").splitlines()
    assert ignored[1] == "*"
    for copied in instructions("COPY"):
        *sources, _ = copied.split()
        if not sources[0].startswith("--from=build"):
            assert all((ROOT / one).exists() and f"!{one}" in ignored for one in sources), copied


def test_the_image_runs_the_bot_itself_as_nobody_else_with_its_data_in_one_place() -> None:
    assert (instructions("ENTRYPOINT"), instructions("VOLUME")) == (['["crewgate"]'], ["/data"])
    assert all(int(user) > 0 for user in instructions("USER"))
    named = re.findall(r"(\w+)=", " ".join(instructions("ENV")))
    assert set(named) - DEFAULTS.keys() == {"HOME", "PATH", "PYTHONDONTWRITEBYTECODE"}
    assert instructions("EXPOSE") == [str(DEFAULTS["PORT"])]


@pytest.mark.parametrize("command", ["serve", "health"])
def test_the_image_uses_commands_that_exist(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f'"{command}"]' in read("Dockerfile")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: crewgate {command}")


def test_compose_waits_for_the_database_and_for_the_stop() -> None:
    services = yaml.safe_load(read("compose.yaml"))["services"]
    bot = services["bot"]
    assert set(bot["environment"]) <= DEFAULTS.keys()
    assert int(bot["stop_grace_period"].removesuffix("s")) > STOP_SECONDS
    assert bot["read_only"] is True
    database = services[next(iter(bot["depends_on"]))]
    assert "healthcheck" in database
    # Unset, the password is asked for by name; whoever copies the block may not know of it.
    password = database["environment"]["POSTGRES_PASSWORD"]
    assert password.endswith(":?}")
    assert password in bot["environment"]["DATABASE_URL"]


def test_kubernetes_runs_one_pod_on_the_file_and_waits_for_its_stop() -> None:
    found = kubernetes()
    deployment = found["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    [bot] = pod["containers"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS
    assert [str(pod["securityContext"]["runAsUser"])] == instructions("USER")
    assert [bot["volumeMounts"][0]["mountPath"]] == instructions("VOLUME")
    assert bot["securityContext"]["readOnlyRootFilesystem"] is True
    [port] = bot["ports"]
    assert port["containerPort"] == DEFAULTS["PORT"]
    probes = {name: bot[name]["httpGet"]["path"] for name in bot if name.endswith("Probe")}
    assert probes == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    [file] = bot["env"]
    assert file["name"] in DEFAULTS
    assert file["value"] == f"{bot['volumeMounts'][1]['mountPath']}/crews.toml"
    claim = pod["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert found["PersistentVolumeClaim"]["metadata"]["name"] == claim


def test_the_documents_say_how_long_a_stop_takes() -> None:
    assert f"{STOP_SECONDS} s together" in read("docs/run.md")


def test_the_unit_waits_for_the_stop() -> None:
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", read(UNIT), flags=re.MULTILINE)
    assert int(seconds) > STOP_SECONDS


def test_whoever_runs_a_command_beside_the_unit_finds_its_database() -> None:
    """`crewgate check` and `crewgate purge` would not know a value that only the unit has."""
    assert "Environment" not in read(UNIT)
    [(dotenv,)] = fences("docs/install.md", "<!-- dotenv -->")
    added = dict(line.split("=", 1) for line in dotenv.split())
    assert added.keys() <= DEFAULTS.keys()
    [state] = re.findall(r"^StateDirectory=(.*)$", read(UNIT), flags=re.MULTILINE)
    assert added["DATABASE_URL"].startswith(f"sqlite:////var/lib/{state}/")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    unit = re.sub(r"(?<=ExecStart=)\S+", sys.executable, read(UNIT))
    file = tmp_path / "crewgate.service"
    file.write_text(unit, encoding="utf-8")
    verified = subprocess.run(  # noqa: S603
        ["systemd-analyze", "verify", "--man=no", str(file)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
