"""The log: one line an event on standard error, as JSON or as text, with no secret in it.

Every line of a request carries its id (`request`), and every line of a run the run's. What other libraries log comes
out in the same form.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TypeAlias

import structlog

Format: TypeAlias = Literal["json", "text"]
Level: TypeAlias = Literal["debug", "info", "warning", "error"]
FORMATS: tuple[Format, ...] = ("json", "text")
LEVELS: Mapping[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
SECRETS = re.compile(
    r"\bcww_[\w-]{20,}"  # a widget's token
    r"|\bcw_[0-9a-f]{8}_[\w-]{43}"  # an API token
    r"|\bcl_[\w-]{43}"  # a link token
    r"|\bwhsec_[\w+/=]{20,}"  # a webhook's secret
    r"|(?<=://)[^\s/:@]*:[^\s/@]+(?=@)"  # a name and password in a URL
    r"|(?<=\b[Bb]asic )[\w+/=-]{8,}|(?<=\b[Bb]earer )[\w.+/=-]{8,}"
)
"""What looks like a secret. No line is meant to hold one: this is for the line that nobody meant."""
MASK = "***"
Event: TypeAlias = MutableMapping[str, Any]


class _Line:
    """Writes lines to standard error as it is at that moment, each at once, so that no two are mixed."""

    def msg(self, message: str) -> None:
        """Write one line."""
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = msg


class _Foreign(logging.Handler):
    """What other libraries log, in our form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; its traceback, if any, as text."""
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
        more = {} if trace is None else {"trace": trace}
        name = f"{record.name.partition('.')[0]}.says"
        structlog.get_logger().log(record.levelno, name, says=record.getMessage(), **more)


def log_to_stderr(*, form: Format | None = None, least: Level = "info", others: bool = False) -> None:
    """Send the log to standard error, so that standard output stays the command's own.

    Without a `form` a person at a terminal reads text, and a program that collects lines reads JSON.

    With `others`, what other libraries warn of comes in the same form; for processes that are ours alone.
    """
    form = form or ("text" if sys.stderr.isatty() else "json")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[least]),
        logger_factory=lambda *_: _Line(),
    )
    if others:
        logging.basicConfig(handlers=[_Foreign()], level=max(LEVELS[least], logging.WARNING), force=True)


def mask_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Put `***` where a value looks like a secret, however deep it stands."""
    for name, value in event.items():
        event[name] = _masked(value)
    return event


def _masked(value: Any) -> Any:  # a log's values are whatever was said
    match value:
        case str():
            return SECRETS.sub(MASK, value)
        case dict():
            return {name: _masked(each) for name, each in value.items()}
        case list() | tuple():
            return [_masked(each) for each in value]
        case _:
            return value
