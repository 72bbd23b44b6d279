"""The tutorial, as whoever follows it: its files are written, its commands are run, and each ends as it says."""

import re
import shlex
from pathlib import Path

import pytest

from fixtures.served import Served
from fixtures.shell import Shell

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"  # status (\d)$")
BEFORE = ("crosswalk sandbox", "crosswalk accounts add", "export ")
"""What the test has done already: the sandbox of the fixtures is linked as acme."""


def test_the_tutorial(shell: Shell, insightly: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every command ends as it says, and everybody has arrived once, but for the sample, which a test sent too."""
    monkeypatch.chdir(tmp_path)  # as one who stands in an empty folder
    ran = 0
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        if name:
            (tmp_path / name).write_text(text)
        for line in text.splitlines() if kind == "sh" else ():
            if line.startswith(BEFORE):
                continue
            status = STATUS.search(line)
            done = shell(*shlex.split(STATUS.sub("", line))[1:])
            assert (int(status[1]) if status else 0) == done.exit_code, f"{line}\n{done.output}{done.exception!r}"
            ran += 1
    names = [name for (name,) in insightly.records("contacts", ("LAST_NAME",))]
    deals = [name for (name,) in insightly.records("opportunities", ("OPPORTUNITY_NAME",))]
    counts = (names.count("Cantwell"), names.count("Klobuchar"), names.count("Nobody"), deals.count("3M"))
    assert (True, 2, 1, 1, 1) == (ran > 20, *counts)
