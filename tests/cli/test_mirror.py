"""Destinations that mirror, as a script sees them: what leaves Insightly, and what never does."""

import json

import pytest
from click.testing import CliRunner

from crosswalk.cli import main

FIELDS = ("--map", "FIRST_NAME=first", "--map", "EMAIL_ADDRESS=mail")
UPSERT = ("--account", "demo", "--template", "upsert-contact", "--match", "EMAIL_ADDRESS", *FIELDS)


@pytest.fixture
def crosswalk(tmp_path, insightly, database_url):
    """Runs a command on both databases; the destination `people` of `demo` mirrors up to half of its records."""
    environ = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_DATABASE_URL": database_url if database_url.startswith("postgres") else "",
        "CROSSWALK_MASTER_KEY": "",
        "CROSSWALK_REQUEST_TIMEOUT": "1",
        "CROSSWALK_SETTLE_AFTER": "1",
    }

    def run(*words, status=0):
        done = CliRunner().invoke(main, [*map(str, words)], env=environ)
        assert status == done.exit_code, done.output
        return done.stdout

    run.environ = environ
    run("accounts", "add", "demo", "--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
    run("destinations", "create", "people", *UPSERT, "--mirror", "--max-delete-share", "0.5")
    run("destinations", "activate", "people")
    return run


@pytest.fixture
def mirror(crosswalk, tmp_path):
    """Runs the destination over people; answers the run."""

    def mirror(*people, status=0):
        path = tmp_path / "people.csv"
        path.write_text("first,mail\n" + "".join(f"{first},{mail}\n" for first, mail in people))
        done = json.loads(crosswalk("destinations", "run", "people", path, "--json", status=status))
        return json.loads(crosswalk("runs", "show", done["run"], "--json"))

    return mirror


def mails(insightly):
    """The addresses of the contacts that are there, but for those of the sandbox."""
    found = (row[0] for row in insightly.records("contacts", ("EMAIL_ADDRESS",)))
    return sorted(mail for mail in found if mail and mail.endswith("@x.org"))


ANN, BO, CY = ("Pat", "ann@x.org"), ("Pat", "bo@x.org"), ("Pat", "cy@x.org")


def test_what_left_the_source_is_deleted(mirror, insightly, crosswalk):
    """A record whose row is gone is deleted, counted apart, and kept as a tombstone; one whose row is back is made."""
    mirror(ANN, BO, CY)
    run = mirror(ANN, CY)
    assert (["ann@x.org", "cy@x.org"], 2) == (mails(insightly), run["read"])
    assert (1, True) == (run["derived"], "The mirror deleted 1 records" in run["reason"])
    tomb = json.loads(crosswalk("deliveries", "show", run["id"], "-1", "--json"))
    assert ("delivered", "bo@x.org") == (tomb["state"], tomb["row"]["EMAIL_ADDRESS"])
    mirror(ANN, BO, CY)
    assert ["ann@x.org", "bo@x.org", "cy@x.org"] == mails(insightly)


def test_too_much(mirror, insightly):
    """Nothing is deleted when more than the share would go; the rows are delivered all the same."""
    mirror(ANN, BO, CY)
    run = mirror(("New", "ann@x.org"))
    assert ("finished", True) == (run["state"], "2 of 3 records are gone" in run["reason"])
    assert 3 == len(mails(insightly))


def test_rows_that_cannot_be_read(mirror, insightly):
    """Nothing is deleted when a row is dead: its record may only seem gone."""
    mirror(ANN, BO)
    assert "may only seem gone" in mirror(ANN, ("", "bo@x.org"), status=1)["reason"]
    assert ["ann@x.org", "bo@x.org"] == mails(insightly)


def test_empty(mirror, insightly):
    """An empty source deletes nothing."""
    mirror(ANN)
    assert "has no rows" in mirror()["reason"]
    assert ["ann@x.org"] == mails(insightly)


def test_only_its_own(mirror, insightly, crosswalk, tmp_path):
    """What another run has made stays, whatever the destination's source says."""
    path = tmp_path / "others.csv"
    path.write_text("first,mail\nPat,other@x.org\n")
    crosswalk("send", path, *UPSERT)
    mirror(ANN, BO)
    mirror(ANN)
    assert ["ann@x.org", "other@x.org"] == mails(insightly)


def test_gone_already(mirror, insightly, crosswalk):
    """A record that somebody deleted before is no failure."""
    mirror(ANN, BO)
    id_ = next(row[0] for row in insightly.records("contacts", ("CONTACT_ID", "EMAIL_ADDRESS")) if row[1] == BO[1])
    words = ("--base-url", insightly.base_url, "--api-key", insightly.key)
    crosswalk("delete", "contacts", id_, *words)
    assert "deleted 1 records" in mirror(ANN)["reason"]
    assert mirror(ANN)["reason"] is None


def test_deletions_that_fail_are_repeated(mirror, insightly):
    """A deletion whose answer is lost is repeated; it counts as done when the record is gone."""
    mirror(ANN, BO)
    insightly.faults({"method": "DELETE", "fault": "status", "status": 502, "commit": True, "count": 1})
    assert "deleted 1 records" in mirror(ANN)["reason"]
    assert ["ann@x.org"] == mails(insightly)


@pytest.fixture
def rehearse(crosswalk, tmp_path, insightly):
    """Runs the destination over people dry; answers what is told, and that nothing was called."""

    def rehearse(*people, status=0):
        path = tmp_path / "dry.csv"
        path.write_text("first,mail\n" + "".join(f"{first},{mail}\n" for first, mail in people))
        before = insightly.control("GET", "log")
        made = json.loads(crosswalk("destinations", "run", "people", path, "--dry-run", "--json", status=status))
        assert before == insightly.control("GET", "log")
        return made

    return rehearse


def test_dry_run(mirror, rehearse, insightly):
    """A dry run tells which records would be deleted and what rows come to; the run then does that and nothing else."""
    mirror(ANN, BO, CY)
    made = rehearse(ANN, ("Patricia", "CY@x.org"), ("New", "new@x.org"))
    told = {name: made[name] for name in ("rows", "creates", "updates", "unchanged", "looks", "refused")}
    assert {"rows": 3, "creates": 0, "updates": 1, "unchanged": 1, "looks": 1, "refused": 0} == told
    (deletion,) = made["mirror"].pop("deletions")
    assert {"gone": 1, "own": 3, "share": 1 / 3, "objection": None} == made["mirror"]
    ids = {row[1]: str(row[0]) for row in insightly.records("contacts", ("CONTACT_ID", "EMAIL_ADDRESS"))}
    assert {"value": "bo@x.org", "remote_id": ids["bo@x.org"]} == deletion
    assert 4 == made["forecast"]["calls"]
    mirror(ANN, ("Patricia", "CY@x.org"), ("New", "new@x.org"))
    assert ["CY@x.org", "ann@x.org", "new@x.org"] == mails(insightly)


def test_dry_run_that_would_delete_nothing(mirror, rehearse, crosswalk, tmp_path):
    """What would keep the mirror from deleting is said beforehand: too large a share, rows that are refused, none."""
    mirror(ANN, BO, CY)
    assert "would delete nothing: 2 of 3 records" in rehearse(ANN)["mirror"]["objection"]
    refused = rehearse(ANN, BO, ("", "cy@x.org"), ("Pat", ""), status=1)
    assert ([3, 4], True) == (
        [each["row"] for each in refused["reasons"]],
        "may only seem gone" in refused["mirror"]["objection"],
    )
    assert "has no rows" in rehearse()["mirror"]["objection"]
    path = tmp_path / "people.csv"
    path.write_text("first,mail\nPat,ann@x.org\nPat,bo@x.org\n")
    told = crosswalk("destinations", "run", "people", path, "--dry-run")
    assert all(
        each in told
        for each in (
            "2 rows. Nothing was sent.",
            "2  say nothing new",
            "1 of its 3 records",
            "would be deleted: cy@x.org",
        )
    ), told


def test_dry_run_queues_nothing(crosswalk):
    """A dry run is neither put off, nor asked of an account without being dry."""
    for words in (("--dry-run", "--later"), ("--ask-account",)):
        crosswalk("destinations", "run", "people", "people.csv", *words, status=2)


def test_no_test_of_an_upsert(crosswalk, insightly, tmp_path):
    """An upsert is tested by no call of its own: that could double what is there."""
    rows = tmp_path / "rows.json"
    rows.write_text('[{"first": "Pat", "mail": "ann@x.org"}]')
    words = ("destinations", "test", "people", "--rows", str(rows))
    done = CliRunner().invoke(main, words, env=crosswalk.environ)
    assert (2, True) == (done.exit_code, "is no single call" in " ".join(done.stderr.split()))
    assert [] == mails(insightly)
