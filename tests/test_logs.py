"""The log: one line an event, in one form, without secrets."""

import json
import logging
import subprocess
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.accounts.tokens import TOKEN
from crosswalk.logs import log_to_stderr, mask_secrets

SECRETS = [
    "cw_0123abcd_" + "a" * 43,
    "cl_" + "b" * 43,
    "cww_" + "c" * 60,
    "whsec_" + "d" * 32 + "==",
    "postgresql://me:pass-word@db.example.com/hub",
    "Authorization: Basic a2V5LW9mLW1pbmU6",
    "bearer cw-like.thing_that/is+long=",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("wrap", [str, lambda text: [text], lambda text: {"deep": (text,)}])
def test_secrets_are_masked(secret: str, wrap):
    """What looks like a secret leaves the log as `***`, however deep it stands; what stands around it stays."""
    shown = json.dumps(mask_secrets(None, "info", {"event": "a.b", "said": wrap(f"before {secret} after")}))
    core = secret.rpartition(" ")[2].partition("://")[2].partition("@")[0] or secret.rpartition(" ")[2]
    assert core not in shown
    assert all(word in shown for word in ("before", "***", "after"))


@given(st.from_regex(TOKEN, fullmatch=True))
def test_every_token(token: str):
    """No token of ours passes, whatever its characters."""
    assert token not in mask_secrets(None, "info", {"event": f"<{token}>"})["event"]


def lines(script: str) -> list[str]:
    """What a process with a log of its own writes to standard error."""
    head = "import logging, structlog\nfrom crosswalk.logs import log_to_stderr\n"
    done = subprocess.run([sys.executable, "-c", head + script], capture_output=True, text=True, check=True)
    assert "" == done.stdout
    return done.stderr.splitlines()


def test_other_libraries():
    """What other libraries warn of is a line like ours, its traceback in it; what they chat about is none."""
    (told,) = lines(
        "log_to_stderr(others=True)\n"
        "logging.getLogger('aiohttp.client').info('chat')\n"
        "try: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('asyncio').exception('Task %s failed', 'x')"
    )
    shown = json.loads(told)
    assert ("asyncio.says", "error", "Task x failed") == (shown["event"], shown["level"], shown["says"])
    assert "ZeroDivisionError" in shown["trace"]


def test_text_and_level():
    """As text a line is for people; what is below the level is not written."""
    (told,) = lines(
        "log_to_stderr(form='text', least='warning')\n"
        "log = structlog.get_logger()\nlog.info('a.b')\nlog.warning('run.stopped', run='r1')"
    )
    assert "warning" in told
    assert told.endswith("run.stopped                    run=r1")


def test_levels_are_the_librarys():
    """The names of the settings are those that the library knows."""
    from crosswalk.logs import LEVELS

    assert LEVELS == {name: getattr(logging, name.upper()) for name in LEVELS}
    assert structlog.make_filtering_bound_logger(LEVELS["debug"])


@pytest.mark.parametrize(("terminal", "begins"), [(True, "20"), (False, "{")])
def test_text_at_a_terminal(monkeypatch, capsys, terminal, begins):
    """Unless a form is asked for, a person reads text, and a program lines of JSON."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    log_to_stderr()
    try:
        structlog.get_logger().info("something.happened")
        assert capsys.readouterr().err.startswith(begins)
    finally:
        structlog.reset_defaults()
