"""The style sheet of all pictures, which follows the reader's light or dark scheme."""

from pathlib import Path

STYLE = Path(__file__).parent / "graph.css"
"""The file, for whoever serves it beside a picture."""

PAPER = "svg.graph{background:var(--g-paper)}"


def style_element() -> str:
    """The style sheet as an SVG element, for a picture that stands by itself: it paints its own background."""
    return f"<style>{STYLE.read_text(encoding='utf-8')}{PAPER}</style>"
