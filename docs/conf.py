"""How Sphinx makes the site of these pages; `make docs` writes it to `build/site`."""

import sys
from importlib.metadata import version as find_version
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))  # Sphinx does not find what lies beside this file

from listing.pages import complete_page

project = "kinimmune"
author = "the authors of kinimmune"
release = version = find_version("kinimmune")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4  # links to headings, by the names a code host gives them
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_google_docstring = False

html_theme = "furo"
html_title = f"kinimmune {release}"
html_show_copyright = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Tell Sphinx what it does not know by itself: tables as text, and pages that are made from the code."""
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", _complete)


def _complete(_app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = complete_page(page, source[0])
