"""`crosswalk send` as a script sees it: what arrives in Insightly, what is said, and the status."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from crosswalk.cli import main
from crosswalk.store.lock import ENGINE_LOCK, hold

FIELDS = ("FIRST_NAME", "LAST_NAME", "PHONE")
MAP = ("--map", "FIRST_NAME=first", "--map", "LAST_NAME=last", "--map", "PHONE=phone")
PEOPLE = [
    ("Émile", "O'Brien, Jr", "+1 555 0100"),
    ("Zoë", 'Łukasz "Lu" Müller', None),
    ("Ann", None, "0"),
    ("Bo", "Two\nLines", "+1 555 0103"),
]


def write(path: Path, rows: list[tuple[str | None, ...]], head: str = "first,last,phone") -> Path:
    """Write rows as CSV, quoted throughout."""
    cells = [",".join('"{}"'.format((cell or "").replace('"', '""')) for cell in row) for row in rows]
    path.write_text("\n".join([head, *cells, ""]), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path):
    """A home of its own."""
    return tmp_path / "home"


@pytest.fixture
def crosswalk(home, insightly):
    """Runs a command; the account `demo`, without a limit, is linked."""
    environ = {
        "CROSSWALK_HOME": str(home),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_DATABASE_URL": "",
        "CROSSWALK_MASTER_KEY": "",
        "CROSSWALK_REQUEST_TIMEOUT": "2",
        "CROSSWALK_SETTLE_AFTER": "3",
    }

    def run(*words):
        return CliRunner().invoke(main, [*map(str, words)], env=environ)

    linked = run(
        "accounts", "add", "demo", "--api-key", insightly.key, "--base-url", insightly.base_url, "--rate", "off"
    )
    assert 0 == linked.exit_code, linked.output
    insightly.control("DELETE", "log")
    return run


@pytest.fixture
def people(tmp_path):
    """A file of four people."""
    return write(tmp_path / "people.csv", PEOPLE)


@pytest.fixture
def send(crosswalk, people):
    """Sends the four people as contacts and reads the summary."""

    def send(*more, file=people):
        done = crosswalk("send", file, "--account", "demo", "--template", "create-contact", *MAP, "--json", *more)
        return done.exit_code, json.loads(done.stdout) if done.stdout else done.output + repr(done.exception)

    return send


@pytest.fixture
def arrived(insightly):
    """The contacts that came in after the seed's, some fields of each."""
    before = len(insightly.records("contacts", FIELDS))
    return lambda: insightly.records("contacts", FIELDS)[before:]


def tally(summary):
    """The states that any row is in."""
    zero = ("run", "calls", "seconds", "stopped", "read")
    return {name: number for name, number in summary.items() if number and name not in zero}


def test_every_row_arrives_whole(send, arrived):
    """Every row is a contact, field by field: accents, quotes, commas, line breaks, empty cells."""
    status, summary = send()
    assert (0, 4, {"delivered": 4}) == (status, summary["calls"], tally(summary))
    assert sorted(PEOPLE) == sorted(arrived())


def test_dry_run_sends_nothing(crosswalk, people, insightly, home):
    """A dry run shows payloads and the call count, and touches neither Insightly nor the journal."""
    done = crosswalk("send", people, "--account", "demo", "--template", "create-contact", *MAP, "--dry-run")
    assert (0, 0) == (done.exit_code, insightly.calls("POST"))
    assert '"FIRST_NAME": "Émile"' in done.stdout
    assert "4 rows: 4 calls" in done.stdout
    assert "" == crosswalk("runs", "list").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--map", "FRIST_NAME=first"), "Did you mean FIRST_NAME?"),
        (("--map", "FIRST_NAME=frist"), "Did you mean 'first'?"),
        (("--map", "FIRST_NAME"), "has no '='"),
        (("--map", "FIRST_NAME=first", "--map", "Nope__c=last"), "no field 'Nope__c'"),
        (("--exclude", "nothing"), "no column 'nothing'"),
        (("--map", "FIRST_NAME=first", "--resume", "--again"), "exclude each other"),
    ],
)
def test_wrong_use_is_one_line(crosswalk, people, arrived, words, says):
    """A slip is one clear line and status 2; nothing is sent."""
    done = crosswalk("send", people, "--account", "demo", "--template", "create-contact", *words)
    assert (2, [], True) == (done.exit_code, arrived(), says in done.stderr)
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("file", "account", "template", "says"),
    [
        ("none.csv", "demo", "create-contact", "No such file"),
        ("people.csv", "dmeo", "create-contact", "No account is named 'dmeo'"),
        ("people.csv", "demo", "create-contcat", "Did you mean create-contact?"),
    ],
)
def test_wrong_names_are_one_line(crosswalk, people, file, account, template, says):
    """So is a file, an account or a template that is not there."""
    done = crosswalk("send", people.parent / file, "--account", account, "--template", template, *MAP)
    assert (2, True) == (done.exit_code, says in done.stderr)


