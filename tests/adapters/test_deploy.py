"""What deploy/ promises, as far as the files say it."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from servers import SCRIPT
from small import REPOSITORY


@pytest.fixture(scope="module")
def compose() -> Any:
    return YAML(typ="safe").load(REPOSITORY / "deploy" / "compose.yaml")


@pytest.fixture(scope="module")
def services(compose: Any) -> Any:
    return compose["services"]


@pytest.fixture(scope="module")
def local() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("local", SCRIPT)
    assert spec
    assert spec.loader
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def filled(text: str, given: Mapping[str, str]) -> str:
    """What compose makes of a text with variables."""

    def value(found: re.Match[str]) -> str:
        return given.get(found[1]) or (found[3] if found[2] == ":-" else "")

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", value, text)


def understood(words: list[str], environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What MLflow's own command line makes of a command and its environment."""
    from mlflow.cli import server

    assert words[:2] == ["mlflow", "server"]
    with patch.context() as during:
        for name, text in environment.items():
            if text:
                during.setenv(name, text)
        return dict(server.make_context("mlflow server", words[2:]).params)


SIGN_IN = ("--auth", "--allowed-hosts", "a.example.org:*")
OPTIONS = {"FERLAB_SERVER_OPTIONS": "--app-name basic-auth", "FERLAB_ALLOWED_HOSTS": "a.example.org:*"}


@pytest.mark.long  # MLflow's command line takes seconds to load
@pytest.mark.filterwarnings("default")  # and warns of itself
@pytest.mark.parametrize(("words", "given"), [((), {}), (SIGN_IN, OPTIONS)])
def test_both_ways_start_the_same_server(
    words: tuple[str, ...], given: dict[str, str], services: Any, local: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many workers, ports, forms of sign-in and places for artifacts; they differ in where those are."""
    service = services["server"]
    asked = local.options().parse_args(["/srv/ferlab", *words])
    theirs = understood(*local.server_words(asked, "postgresql+psycopg2://ferlab@database:5432"), monkeypatch)
    ours = understood(
        shlex.split(filled(service["command"], given), comments=True),
        {name: filled(str(value), given) for name, value in service["environment"].items()},
        monkeypatch,
    )
    assert (theirs.pop("host"), ours.pop("host")) == ("127.0.0.1", "0.0.0.0")
    assert (theirs.pop("artifacts_destination"), ours.pop("artifacts_destination")) == (
        "/srv/ferlab/artifacts", "/artifacts"
    )  # fmt: skip
    if not given:  # what a server in a container takes for its own name has to be said
        assert (theirs.pop("allowed_hosts"), ours.pop("allowed_hosts")) == (None, "localhost:*,127.0.0.1:*")
    assert ours == theirs
    assert service["ports"][0].endswith(f":{asked.port}:{ours['port']}")


def test_both_ways_make_the_same_databases_with_the_same_secrets(services: Any, local: ModuleType) -> None:
    told = services["database"]["environment"]
    more = (REPOSITORY / "deploy" / "databases.sql").read_text()
    assert {told["POSTGRES_DB"], *re.findall(r"CREATE DATABASE (\w+)", more)} == set(local.DATABASES)
    assert told["POSTGRES_USER"] == local.OWNER
    asked = {name for service in services.values() for name in re.findall(r"\$\{(\w+)", str(service["environment"]))}
    assert asked - {"FERLAB_ALLOWED_HOSTS"} == {local.PASSWORD, *local.SIGN_IN}
    assert told["POSTGRES_PASSWORD"].startswith(f"${{{local.PASSWORD}:?")  # no start without it


def test_what_services_lean_on_is_there(compose: Any) -> None:
    """Volumes, files and other services; and no key that compose doesn't know."""
    services, known = compose["services"], {"image", "build", "environment", "ports", "volumes", "healthcheck"}
    assert set(compose) == {"name", "services", "volumes"}
    for service in services.values():
        assert set(service) <= known | {"restart", "depends_on", "command"}
        assert set(service.get("depends_on", {})) <= set(services)
        for source in (volume.split(":")[0] for volume in service["volumes"]):
            assert source in compose["volumes"] or (REPOSITORY / "deploy" / source).is_file()
    assert {source for one in services.values() for source in (v.split(":")[0] for v in one["volumes"])} >= set(
        compose["volumes"]
    )


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
