"""The arrows between the rooms, as design and docs/architecture.md draw them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "crosswalk"

MAY_IMPORT = {
    "contract": set(),
    "store": set(),
    "tracing": set(),
    "outgoing": {"store", "tracing"},
    "insightly": {"contract"},
    "sandbox": {"contract"},
    "gate": {"insightly", "store", "tracing"},
    "accounts": {"gate", "insightly", "store"},
    "delivery": {"gate", "insightly", "contract", "store", "accounts", "outgoing", "tracing"},
    "engine": {"delivery", "store"},
    "unified": {"insightly", "contract", "gate", "store"},
    "automations": {"unified", "delivery", "gate", "accounts", "outgoing", "insightly", "contract", "store"},
    "api": {
        "automations",
        "unified",
        "delivery",
        "accounts",
        "outgoing",
        "gate",
        "insightly",
        "contract",
        "store",
        "tracing",
    },
    "console": {
        "api",
        "automations",
        "unified",
        "delivery",
        "accounts",
        "outgoing",
        "gate",
        "insightly",
        "contract",
        "store",
    },
}
"""Room to the rooms it may import. `app`, `cli` and `config` are the faces and stand outside."""

PURE = (
    "accounts/scopes.py",
    "automations/change.py",
    "automations/change_pace.py",
    "automations/event.py",
    "automations/hint.py",
    "automations/sweep.py",
    "contract/model.py",
    "gate/budget.py",
    "gate/day.py",
    "gate/proof.py",
    "insightly/errors.py",
    "insightly/pace.py",
    "insightly/page.py",
    "insightly/template.py",
    *(
        f"unified/{name}.py"
        for name in (
            "accounts", "contacts", "cursor", "custom", "dates", "errors", "etag", "expand", "fields", "filters",
            "formats", "known", "leads", "links", "mapping", "maps", "milestones", "notes", "nouns", "objects",
            "opportunities", "overrides", "paging", "parts", "people", "pipelines", "place", "plan", "projects",
            "reference", "search", "stage_moves", "stages", "tasks", "timezones", "typed", "users", "value",
        )
    ),
    *(f"automations/{name}.py" for name in ("due", "errors", "split", "steps", "working")),
    "outgoing/address.py",
    "outgoing/judge.py",
    *(
        f"delivery/{name}.py"
        for name in (
            "batch", "breaker", "cell", "feed", "fields", "grouping", "headers", "judge", "macros", "outcome",
            "payload", "plan", "planning", "reasons", "route", "settings", "settle", "template", "upsert",
            "plain", "row", "schema", "sniff", "custom_fields", "expression", "mapping", "suggest", "value",
        )
    ),
)  # fmt: skip
RIM = {"aiohttp", "sqlite3", "sqlalchemy", "socket", "asyncio", "os"}


def imported(path: Path) -> set[str]:
    """Every module a file imports, at the top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrow"
            names.add(node.module or "")
    return names


def rooms_of(names: set[str]) -> set[str]:
    """The rooms of ours among imported modules."""
    return {parts[1] for name in names if (parts := name.split("."))[0] == "crosswalk" and len(parts) > 1}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_arrows(room):
    """A room imports only the rooms that the table allows."""
    for path in (ROOT / room).rglob("*.py"):
        extra = rooms_of(imported(path)) - MAY_IMPORT[room] - {room}
        assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


def test_every_room_has_its_arrows():
    """A new room cannot appear without a line in the table."""
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"cli"}
    assert set(MAY_IMPORT) == rooms


@pytest.mark.parametrize("name", PURE)
def test_pure_core(name):
    """Decisions import nothing that touches a network, a database or the machine."""
    tops = {module.split(".")[0] for module in imported(ROOT / name)}
    assert set() == tops & RIM


def test_environment_is_read_in_one_place():
    """Only config.py reads the environment."""
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert readers in ([], ["config.py"])


@pytest.mark.parametrize("command", ["--help", "describe", "sandbox --help", "get --help", "send --help"])
def test_quick_commands_load_no_server_or_database(command):
    """The commands that must start at once load neither Litestar, Alembic nor SQLAlchemy."""
    import subprocess
    import sys

    script = (
        "import sys; from crosswalk.cli import main\n"
        f"try: main({command.split()!r}, standalone_mode=False)\nexcept SystemExit: pass\n"
        "heavy = {'litestar', 'alembic', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
