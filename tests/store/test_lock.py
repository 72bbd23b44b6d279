"""One holder at a time, and a dead holder holds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from crosswalk.store.errors import StoreError
from crosswalk.store.lock import Held, hold

HOLD = """
import sys
from pathlib import Path
from crosswalk.store.lock import hold
with hold(Path(sys.argv[1]), "process one"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_holder_is_told_who(tmp_path: Path):
    """A second holder is refused and told what the first wrote about itself."""
    with hold(tmp_path / "lock", "process one"), pytest.raises(Held, match="held by process one"):
        hold(tmp_path / "lock", "process two").__enter__()


def test_free_again(tmp_path: Path):
    """After the block, the lock is free, and the next holder's line replaces the last."""
    for holder in ("a longer line", "short"):
        with hold(tmp_path / "lock", holder):
            assert holder == (tmp_path / "lock").read_text()


def test_killed_holder(tmp_path: Path):
    """A holder that is killed leaves the lock free."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        process.kill()
        process.wait()
    with hold(tmp_path / "lock", "the next"):
        assert "the next" == (tmp_path / "lock").read_text()


def test_unwritable_folder():
    """A folder that cannot be written is named."""
    with pytest.raises(StoreError, match="Cannot write the lock /proc/nowhere/lock"):
        hold(Path("/proc/nowhere/lock"), "nobody").__enter__()
