"""`crosswalk datasets export` as a script sees it: the file, what is said, and the status."""

import json

import pytest
from click.testing import CliRunner

from crosswalk.cli import main


@pytest.fixture
def crosswalk(tmp_path):
    """Runs a command in a home of its own, with a dataset `people` of two records."""
    environ = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_DATABASE_URL": "", "CROSSWALK_MASTER_KEY": ""}

    def run(*words):
        return CliRunner().invoke(main, [*map(str, words)], env=environ)

    path = tmp_path / "people.csv"
    path.write_text("id,name\n1,Ann\n2,Bo\n")
    done = run("sources", "create", "file", "people", path)
    assert 0 == done.exit_code, done.output
    done = run("sources", "run", "people")
    assert 0 == done.exit_code, done.output
    return run


def test_export(crosswalk, tmp_path):
    """What is new goes to the file, as a run; the second time nothing is."""
    words = ("datasets", "export", "people", "--to", tmp_path / "out.csv", "--incremental", "--json")
    done = json.loads(crosswalk(*words).stdout)
    assert ("people", 2, 0, 2) == tuple(done[name] for name in ("dataset", "records", "after", "last"))
    assert ["id,name", "1,Ann", "2,Bo"] == (tmp_path / "out.csv").read_text().splitlines()
    assert 0 == json.loads(crosswalk(*words).stdout)["records"]
    shown = json.loads(crosswalk("runs", "show", done["run"], "--json").stdout)
    assert ("export", "finished") == (shown["kind"], shown["state"])
    target = str(tmp_path / "out.csv")
    assert {"target": target, "first": 1, "last": 2, "done": 2} == shown["export"]
    assert f"Records 1 to 2 go to {target}; written up to 2." in crosswalk("runs", "show", done["run"]).stdout
    assert f" to {target}" in crosswalk("runs", "list").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "out.exe"), "ending"),
        (("--to", "http://127.0.0.1:9/hook"), "127.0.0.1"),
        (("--to", "postgresql://db/x"), "needs a table"),
    ],
)
def test_wrong_use(crosswalk, words, says):
    """What cannot be written is said, with status 2."""
    done = crosswalk("datasets", "export", "people", *words)
    assert (2, True) == (done.exit_code, says in " ".join(done.stderr.split())), done.output
