"""The wheel as people install it: built without a network, it holds all that the package reads beside its code."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "crosswalk"
MADE = {"__pycache__", ".mypy_cache", ".ruff_cache"}


USE = """
import crosswalk
from crosswalk.console.pages import asset, render
from crosswalk.console.widgets import script
from crosswalk.contract import load

problem = {"detail": "gone", "code": "not_found", "status": 404, "errors": []}
page = render("error.html", {"problem": problem, "title": "Nothing", "back": "/"}).content
print(crosswalk.__file__, asset("console.css"), len(script()) > 10_000, "<h1>Nothing" in page, len(load().resources))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    [built] = folder.glob("*.whl")
    return built


def package_files() -> set[str]:
    """Every file of the package in the checkout, as the wheel names it."""
    return {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and not MADE & set(path.parts)
    }


def test_holds_every_file(wheel: Path):
    """Templates, static files, migrations and the contract are in it, byte for byte, and no file is missing."""
    wanted = package_files()
    assert any(name.endswith("console/templates/base.html") for name in wanted)
    with ZipFile(wheel) as archive:
        assert set() == wanted - set(archive.namelist())
        assert [] == [name for name in wanted if archive.read(name) != (ROOT / "src" / name).read_bytes()]


def test_works_from_the_wheel(wheel: Path, tmp_path: Path):
    """Unpacked somewhere else it says its version, renders a page and serves the widgets' script from its own files."""
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    place, css, widgets, page, resources = done.stdout.split()
    assert (str(tmp_path / "crosswalk" / "__init__.py"), "True", "True") == (place, widgets, page)
    assert css.startswith("/assets/")
    assert int(resources) > 20
