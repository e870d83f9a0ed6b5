"""Containers: every process, a health check each, and no secret that anybody could know."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from config import servers

SECRETS = {"SECRET_KEY", "CALLBACK_SECRET", "POSTGRES_PASSWORD"}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """The file as YAML, merges done."""
    read: dict[str, Any] = yaml.safe_load((servers.ROOT / "docker-compose.yml").read_text())
    return read


def test_every_process_is_there(composed: dict[str, Any]) -> None:
    assert set(composed["services"]) == {"postgres", "valkey", "migrate", "web", "worker", "beat", "simulator"}
    assert composed["services"]["postgres"]["image"] == "postgres:18"


def test_every_lasting_process_has_a_health_check(composed: dict[str, Any]) -> None:
    without = {name for name, service in composed["services"].items() if "healthcheck" not in service}

    assert without == {"migrate"}


def test_what_is_named_exists(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        assert set(service) <= {
            "build", "command", "depends_on", "environment", "healthcheck", "image", "init", "ports", "restart",
            "stop_grace_period", "volumes",
        }, name  # fmt: skip
        assert set(service.get("depends_on", {})) <= set(composed["services"])
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(composed["volumes"])
        for other, condition in service.get("depends_on", {}).items():
            healthy = condition["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in composed["services"][other]


def test_secrets_have_no_default() -> None:
    text = (servers.ROOT / "docker-compose.yml").read_text()
    defaults = re.findall(r"\$\{(\w+)(?::?-([^}]*))?\}", text)

    assert {name for name, _ in defaults} >= SECRETS
    assert [default for name, default in defaults if name in SECRETS and default] == []


def test_the_example_names_every_variable_and_fills_in_no_secret() -> None:
    text = (servers.ROOT / "docker-compose.yml").read_text()
    optional = {"PRODUCTION", "LOG_LEVEL", "EMAIL_BACKEND", "DEFAULT_FROM_EMAIL", "CALLBACK_URL"}
    example = dict(
        line.split("=", 1)
        for line in (servers.ROOT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )

    assert set(example) == set(re.findall(r"\$\{(\w+)", text)) - optional
    assert {name: example[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")


def test_the_image_runs_as_nobody_special() -> None:
    lines = (servers.ROOT / "Dockerfile").read_text().splitlines()

    assert "USER trunkline" in lines
    assert any("--require-hashes" in line for line in lines)


@pytest.mark.slow
def test_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return  # the tests above stand in for it where there is no compose
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"], cwd=servers.ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
