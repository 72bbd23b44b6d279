"""The documents: what they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMED = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.py)`")
LINKED = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page):
    """A file that a document names stands in the checkout or in the package."""
    named = NAMED.findall(page.read_text())
    assert [] == [name for name in named if not ((ROOT / name).exists() or (ROOT / "src/crosswalk" / name).exists())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """A link to another page of ours leads there."""
    assert [] == [link for link in LINKED.findall(page.read_text()) if not (page.parent / link).exists()]
