"""The table of docs/sandbox.md: what the sandbox serves, made by calling each operation as the tests do."""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHOWN = 2
HEAD = (
    "| Resource | Operation | Status | Seen through | Evidence |",
    "|---|---|---|---|---|",
)


def table() -> str:
    """Call every operation of the contract on a small instance and write what came of it, a row each."""
    return "\n".join((*HEAD, *rows()))


def rows() -> Iterator[str]:
    """Write one row an operation. Raises `AssertionError` for one that is not served as the contract says."""
    sys.path.insert(0, str(ROOT / "tests"))
    from fixtures.caller import ALL, make_caller
    from fixtures.exercises import watch

    for resource, operation in ALL:
        served = watch(make_caller(), resource, operation)
        assert operation.status == served.answer.status, served.answer
        evidence = "; ".join(f"{e.about}: {e.kind} ({e.source})" for e in operation.evidence) or "documented (S1)"
        elsewhere = [name for name in served.changed if name != f"GET {operation.path}"]
        seen = ", ".join(f"`{name}`" for name in elsewhere[:SHOWN])
        more = f" and {len(elsewhere) - SHOWN} more" if len(elsewhere) > SHOWN else ""
        cells = (resource.name, f"`{operation.verb} {operation.path}`", str(operation.status), seen + more, evidence)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(table())