def test_bad_rows_are_dead_letters(tmp_path, crosswalk, send, arrived, insightly):
    """Unreadable and invalid rows are told with their reason, cost no call, and hold up nobody."""
    file = tmp_path / "bad.csv"
    file.write_bytes(
        b"first,last,phone\n\xc3\x84nn,Lee\n,Nobody,1\nB\xf6,Cut,2\n" + b"x" * 256 + b",Long,3\nCy,Fine,4\n"
    )
    status, summary = send(file=file)
    assert (1, {"delivered": 1, "dead": 4}, 1) == (status, tally(summary), insightly.calls("POST"))
    shown = crosswalk("runs", "show", summary["run"]).stdout
    for says in ("row 1: dead: has 2 cells", "row 2: dead: FIRST_NAME is required", "not UTF-8", "at most 255 fit"):
        assert says in shown


def test_refused_rows_are_dead_letters(send, insightly):
    """A row that Insightly refuses is dead, with its words; the others arrive."""
    fault = {"fault": "status", "status": 400, "body": '[{"Name":"PHONE","Message":"odd"}]', "count": 1}
    insightly.faults({"route": "Contacts", "method": "POST", **fault})
    status, summary = send()
    assert (1, {"delivered": 3, "dead": 1}) == (status, tally(summary))


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 502, "commit": True},
        {"fault": "status", "status": 500, "commit": False},
        {"fault": "reset", "commit": True},
        {"fault": "hang", "commit": True},
        {"fault": "late_commit", "seconds": 0.1},
        {"fault": "truncate", "keep": 0.5},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_unknown_outcomes_are_held(send, arrived, insightly, fault):
    """Whatever leaves the outcome unknown holds the row: it is sent once, and never again by itself."""
    insightly.faults({"route": "Contacts", "method": "POST", "count": 1, **fault})
    status, summary = send()
    assert (1, {"delivered": 3, "held": 1}) == (status, tally(summary))
    assert insightly.calls("POST") <= 4
    assert len(arrived()) <= 4


def test_held_rows_stay_held(send, insightly):
    """Resuming a run sends nothing that is held."""
    insightly.faults({"route": "Contacts", "method": "POST", "count": 1, "fault": "reset", "commit": True})
    _, first = send()
    status, again = send("--resume")
    assert (1, first["run"], tally(first), 4) == (status, again["run"], tally(again), insightly.calls("POST"))


def test_bursts_are_waited_out(send, arrived, insightly):
    """A refused burst costs a wait, no row."""
    insightly.faults({"route": "Contacts", "method": "POST", "count": 2, "fault": "rate_limit", "retry_after": 0})
    status, summary = send()
    assert (0, 4, 4) == (status, summary["delivered"], len(arrived()))


def test_spent_day_stops_and_resumes(send, arrived, insightly):
    """A spent day stops the run with status 3; the rest waits, and --resume sends exactly that."""
    insightly.faults({"route": "Contacts", "method": "POST", "skip": 2, "fault": "rate_limit", "day": True})
    status, summary = send()
    assert (3, True) == (status, "calls are used up" in summary["stopped"])
    assert 4 == summary["read"] == summary["delivered"] + summary["pending"]
    insightly.control("DELETE", "faults")
    status, summary = send("--resume")
    assert (0, {"delivered": 4}, 4) == (status, tally(summary), len(arrived()))


def test_refused_key_stops_and_resumes(send, arrived, insightly):
    """A key that is refused half-way stops the run with status 3; healed, the rest is sent once."""
    insightly.faults({"route": "Contacts", "method": "POST", "skip": 1, "fault": "status", "status": 401})
    status, summary = send()
    assert (3, 4) == (status, summary["read"])
    insightly.control("DELETE", "faults")
    assert (0, 4) == (send("--resume")[0], len(arrived()))


