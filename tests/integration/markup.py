"""Reading HTML in tests: as a tree, as the fragments of a frame, as the lines of a log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

HOSTILE = """<script>alert("x")</script><img src=x onerror=alert(1)>'"&\x1b[2J"""
"""A text that harms a page or a terminal that takes it as it is."""

REGIONS = {"op-status", "op-progress", "op-stages", "op-log", "op-result", "op-controls"}

_VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class Element:
    """One element of parsed HTML."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, as a reader sees it."""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    @property
    def elements(self) -> list["Element"]:
        """The direct children that are elements."""
        return [child for child in self.children if isinstance(child, Element)]

    def walk(self) -> Iterator["Element"]:
        """Yield all elements inside, in document order."""
        for child in self.elements:
            yield child
            yield from child.walk()

    def all(self, tag: str | None = None, **attributes: str) -> list["Element"]:
        """Return the elements inside that have a tag and these attributes (``_`` for ``-``)."""
        wanted = {name.replace("_", "-").strip("-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.walk()
            if tag in (None, element.tag) and wanted.items() <= element.attributes.items()
        ]

    def one(self, tag: str | None = None, **attributes: str) -> "Element":
        """Return the only such element."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute stands twice: <{tag} {names}>"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Element:
    """Return HTML as a tree; it must be well-formed and hold nothing that a strict policy bars."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    root = reader.open[0]
    for element in root.walk():
        assert element.tag != "style"
        assert element.tag != "script" or element.attributes.get("src"), "an inline script"
        for name in element.attributes:
            assert name != "style", element
            assert not name.startswith("on"), element
    return root


def fragments(html: str, pk: object) -> dict[str, Element]:
    """Return the fragments of a frame by the region that they change, each scoped to ``pk``."""
    found: dict[str, Element] = {}
    for element in parse(html).elements:
        mode, colon, selector = element.attributes.pop("hx-swap-oob").partition(":")
        assert colon, selector
        scope, _, inner = selector.partition(" ")
        assert scope == f"#op-{pk}", selector
        assert not element.all(hx_swap_oob="true")
        assert all("hx-swap-oob" not in nested.attributes for nested in element.walk())
        region = inner.split(" ")[0].removeprefix("#")
        assert region not in found, f"{region} is changed twice"
        element.attributes["mode"] = mode
        found[region] = element
    return found


def log_texts(log: Element) -> list[str]:
    """Return the lines in a log region or a log fragment, in order."""
    return [_own_text(line.one(class_="liveop-text")) for line in log.all("li") if _is_line(line)]


def log_numbers(log: Element) -> list[int]:
    """Return the numbers of the lines in a log region or a log fragment, in order."""
    return [int(line.attributes["data-n"]) for line in log.all("li") if _is_line(line)]


def _is_line(element: Element) -> bool:
    return "data-n" in element.attributes


def _own_text(element: Element) -> str:
    # Without the word for the level, which stands before the line in bold.
    if not element.all("b"):
        return element.text
    return element.text.removeprefix(element.all("b")[0].text).removeprefix(" ")
