"""Python source as escaped markup in which keywords, strings, numbers and comments are told apart."""

import io
import keyword
import tokenize
from collections.abc import Iterator

from markupsafe import Markup, escape

LONGEST = 100_000
"""Characters above which a script is shown plainly."""

CLASSES = {tokenize.STRING: "s", tokenize.NUMBER: "n", tokenize.COMMENT: "c"}


def highlight(source: str) -> Markup:
    """The source with ``span`` elements in it; just escaped if it is too long, or no Python."""
    if len(source) > LONGEST:
        return escape(source)
    try:
        return Markup("").join(_pieces(source))
    except (tokenize.TokenError, SyntaxError):
        return escape(source)


def _pieces(source: str) -> Iterator[str]:
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    shown = 0
    for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline):
        kind = "k" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else CLASSES.get(token.type)
        if kind is None:
            continue
        begin = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        yield escape(source[shown:begin])
        yield Markup('<span class="py-{}">{}</span>').format(kind, source[begin:end])
        shown = end
    yield escape(source[shown:])