def test_unfinished_run_names_both_ways_out(send, insightly):
    """Sending again while a run is unfinished is status 2 and names --resume and --again; --again sends anew."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 401})
    first = send()[1]["run"]
    status, says = send()
    assert (2, True, True) == (status, "--resume" in says, "--again" in says)
    insightly.control("DELETE", "faults")
    status, summary = send("--again")
    assert (0, True) == (status, summary["run"] != first)


def test_resume_of_a_finished_run(send, insightly):
    """Resuming what is finished says so, ends 0 and costs no call."""
    first = send()[1]
    insightly.control("DELETE", "log")
    status, summary = send("--resume")
    assert (0, first["run"], 0) == (status, summary["run"], insightly.calls("POST"))


def test_resume_without_a_run_starts_one(send):
    """With --resume and nothing to go on with, the run begins."""
    assert (0, 4) == (send("--resume")[0], send("--resume")[1]["delivered"])


KEYED = ("--map", "EMAIL_ADDRESS=mail", "--match", "EMAIL_ADDRESS")


@pytest.fixture
def keyed(tmp_path):
    """A file of four people who have an address each."""
    rows = [(f"P{number}", "Last", "5", f"p{number}@example.com") for number in range(4)]
    return write(tmp_path / "keyed.csv", rows, head="first,last,phone,mail")


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        ({"fault": "status", "status": 502, "commit": True}, 4),
        ({"fault": "reset", "commit": True}, 4),
        ({"fault": "late_commit", "seconds": 0.5}, 4),
        ({"fault": "status", "status": 502, "commit": False}, 5),
        ({"fault": "hang"}, 5),
    ],
    ids=lambda value: value if isinstance(value, int) else "-".join(map(str, value.values())),
)
def test_unknown_outcomes_are_settled(send, keyed, arrived, insightly, fault, calls):
    """With a match, an unknown creation is found and adopted, or found absent in the end and sent again: once."""
    insightly.faults({"route": "Contacts", "method": "POST", "count": 1, **fault})
    status, summary = send(*KEYED, file=keyed)
    assert (0, {"delivered": 4}) == (status, tally(summary)), summary
    assert (4, calls) == (len(arrived()), insightly.calls("POST"))


def test_a_value_that_was_there_before_is_never_adopted(send, keyed, insightly):
    """A record made before the run is not ours: the row is held, and the person sees which it is."""
    send(*KEYED, file=keyed)
    insightly.faults({"route": "Contacts", "method": "POST", "count": 1, "fault": "status", "status": 502})
    status, summary = send(*KEYED, "--again", file=keyed)
    assert (1, {"delivered": 3, "held": 1}) == (status, tally(summary))


def test_a_wave_of_refusals_stops_the_run(tmp_path, send, insightly):
    """When row after row is refused alike, the run stops before the day is spent on it."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 400, "body": "no such plan"})
    status, summary = send(file=write(tmp_path / "many.csv", [(f"P{n}", "", "") for n in range(300)]))
    assert (3, True) == (status, "refused alike" in summary["stopped"])
    assert insightly.calls("POST") < 150


