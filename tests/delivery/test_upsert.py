"""Upserts: which call a row becomes, by what a search has found. And after kills, every record is there once."""

import json
import os
import random
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.feed import Item, supersedes
from crosswalk.delivery.payload import Payload
from crosswalk.delivery.settle import Hit
from crosswalk.delivery.upsert import Ambiguous, Change, Make, aim_at, aim_by, wish_of
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from fixtures.served import served

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
KILLS = 25 if HARD else 3
ROWS = 600 if HARD else 120
WISH = Payload("POST", "/Contacts", {"PHONE": "1"}, "ann@x.org", (), ("EMAIL_ADDRESS", "ann@x.org"), upsert=True)
FAULTS = (
    {"route": "Contacts", "method": "POST", "fault": "latency", "ms": 5, "spread_ms": 20},
    {"route": "Contacts", "method": "POST", "fault": "status", "status": 502, "commit": True, "share": 0.05},
    {"route": "Contacts", "method": "POST", "fault": "late_commit", "seconds": 1.0, "share": 0.02},
    {"route": "Contacts", "method": "PUT", "fault": "status", "status": 502, "commit": True, "share": 0.05},
)
MAP = ("--map", "FIRST_NAME=first", "--map", "EMAIL_ADDRESS=mail", "--map", "PHONE=phone")


@pytest.mark.parametrize(("ids", "aim"), [((), Make()), (("7",), Change("7"))])
def test_aim(ids, aim):
    """No record with the value is made, one is changed."""
    assert aim == aim_by([Hit(each, None) for each in ids], WISH)


def test_ambiguous():
    """Several records are a person's to judge, who is told every one."""
    aim = aim_by([Hit("7", None), Hit("8", None)], WISH)
    assert isinstance(aim, Ambiguous)
    assert "7, 8" in aim.reason


@given(body=st.dictionaries(st.sampled_from(["PHONE", "TITLE", "FIRST_NAME"]), st.text()), id_=st.integers(1, 10**18))
def test_there_and_back(body, id_):
    """An upsert that was aimed at a record asks for the same as before."""
    wish = Payload("POST", "/Contacts", body, "a", (), ("EMAIL_ADDRESS", "a"), upsert=True)
    aimed = aim_at(wish, str(id_), "CONTACT_ID")
    assert (str(id_), id_) == (aimed.names, aimed.body["CONTACT_ID"])
    assert wish == wish_of(aimed, "CONTACT_ID")


def test_waiting_upserts_merge():
    """An upsert that waits is superseded by the next of its key; one that was sent is not."""
    waiting, sent = Item(1, WISH), Item(2, WISH, attempts=1)
    assert (True, False) == (supersedes(Item(3, WISH), waiting), supersedes(Item(3, WISH), sent))


@pytest.fixture
def crosswalk(tmp_path, database_url):
    """Starts commands in processes of their own, once with each database."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    own = {"CROSSWALK_HOME": str(tmp_path / "home"), "CROSSWALK_REQUEST_TIMEOUT": "2", "CROSSWALK_SETTLE_AFTER": "3"}
    environ = clean | own | ({} if database_url.startswith("sqlite") else {"CROSSWALK_DATABASE_URL": database_url})

    def start(*words, host=""):
        command = [sys.executable, "-c", "from crosswalk.cli import main; main()", *map(str, words)]
        env = environ | {"CROSSWALK_ALLOWED_HOSTS": host}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def finish(command):
    """Let a command end; answers its summary."""
    out, errors = command.communicate(timeout=180)
    assert command.returncode == 0, errors
    return json.loads(out) if out.startswith("{") else None


@pytest.mark.hard
def test_kills_make_no_record_twice(tmp_path, crosswalk):
    """Killed at random points and resumed each time, every record is there once, and the next run changes none."""
    rng, path = random.Random(11), tmp_path / "people.csv"
    path.write_text("first,mail,phone\n" + "".join(f"Pat,p{n}@x.org,{n}\n" for n in range(ROWS)))
    with served(Sandbox(make_recipes(sizes={"contacts": 0}, limits=Limits(enabled=False)))) as insightly:
        words = ("--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off")
        finish(crosswalk("accounts", "add", "demo", *words, host=insightly.host))
        send = ("send", path, "--account", "demo", "--template", "upsert-contact", "--match", "EMAIL_ADDRESS", *MAP)
        insightly.faults(*FAULTS)
        for _ in range(KILLS):
            running = crosswalk(*send, "--resume", "--json", host=insightly.host)
            try:
                running.communicate(timeout=rng.uniform(0.8, 1.8))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.communicate()
        done = finish(crosswalk(*send, "--resume", "--json", host=insightly.host))
        insightly.faults()
        again = finish(crosswalk(*send, "--again", "--json", host=insightly.host))
        mails = sorted(row[0] for row in insightly.records("contacts", ("EMAIL_ADDRESS",)))
    assert sorted(f"p{number}@x.org" for number in range(ROWS)) == mails
    assert (ROWS, ROWS) == (done["read"], done["delivered"])
    assert (0, ROWS) == (again["calls"], again["unchanged"])
