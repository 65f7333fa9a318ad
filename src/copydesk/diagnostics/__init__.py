"""Diagnostics: the codes, the values, the renderers. Knows nothing of articles or files."""

from copydesk.diagnostics.codes import CODES, Code, Severity
from copydesk.diagnostics.model import BuildFailed, Diagnostic, Place, Report, lower

__all__ = ["CODES", "BuildFailed", "Code", "Diagnostic", "Place", "Report", "Severity", "lower"]
