"""`crosswalk send --template upsert-…` as a script sees it: calls spent, records in Insightly, what is said."""

import json

import pytest
from click.testing import CliRunner

from crosswalk.cli import main

MAP = ("--map", "FIRST_NAME=first", "--map", "EMAIL_ADDRESS=mail", "--map", "PHONE=phone")
UPSERT = ("--template", "upsert-contact", "--match", "EMAIL_ADDRESS", *MAP)
FIELDS = ("EMAIL_ADDRESS", "PHONE", "FIRST_NAME")


@pytest.fixture
def crosswalk(tmp_path, insightly):
    """Runs a command; the account `demo`, without a limit, is linked."""
    environ = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_DATABASE_URL": "",
        "CROSSWALK_MASTER_KEY": "",
        "CROSSWALK_REQUEST_TIMEOUT": "1",
        "CROSSWALK_SETTLE_AFTER": "1",
    }

    def run(*words):
        return CliRunner().invoke(main, [*map(str, words)], env=environ)

    words = ("--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
    linked = run("accounts", "add", "demo", *words)
    assert 0 == linked.exit_code, linked.output
    return run


@pytest.fixture
def upsert(crosswalk, tmp_path):
    """Upserts people, given as (mail, phone); answers the summary."""

    def upsert(*people, more=(), status=0):
        path = tmp_path / "people.csv"
        path.write_text("first,mail,phone\n" + "".join(f"Pat,{mail},{phone}\n" for mail, phone in people))
        done = crosswalk("send", path, "--account", "demo", *UPSERT, "--again", "--json", *more)
        assert status == done.exit_code, done.output
        return json.loads(done.stdout)

    return upsert


def cost(summary, state="delivered"):
    """The calls of a run, and its rows in one state."""
    return summary["calls"], summary[state]


def phones(insightly):
    """Every contact of ours: its phone by its address; an address that two have fails."""
    found = [row for row in insightly.records("contacts", FIELDS) if row[2] == "Pat"]
    assert len(found) == len({row[0] for row in found}), "a record was doubled"
    return {row[0]: row[1] for row in found}


def test_calls(upsert, insightly):
    """Unknown rows cost two calls, remembered ones one, unchanged ones none."""
    ann, bo = ("ann@x.org", "1"), ("bo@x.org", "2")
    assert (4, 2) == cost(upsert(ann, bo))
    again = upsert(ann, ("bo@x.org", "3"), ("cy@x.org", "4"))
    assert (3, 2, 1) == tuple(again[name] for name in ("calls", "delivered", "unchanged"))
    assert {"ann@x.org": "1", "bo@x.org": "3", "cy@x.org": "4"} == phones(insightly)


def test_found(upsert, insightly):
    """A record that was there before is found, changed and remembered; case and spaces make no difference."""
    upsert(("Ann@X.org", "1"))
    done = upsert(("ann@x.org", "2"))
    assert (1, 1) == (done["calls"], done["delivered"])
    assert {"ann@x.org": "2"} == phones(insightly)


def test_every_row(upsert):
    """With --every-row unchanged rows are sent; with --verify each record is looked for first."""
    upsert(("ann@x.org", "1"))
    assert (1, 1) == cost(upsert(("ann@x.org", "1"), more=["--every-row"]))
    assert (2, 1) == cost(upsert(("ann@x.org", "1"), more=["--verify"]))


def test_two_rows_of_one_record(upsert, insightly):
    """Rows of one key are one record: the later row wins."""
    done = upsert(("ann@x.org", "1"), ("ANN@x.org", "2"))
    assert (1, 1) == (done["delivered"], done["superseded"])
    assert ["2"] == list(phones(insightly).values())


def test_ambiguous(upsert, insightly, crosswalk, tmp_path):
    """Two records with the value: the row is dead, with both ids, and nothing is written."""
    path = tmp_path / "twins.csv"
    path.write_text("first,mail,phone\nPat,ann@x.org,1\nPat,ann@x.org,2\n")
    crosswalk("send", path, "--account", "demo", "--template", "create-contact", *MAP)
    done = upsert(("ann@x.org", "3"), status=1)
    assert (1, 1) == (done["dead"], done["calls"])
    shown = crosswalk("runs", "show", done["run"]).stdout
    ids = [str(row[0]) for row in insightly.records("contacts", ("CONTACT_ID", "FIRST_NAME")) if row[1] == "Pat"]
    assert all(each in shown for each in ids)


def test_gone(upsert, insightly, crosswalk):
    """A remembered record that was deleted is forgotten, looked for once and made anew."""
    upsert(("ann@x.org", "1"))
    id_ = next(row[0] for row in insightly.records("contacts", ("CONTACT_ID", "FIRST_NAME")) if row[1] == "Pat")
    words = ("--base-url", insightly.base_url, "--api-key", insightly.key)
    done = crosswalk("delete", "contacts", id_, *words)
    assert 0 == done.exit_code, done.output
    done = upsert(("ann@x.org", "2"))
    assert (3, 1) == (done["calls"], done["delivered"])
    assert (1, 1) == cost(upsert(("ann@x.org", "3")))
    assert {"ann@x.org": "3"} == phones(insightly)


def test_unknown_creation(upsert, insightly):
    """A creation whose answer was lost is found again, adopted and remembered: no record is doubled."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 502, "commit": True})
    assert 1 == upsert(("ann@x.org", "1"))["delivered"]
    insightly.faults()
    assert (1, 1) == cost(upsert(("ann@x.org", "2")))
    assert {"ann@x.org": "2"} == phones(insightly)


def test_not_written(upsert, insightly):
    """A refused row is not remembered as sent: the next run sends it again."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 400})
    assert 1 == upsert(("ann@x.org", "1"), status=1)["dead"]
    insightly.faults()
    assert 1 == upsert(("ann@x.org", "1"))["delivered"]


def test_forget(upsert, crosswalk):
    """What is forgotten is looked for again, and found; another object's memory stays, and so it does on a slip."""
    upsert(("ann@x.org", "1"))
    assert "Forgot 0 records" in crosswalk("accounts", "forget", "demo", "--object", "leads").stdout
    wrong = crosswalk("accounts", "forget", "demo", "--object", "contcats")
    assert (2, True) == (wrong.exit_code, "Contacts" in wrong.stderr)
    forgot = json.loads(crosswalk("accounts", "forget", "demo", "--object", "contacts", "--json").stdout)
    assert 1 == forgot["forgotten"]
    assert (2, 1) == cost(upsert(("ann@x.org", "1")))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--template", "upsert-contact", *MAP), "needs --match"),
        ((*UPSERT, "--mirror"), "belongs to a destination"),
        ((*UPSERT, "--grouping", "json_array"), "a batch holds many"),
        (("--template", "create-contact", *MAP, "--verify"), "nothing to verify"),
        (("--template", "create-contact", *MAP, "--changed-only"), "changes no single record"),
    ],
)
def test_wrong_use(crosswalk, tmp_path, words, says):
    """What cannot work is said before any call."""
    path = tmp_path / "people.csv"
    path.write_text("first,mail,phone\nPat,ann@x.org,1\n")
    done = crosswalk("send", path, "--account", "demo", *words)
    assert (2, True) == (done.exit_code, says in " ".join(done.stderr.split())), done.output


