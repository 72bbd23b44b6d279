"""`crosswalk accounts`, as a script sees it: output, errors and status."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crosswalk.cli import main
from fixtures.scripted import FORBIDDEN, GOOD, KEY, Scripted, scripted

Run = Callable[..., Result]


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def run(tmp_path: Path, insightly: Scripted, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command with a home of its own; the environment is the command's own rim."""
    monkeypatch.delenv("CROSSWALK_API_KEY", raising=False)
    environ = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": f"{insightly.host},127.0.0.1:1",
        "CROSSWALK_DATABASE_URL": "",
        "CROSSWALK_MASTER_KEY": "",
    }
    return lambda *words, **more: CliRunner().invoke(main, ["accounts", *words], env=environ, **more)


@pytest.fixture
def add(insightly: Scripted) -> tuple[str, ...]:
    """The words that link the scripted Insightly."""
    return ("add", "acme", "--api-key", KEY, "--base-url", insightly.base_url)


def test_add(run: Run, add: tuple[str, ...]):
    """The first line is the id alone; the report follows."""
    done = run(*add)
    first, *report = done.stdout.splitlines()
    assert (0, 36, 4) == (done.exit_code, len(first), len(report))


def test_add_json(run: Run, add: tuple[str, ...]):
    """With --json the account and its report are one object."""
    answer = json.loads(run(*add, "--rate", "off", "--daily", "500", "--tenant", "t1", "--json").stdout)
    assert ("acme", "active", 0, 500, "t1", 4) == (
        answer["name"],
        answer["status"],
        answer["rate"],
        answer["daily"],
        answer["tenant_id"],
        len(answer["report"]),
    )


def test_add_from_standard_input(run: Run, insightly: Scripted):
    """A key of - is read from standard input, so that it is in no list of processes."""
    assert 0 == run("add", "acme", "--api-key", "-", "--base-url", insightly.base_url, input=f"{KEY}\n").exit_code


def test_add_from_the_environment(run: Run, insightly: Scripted, monkeypatch: pytest.MonkeyPatch):
    """Without --api-key the environment's key is used."""
    monkeypatch.setenv("CROSSWALK_API_KEY", KEY)
    assert 0 == run("add", "acme", "--base-url", insightly.base_url).exit_code


def test_plan_limits_are_lines(run: Run, add: tuple[str, ...], insightly: Scripted):
    """A 403 is a line of the report and status 0."""
    insightly.answers["/Permissions"] = FORBIDDEN
    done = run(*add)
    assert (0, True) == (done.exit_code, "-      permissions" in done.stdout)


def test_not_an_insightly(run: Run, add: tuple[str, ...], insightly: Scripted):
    """Something else at the address is said so, with status 1."""
    insightly.answers.clear()
    done = run(*add)
    assert (1, True) == (done.exit_code, "Nothing there answers as Insightly does" in done.stderr)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--api-key", "wrong", "--base-url", "HERE"), 3, "Authorization has been denied"),
        (("--api-key", KEY, "--base-url", "http://127.0.0.1:1/v3.1"), 3, "Nothing was sent"),
        (("--api-key", KEY, "--base-url", "http://example.com/v3.1"), 2, "CROSSWALK_ALLOWED_HOSTS"),
        (("--api-key", KEY, "--pod", "n/a"), 2, "is no pod"),
        (("--api-key", KEY), 2, "No pod is given"),
        (("--base-url", "HERE"), 2, "No key is given"),
        (("--api-key", "", "--base-url", "HERE"), 2, "The API key is empty"),
        (("--api-key", KEY, "--base-url", "HERE", "--rate", "0"), 2, "neither a whole number above 0 nor 'off'"),
        (("--api-key", KEY, "--base-url", "HERE", "--daily", "0"), 2, "--daily"),
    ],
)
def test_refused(run: Run, insightly: Scripted, words: tuple[str, ...], status: int, says: str):
    """What cannot be linked is one line on standard error, the right status, and nothing on standard output."""
    done = run("add", "acme", *(insightly.base_url if word == "HERE" else word for word in words))
    last = done.stderr.splitlines()[-1]
    assert (status, "", True, True) == (done.exit_code, done.stdout, last.startswith("Error: "), says in last)


def test_name_taken(run: Run, add: tuple[str, ...]):
    """A taken name is status 2."""
    run(*add)
    assert 2 == run(*add).exit_code


