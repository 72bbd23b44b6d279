"""Live progress on standard error: rate, done, failed, calls left today."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

QUIET = 10.0
"""Seconds between two lines where standard error is no terminal."""

REDRAW = 0.1
"""Seconds between two looks at a count that grows by one at a time."""


class Meter:
    """One run's progress. `left` answers the calls left today, `None` when nobody has said."""

    def __init__(self, title: str, *, total: int | None, left: Callable[[], int | None]) -> None:
        self.done = 0
        self.failed = 0
        self._left = left
        self._began = self._spoke = self._drawn = time.monotonic()
        self._title = title
        console = Console(stderr=True)
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Words(self),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task = self._progress.add_task(title, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.update(self._task, completed=self.done)
        self._progress.stop()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def show(self, *, done: int, failed: int) -> None:
        """Show how far somebody else is."""
        self.done, self.failed = done, failed
        self._progress.update(self._task, completed=done)
        self._speak()

    def count(self, *, failed: bool) -> None:
        """Count one settled row."""
        self.done += 1
        self.failed += failed
        now = time.monotonic()
        if now - self._drawn >= REDRAW:
            self._drawn = now
            self._progress.update(self._task, completed=self.done)
            self._speak()

    def _speak(self) -> None:
        now = time.monotonic()
        if not self._live and now - self._spoke >= QUIET:
            self._spoke = now
            print(f"{self._title}: {self.done} done, {self.words()}", file=sys.stderr, flush=True)

    def words(self) -> str:
        """What the numbers beside the bar say."""
        left = self._left()
        rate = self.done / max(self.seconds, 0.001)
        today = "" if left is None else f", {left:,} calls left today"
        return f"{rate:.1f}/s, {self.failed} failed{today}"


class _Words(ProgressColumn):
    """The meter's own words as a column."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def render(self, task: Task) -> Text:
        return Text(self._meter.words())
