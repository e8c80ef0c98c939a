"""The documentation as a site: it builds without a warning, and holds all that it should."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from scripts.docs import command
from scripts.public_api import python_names
from tests.docs.pages import DOCS

_ASKED_FOR = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(https?:)?//|"
    r"<link\b(?![^>]*rel=\"(?:canonical|next|prev)\")[^>]*\bhref=\"(https?:)?//|"
    r"@import|url\(\s*[\"']?(https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; warnings are errors."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        command(sys.executable, folder / "html", folder / "doctrees"),
        capture_output=True,
        encoding="utf-8",
        cwd=DOCS.parent,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


def test_every_page_of_the_documents_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    assert len(pages) > 50
    assert pages <= built


def test_the_start_leads_to_every_page(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md"):
        name = str(path.relative_to(DOCS).with_suffix(".html"))
        assert name == "index.html" or f'href="{name}"' in start, name


def test_every_public_name_is_described_with_its_version(site: Path) -> None:
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    described = {name for domain in inventory.data.values() for name in domain}
    missing = [
        f"{module}.{name}"
        for module, names in python_names().items()
        for name in names
        if f"{module}.{name}" not in described
    ]
    assert missing == []
    for module in python_names():
        page = (site / "reference" / "api" / f"{module}.html").read_text(encoding="utf-8")
        assert "Added in version 0.1.0" in page, module


def test_every_public_method_is_described(site: Path) -> None:
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    described = {name for domain in inventory.data.values() for name in domain}
    text = (DOCS / "reference" / "public-api.txt").read_text(encoding="utf-8")
    promised = re.findall(r"^(?:async )?(?:def|property) (liveops[\w.]+)", text, re.M)
    assert len(promised) > 100
    # How one is made stands with its class; what a recording inherits, with `p` itself.
    described |= {name for name in promised if name.endswith(".__init__")}
    described |= {
        name.replace("progress.Progress", "testing.RecordingProgress") for name in described
    }
    assert sorted(set(promised) - described) == []


def test_the_site_asks_no_other_host_for_anything(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    assert len(files) > 50
    asking = {
        str(path.relative_to(site)): found[0]
        for path in files
        if (found := _ASKED_FOR.search(path.read_text(encoding="utf-8")))
    }
    assert asking == {}


def test_pages_that_stand_elsewhere_are_linked_within_the_site(site: Path) -> None:
    text = (site / "how-to" / "upgrading.html").read_text(encoding="utf-8")
    assert 'href="../changelog.html' in text
    text = (site / "explanation" / "security.html").read_text(encoding="utf-8")
    assert 'href="../contributing.html' in text
