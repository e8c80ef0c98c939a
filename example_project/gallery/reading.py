"""Pages to read on: the source of an example, and the documentation, as far as it is here.

On a site of its own the documentation is built by Sphinx. Here its pages are shown as they are
written, so that the gallery needs nothing but this repository.
"""

from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.views.generic import TemplateView
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from gallery import cards

_PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
# What HTML stands in a page is shown as text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class SourceView(TemplateView):
    """Show the module of an example."""

    template_name = "gallery/source.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the `card` and its `source`, in colours.

        Raises:
            Http404: there is no such example; no other file can be read here.
        """
        card = next((card for card in cards.CARDS if card.name == self.kwargs["name"]), None)
        if card is None:
            raise Http404
        text = (cards.PROJECT / card.source).read_text(encoding="utf-8")
        return super().get_context_data(card=card, source=in_colours(text), **kwargs)


def docs(request: HttpRequest, path: str) -> HttpResponse:
    """Show a page of the documentation, or a picture on one.

    Raises:
        Http404: there is none under this path.
    """
    root = cards.DOCS.resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise Http404
    if kind := _PICTURES.get(file.suffix):
        return HttpResponse(file.read_bytes(), content_type=kind)
    if file.suffix != ".md":
        raise Http404
    title, body = rendered(file.read_text(encoding="utf-8"), file.parent, root)
    return render(request, "gallery/docs.html", {"title": title, "body": body})


def in_colours(text: str) -> SafeString:
    """Return Python as HTML, escaped by Pygments; the style sheet has the colours."""
    formatter = HtmlFormatter(nowrap=True, classprefix="code-")
    return SafeString(highlight(text, PythonLexer(), formatter))


def rendered(text: str, folder: Path, root: Path) -> tuple[str, SafeString]:
    """Return the title of a page and its HTML; headings can be linked to by their text.

    Args:
        text: of the page.
        folder: that it is in.
        root: the folder of all pages; links to what is elsewhere in the repository become text.
    """
    tokens = _MARKDOWN.parse(text)
    for token in chain.from_iterable(token.children or () for token in tokens):
        if token.type == "link_open" and not is_here(str(token.attrGet("href")), folder, root):
            del token.attrs["href"]
    title = ""
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", slugify(content.content))
            title = title or content.content
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return title, SafeString(html)


def is_here(address: str, folder: Path, root: Path) -> bool:
    """Return whether a page's link can be followed: to another site, or to a file under `root`."""
    parts = urlsplit(address)
    if parts.scheme or not parts.path:
        return True
    file = (folder / parts.path).resolve()
    return file.is_relative_to(root) and file.is_file()
