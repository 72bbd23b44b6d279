"""Destinations that mirror, as a script sees them: what leaves Insightly, and what never does."""

import json

import pytest
from click.testing import CliRunner

from crosswalk.cli import main

FIELDS = ("--map", "FIRST_NAME=first", "--map", "EMAIL_ADDRESS=mail")
UPSERT = ("--account", "demo", "--template", "upsert-contact", "--match", "EMAIL_ADDRESS", *FIELDS)


@pytest.fixture
def crosswalk(tmp_path, insightly):
    """Runs a command; the account `demo` is linked, and the destination `people` mirrors up to half of its records."""
    environ = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_DATABASE_URL": "",
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


def test_no_test_of_an_upsert(crosswalk, insightly, tmp_path):
    """An upsert is tested by no call of its own: that could double what is there."""
    rows = tmp_path / "rows.json"
    rows.write_text('[{"first": "Pat", "mail": "ann@x.org"}]')
    words = ("destinations", "test", "people", "--rows", str(rows))
    done = CliRunner().invoke(main, words, env=crosswalk.environ)
    assert (2, True) == (done.exit_code, "is no single call" in " ".join(done.stderr.split()))
    assert [] == mails(insightly)
