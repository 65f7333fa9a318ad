"""XML as copydesk reads it: entities off, nothing fetched, lines kept. The home of lxml."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

from copydesk.diagnostics import Diagnostic, Place

Element: TypeAlias = Any
"""An lxml element: `.tag`, `.text`, `.get(name)`, `.sourceline`, iterable over its children."""


def parse(data: bytes, file: str, *, huge: bool = False) -> Element | Diagnostic:
    """The root element of an XML document, or I011.

    Refused are documents that are not well-formed, those that declare entities and those that use others than
    XML's own five. An external document type is never loaded. `huge` lifts the parser's limits of size; they are
    lifted by themselves for documents without entities.
    """
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, dtd_validation=False, no_network=True, huge_tree=huge, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if not huge and "limit" in str(error.msg) and b"ENTITY" not in data and b"E\0N\0T\0I\0T\0Y" not in data:
            return parse(data, file, huge=True)  # a long text is no bomb: without entities nothing expands
        line = error.lineno or 1
        return Diagnostic(code="I011", place=Place(file=file, line=line), message=str(error.msg).strip())
    except ValueError as error:  # what lxml does not take for XML at all
        return Diagnostic(code="I011", place=Place(file=file, line=1), message=str(error))
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        message = "the document declares entities, which are not read"
        return Diagnostic(code="I011", place=Place(file=file, line=1), message=message)
    unresolved = next(root.iter(etree.Entity), None)
    if unresolved is not None:  # what follows it would be lost without a word
        message = f"the entity {str(unresolved.text)[:40]} is declared nowhere that is read"
        return Diagnostic(code="I011", place=Place(file=file, line=unresolved.sourceline), message=message)
    return root


def children(element: Element, tag: str | None = None) -> list[Element]:
    """The child elements, without comments; only those of `tag` if it is given."""
    return [child for child in element if isinstance(child.tag, str) and (tag is None or child.tag == tag)]


def local_name(element: Element) -> str:
    """The tag without its namespace."""
    return str(etree.QName(element).localname)


def write(root: Element) -> bytes:
    """A document in UTF-8 with declaration and indentation."""
    etree.indent(root, space=" ")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"
