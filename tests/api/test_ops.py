"""What operators are given: every metric, command, path and variable that the files name is there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from crosswalk.cli import main

ROOT = Path(__file__).parent.parent.parent
OPS = ROOT / "ops"
METRIC = re.compile(r"\b(?:crosswalk|process)_[a-z_]+\b")
VARIABLE = re.compile(r"\bCROSSWALK_[A-Z_]+\b")
GUIDE = (ROOT / "docs/operations.md").read_text()


def rules() -> list[dict[str, object]]:
    """Every alert."""
    (group,) = yaml.safe_load((OPS / "prometheus/alerts.yml").read_text())["groups"]
    return group["rules"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the alerts and of the dashboard, under its name."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in json.loads((OPS / "grafana/crosswalk.json").read_text())["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


def check_command(words: list[str]) -> None:
    """Raise unless the command line takes these words; nothing is run."""
    command = find_command(words)
    command.make_context(command.name, words)


def find_command(words: list[str]) -> click.Command:
    """The command that these words name; its name is taken out of them."""
    command: click.Command | None = main
    while isinstance(command, click.Group) and words:
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None
    return command


@pytest.fixture
async def served(caller) -> set[str]:
    """The names of the series that a scrape answers."""
    answer = await (await caller("admin.metrics:read")).get("/metrics")
    names: set[str] = set()
    for family in text_string_to_metric_families(answer.text):
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        names |= {f"{family.name}{end}" for end in ends}
    return names


async def test_every_metric_is_served(served: set[str]):
    """A dashboard or an alert that asks for what is not there would be silent for ever."""
    asked = {metric for _, expr in expressions() for metric in METRIC.findall(expr)}
    assert len(asked) > 15
    assert set() == asked - served


async def test_every_metric_is_told_of(served: set[str]):
    """Each of our metrics stands in the guide."""
    plain = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in served if name.startswith("crosswalk_")}
    assert set() == {name for name in plain if f"`{name}" not in GUIDE and f"…{name}" not in GUIDE}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alerts(rule: dict[str, object]):
    """An alert waits a while, says how bad it is and what happens, and the guide says what to do."""
    assert {"alert", "expr", "for", "labels", "annotations"} == set(rule)
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert f"### {rule['alert']}\n" in GUIDE


@pytest.mark.parametrize(("name", "expr"), list(expressions()))
def test_queries_are_whole(name: str, expr: str):
    """Brackets of every kind close in order, texts end, and no label that is not ours is asked for."""
    bare, open_ones = re.sub(r'"[^"]*"', "", expr), []
    assert '"' not in bare
    for sign in bare:
        if sign in "([{":
            open_ones.append(sign)
        elif sign in ")]}":
            assert open_ones.pop() + sign in {"()", "[]", "{}"}
    assert [] == open_ones
    assert METRIC.search(expr)


@pytest.mark.parametrize("page", ["operations", "upgrades"])
def test_commands_of_the_guides(page: str):
    """Every command that these pages tell to call is there."""
    told = re.findall(r"^crosswalk (.+)$|`crosswalk ([^`]+)`", (ROOT / f"docs/{page}.md").read_text(), re.MULTILINE)
    assert told
    for line in (first or second for first, second in told):
        words = line.split()
        command = find_command(words)
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert set() == {word for word in words if word.startswith("--")} - options, line


def test_containerfile():
    """It copies what is there, runs a command that is there, as somebody who is not root, and says how it fares."""
    text = (OPS / "Containerfile").read_text()
    lines = text.replace("\\\n", " ").splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert [] == [name for name in copied if not (ROOT / name).exists()]
    assert {"requirements.txt", "pyproject.toml", "src"} <= set(copied)
    (entry,) = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("ENTRYPOINT ")]
    (words,) = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("CMD ")]
    assert ["crosswalk"] == entry
    check_command(list(words))
    assert any(re.fullmatch(r"USER [1-9]\d*", line) for line in lines)
    (check,) = [line for line in lines if line.startswith("HEALTHCHECK ")]
    compile(json.loads(check.partition("CMD ")[2])[2], "healthcheck", "exec")
    assert f":{words[-1]}/health/ready" in check
    assert f"EXPOSE {words[-1]}" in text


def test_compose():
    """Its services run commands that are there, wait for each other, and give a run's calls time to end."""
    whole = yaml.safe_load((OPS / "compose.yml").read_text())
    services = whole["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        assert set(service.get("secrets", [])) <= set(whole["secrets"])
        if "build" in service:
            build = service["build"]
            assert (OPS / build["context"] / build["dockerfile"]).exists()
            check_command(list(service.get("command", ["serve"])))
    assert {"database", "migrate"} == set(services["serve"]["depends_on"])
    assert int(services["serve"]["stop_grace_period"].removesuffix("s")) > 35
    assert (
        whole["secrets"]["master-key"]["file"] in (ROOT / ".gitignore").read_text()
        or "ops/secrets/" in (ROOT / ".gitignore").read_text()
    )


def test_unit(tmp_path: Path):
    """Systemd takes it, where there is one; its commands are there; it is nobody's root."""
    text = (OPS / "crosswalk.service").read_text()
    for line in re.findall(r"^Exec\w+=(.+)$", text, re.MULTILINE):
        program, *words = line.split()
        assert program.endswith("/bin/crosswalk")
        check_command(words)
    assert "DynamicUser=yes" in text
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here to ask")
    unit = tmp_path / "crosswalk.service"
    unit.write_text(re.sub(r"/opt/\S+/bin/crosswalk", "/bin/true", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_every_variable_is_told_of():
    """Each variable that is read stands in the guide's table, and each that the files name is read."""
    read = set(VARIABLE.findall((ROOT / "src/crosswalk/config.py").read_text()))
    assert set() == {name for name in read if f"| `{name}` |" not in GUIDE}
    files = (path for path in OPS.rglob("*") if path.is_file() and "secrets" not in path.parts)
    assert set() == {name for path in files for name in VARIABLE.findall(path.read_text())} - read
