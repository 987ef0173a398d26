"""How Sphinx builds these pages; ``make docs`` runs it."""

from sphinx.application import Sphinx

from archsmith import __version__

project = "archsmith"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
root_doc = "index"

myst_heading_anchors = 3

default_role = "code"  # docstrings write code in single or double backticks
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"no-value": True}  # tables of functions and compiled patterns are nobody's reading
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # what a library says about a method that we override is its own
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"archsmith {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def open_with_empty_line(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from reading the first words of a constant's docstring, up to a colon, as its type."""
    if what in {"attribute", "data"} and lines:
        lines.insert(0, "")


def setup(app: Sphinx) -> None:
    """Called by Sphinx when it has read this file."""
    app.connect("autodoc-process-docstring", open_with_empty_line, priority=100)
