"""What deploy/ promises, as far as the files say it."""

import re
import subprocess
import sys
from typing import Any

import pytest
from ruamel.yaml import YAML

from small import REPOSITORY


@pytest.fixture(scope="module")
def services() -> Any:
    return YAML(typ="safe").load(REPOSITORY / "deploy" / "compose.yaml")["services"]


def test_every_port_is_this_machines_alone_by_default(services: Any) -> None:
    ports = [port for service in services.values() for port in service["ports"]]
    assert len(ports) == 2
    assert all(port.startswith("${FERLAB_BIND:-127.0.0.1}:") for port in ports)


def test_secrets_come_out_of_the_environment(services: Any) -> None:
    told = {key: value for service in services.values() for key, value in service["environment"].items()}
    secrets = [value for key, value in told.items() if re.search("PASSWORD|SECRET", key)]
    assert len(secrets) == 4
    assert all(re.fullmatch(r"\$\{\w+:[?-][^$]*\}", value) for value in secrets)
    assert not re.search(r"://[^/]*:[^/]*@", str(services))


def test_the_images_packages_are_the_locked_ones(services: Any) -> None:
    made = services["server"]["build"]["dockerfile_inline"]
    locked = dict(line.split("==") for line in (REPOSITORY / "requirements.lock").read_text().split() if "==" in line)
    for name, version in re.findall(r'"([\w-]+)(?:\[\w+\])?==([\d.]+)"', made):
        assert locked[name] == version


def test_the_script_takes_no_start_without_its_secret() -> None:
    words = [sys.executable, str(REPOSITORY / "deploy" / "local.py"), "/nowhere", "--auth"]
    done = subprocess.run(words, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "set FERLAB_DATABASE_PASSWORD, MLFLOW_AUTH_ADMIN_PASSWORD, MLFLOW_FLASK_SERVER_SECRET_KEY" in done.stderr
