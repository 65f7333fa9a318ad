"""What `copydesk schema` prints: a row type as JSON Schema, Arrow schema, features, or columns in words."""

from __future__ import annotations

from copydesk import jsontext
from copydesk.contract import arrow
from copydesk.contract.rows import columns, label_lists, row_schema
from copydesk.contract.types import Type


def show(node: Type, name: str, form: str) -> str:
    """The row type in one of the forms json, arrow, features, docs."""
    if form == "json":
        return jsontext.dump_document(row_schema(node, name, f"urn:copydesk:{name}")).decode()
    if form == "arrow":
        schema = arrow.release_schema(node).remove_metadata()
        return str(schema.to_string(truncate_metadata=False)) + "\n"
    if form == "features":
        return jsontext.dump_document({f.name: arrow.feature(f.type) for f in node.fields}).decode()
    found = list(columns(node))
    width = max(len(path) for path, _, _ in found)
    lines = [f"{path:<{width}}  {kind}  {column.description}".rstrip() for path, kind, column in found]
    for path, labels in label_lists(node):
        lines += ["", f"labels of {path}:"]
        lines += [f"  {number:>2} {label.name}: {label.description}" for number, label in enumerate(labels)]
    return "\n".join(lines) + "\n"