def test_waiting_updates_of_one_record_are_merged(tmp_path, crosswalk, insightly):
    """Two rows about one record become one call that says what both say."""
    ((first,), *_) = insightly.records("contacts", ("CONTACT_ID",))
    file = tmp_path / "changes.jsonl"
    rows = [{"id": first, "PHONE": "1", "TITLE": "Dr"}, {"id": first, "PHONE": "2"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("--account", "demo", "--template", "update-contact", "--id-field", "id", "--json")
    summary = json.loads(crosswalk("send", file, *words).stdout)
    assert ({"delivered": 1, "superseded": 1}, 1) == (tally(summary), insightly.calls("PUT"))
    assert [(first, "2", "Dr")] == insightly.records("contacts", ("CONTACT_ID", "PHONE", "TITLE"))[:1]


def test_batches(tmp_path, crosswalk, insightly):
    """Rows of a call that takes many go out together."""
    insightly.control("PUT", "switches", {"bulk": "present"})
    before = len(insightly.records("contacts", FIELDS))
    file = write(tmp_path / "bulk.csv", [(f"P{n}", "L", "") for n in range(25)])
    words = ("--method", "POST", "--url", f"{insightly.base_url}/Contacts/Bulk", "--grouping", "json_array")
    done = crosswalk("send", file, "--account", "demo", *words, "--batch-size", "10", *MAP, "--json")
    assert ({"delivered": 25}, 3) == (tally(json.loads(done.stdout)), insightly.calls("POST"))
    assert 25 == len(insightly.records("contacts", FIELDS)) - before


def test_handed_over(send, home, people, insightly, arrived):
    """While another process owns the engine, a run is handed over to it; when the owner has gone, it is taken on."""
    environ = {**os.environ, "CROSSWALK_HOME": str(home), "CROSSWALK_ALLOWED_HOSTS": insightly.host}
    words = ("send", str(people), "--account", "demo", "--template", "create-contact", *MAP, "--json")
    script = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    with ThreadPoolExecutor() as pool:
        with hold(home / ENGINE_LOCK, "process 7 (crosswalk serve)"):
            running = pool.submit(subprocess.run, script, env=environ, capture_output=True, check=False)
            with pytest.raises(TimeoutError):
                running.result(timeout=2)
            assert [] == arrived()
        done = running.result(timeout=30)
    assert (0, 4) == (done.returncode, len(arrived())), done.stderr


def test_a_follower_that_is_interrupted(crosswalk, home, people, insightly):
    """Ctrl-C while another process sends leaves the run to it, and says so: status 3."""
    environ = {**os.environ, "CROSSWALK_HOME": str(home), "CROSSWALK_ALLOWED_HOSTS": insightly.host}
    words = ("send", str(people), "--account", "demo", "--template", "create-contact", *MAP)
    script = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    with hold(home / ENGINE_LOCK, "process 7 (crosswalk serve)"):
        running = subprocess.Popen(script, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not crosswalk("runs", "list").stdout:
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        out, errors = running.communicate(timeout=30)
    assert (3, True) == (running.returncode, "whoever owns the engine goes on" in out), errors


def test_update_and_delete(tmp_path, crosswalk, insightly):
    """Rows that name a record change or delete it, and nothing else."""
    ids = [row[0] for row in insightly.records("contacts", ("CONTACT_ID",))]
    file = write(tmp_path / "phones.csv", [(str(ids[0]), "555-1"), (f"{ids[1]}.0", "555-2")], head="id,phone")
    words = ("--account", "demo", "--id-field", "id")
    done = crosswalk("send", file, *words, "--template", "update-contact", "--map", "PHONE=phone")
    assert 0 == done.exit_code, done.output
    assert [(ids[0], "555-1"), (ids[1], "555-2")] == insightly.records("contacts", ("CONTACT_ID", "PHONE"))[:2]
    done = crosswalk("send", file, *words, "--template", "delete-contact")
    assert 0 == done.exit_code, done.output
    assert ids[2:] == [row[0] for row in insightly.records("contacts", ("CONTACT_ID",))]


def test_dead_host(crosswalk, people, send, insightly):
    """Where nothing listens any more, the run stops with status 3 and every row waits."""
    insightly.faults({"fault": "status", "status": 403, "body": "API User does not have access."})
    status, summary = send()
    assert (3, {"pending": 4}) == (status, tally(summary))


def test_summary_for_people(crosswalk, people):
    """Without --json the summary is two lines that add up."""
    done = crosswalk("send", people, "--account", "demo", "--template", "create-contact", *MAP)
    assert "4 rows read: 4 delivered." == done.stdout.splitlines()[0]


def test_a_stopped_run_says_why(crosswalk, people, insightly):
    """A run that stops says why and how to go on; the next part counts its own calls."""
    insightly.faults({"route": "Contacts", "method": "POST", "fault": "status", "status": 401})
    words = ("send", people, "--account", "demo", "--template", "create-contact", *MAP)
    last = crosswalk(*words).stdout.splitlines()[-1]
    assert (True, True) == (last.startswith("Stopped: POST /Contacts (401)"), last.endswith("--resume"))
    insightly.control("DELETE", "faults")
    assert "4 calls in" in crosswalk(*words, "--resume").stdout


def test_key_is_nowhere(crosswalk, people, insightly, home):
    """The key is in no output and in no file of the home."""
    done = crosswalk("send", people, "--account", "demo", "--template", "create-contact", *MAP)
    assert insightly.key not in done.output
    for path in home.rglob("*"):
        assert not path.is_file() or insightly.key.encode() not in path.read_bytes()