def test_only_if_empty(crosswalk, insightly, tmp_path):
    """A field that is filled only if empty is read first where a record is changed; an unchanged row reads nothing."""
    mapping, path = tmp_path / "mapping.json", tmp_path / "people.csv"
    rules = {"FIRST_NAME": "first", "EMAIL_ADDRESS": "mail", "PHONE": "phone"}
    whole = {name: {"column": column} for name, column in rules.items()} | {
        "TITLE": {"column": "title", "write": "only_if_empty"}
    }
    mapping.write_text(json.dumps(whole))

    def send(phone, title):
        path.write_text(f"first,mail,phone,title\nPat,ann@x.org,{phone},{title}\n")
        words = ("--template", "upsert-contact", "--match", "EMAIL_ADDRESS", "--mapping", mapping, "--again", "--json")
        done = crosswalk("send", path, "--account", "demo", *words)
        assert 0 == done.exit_code, done.output
        return json.loads(done.stdout)

    assert (2, 1) == cost(send("1", "Dr"))
    assert (2, 1) == cost(send("2", "Prof"))
    assert (0, 1) == cost(send("2", "Prof"), "unchanged")
    titles = insightly.records("contacts", ("EMAIL_ADDRESS", "TITLE", "PHONE"))
    assert ("ann@x.org", "Dr", "2") in titles


def test_updates_that_changed(crosswalk, insightly, tmp_path):
    """Updates by id remember too, when they are asked to: a row that says the same again costs no call."""
    id_ = insightly.records("contacts", ("CONTACT_ID",))[0][0]
    path = tmp_path / "phones.csv"
    path.write_text(f"id,phone\n{id_},5\n")
    words = ("--template", "update-contact", "--id-field", "id", "--map", "PHONE=phone", "--changed-only")

    def send():
        return json.loads(crosswalk("send", path, "--account", "demo", *words, "--again", "--json").stdout)

    assert (1, 1) == cost(send())
    assert (0, 1) == cost(send(), "unchanged")
    path.write_text(f"id,phone\n{id_},6\n")
    assert (1, 1) == cost(send())
