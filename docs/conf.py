"""How Sphinx builds these pages; ``make docs`` runs it."""

from archsmith import __version__

project = "archsmith"
release = version = __version__
author = "the authors of archsmith"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
root_doc = "index"

myst_heading_anchors = 3

default_role = "code"  # docstrings write code in single or double backticks
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"archsmith {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