def test_list(run: Run, add: tuple[str, ...]):
    """The list holds name, id and status; as JSON it is an array of objects."""
    run(*add)
    found = json.loads(run("list", "--json").stdout)
    assert ([("acme", "active")], True) == (
        [(each["name"], each["status"]) for each in found],
        found[0]["id"] in run("list").stdout,
    )


def test_empty_list(run: Run):
    """No accounts are an empty array."""
    assert [] == json.loads(run("list", "--json").stdout)


def test_show(run: Run, add: tuple[str, ...]):
    """One account is found by name, and by id."""
    made = run(*add).stdout.splitlines()[0]
    by_id, by_name = json.loads(run("show", made, "--json").stdout), run("show", "acme").stdout
    assert ("acme", True) == (by_id["name"], made in by_name)


def test_check(run: Run, add: tuple[str, ...]):
    """A check prints the status and the report."""
    run(*add)
    done = run("check", "acme")
    assert (0, "acme active", 5) == (done.exit_code, done.stdout.splitlines()[0], len(done.stdout.splitlines()))


def test_check_refused(run: Run, add: tuple[str, ...], insightly: Scripted):
    """A key that is refused now is status 3."""
    run(*add)
    insightly.key = "changed"
    assert 3 == run("check", "acme").exit_code


def test_remove(run: Run, add: tuple[str, ...]):
    """A removed account is gone."""
    run(*add)
    assert (0, []) == (run("remove", "acme").exit_code, json.loads(run("list", "--json").stdout))


@pytest.mark.parametrize("command", ["show", "check", "remove"])
def test_unknown(run: Run, command: str):
    """An unknown account is one line and status 2."""
    done = run(command, "nobody")
    assert (2, "Error: No account is named 'nobody'. `crosswalk accounts list` lists them\n") == (
        done.exit_code,
        done.stderr,
    )


def test_master_key_lost(run: Run, add: tuple[str, ...], tmp_path: Path):
    """When the home's master key is gone, no other is made in its place."""
    run(*add)
    (tmp_path / "home" / "master.key").unlink()
    done = run("check", "acme")
    assert (2, True, False) == (
        done.exit_code,
        "no master key to open them" in done.stderr,
        (tmp_path / "home" / "master.key").exists(),
    )


def test_key_shows_nowhere(run: Run, add: tuple[str, ...], insightly: Scripted, tmp_path: Path):
    """No command prints the key, and no file of the home holds it."""
    outputs = [run(*add, "--json"), run("list", "--json"), run("show", "acme"), run("check", "acme")]
    insightly.key = "changed"
    outputs.append(run("check", "acme"))
    files = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(KEY in f"{done.output}{done.exception!r}" for done in outputs)
    assert not any(KEY.encode() in content for content in files)


def test_show_budget(run: Run, add: tuple[str, ...]):
    """What is left of the day is shown with the account, as far as it is known."""
    run(*add, "--daily", "50", "--reserve", "20")
    shown = run("show", "acme").stdout
    assert "of 50 calls a day" in shown
    budget = json.loads(run("show", "acme", "--json").stdout)["budget"]
    assert (50, 10, 50) == (budget["quota"], budget["reserved"], budget["spent"] + budget["remaining"])


def test_change(run: Run, add: tuple[str, ...]):
    """Limits that are named change, the others stay."""
    run(*add, "--rate", "5", "--daily", "50")
    changed = json.loads(run("change", "acme", "--reserve", "0", "--daily", "off", "--json").stdout)
    assert (5, None, 0) == (changed["rate"], changed["daily"], changed["reserve"])
    assert "rate off" in run("change", "acme", "--rate", "off").stdout


@pytest.mark.parametrize("words", [(), ("--reserve", "101"), ("--daily", "0"), ("--rate", "-1")])
def test_change_refused(run: Run, add: tuple[str, ...], words: tuple[str, ...]):
    """Nothing to change, or a value of no use, is wrong use."""
    run(*add)
    assert 2 == run("change", "acme", *words).exit_code


def test_pace(run: Run, add: tuple[str, ...]):
    """The replay tells the calls that linking made, and that no second held too many."""
    run(*add)
    shown = json.loads(run("pace", "acme", "--json").stdout)
    assert (True, 10) == (shown["kept"], shown["allowed"])
    assert 0 < shown["calls"] == shown["most_in_a_second"] == shown["calls_today"]


def test_pace_not_kept(run: Run, add: tuple[str, ...]):
    """When a second held more calls than are allowed now, the replay says so by its status."""
    run(*add)
    run("change", "acme", "--rate", "1")
    assert 1 == run("pace", "acme").exit_code
