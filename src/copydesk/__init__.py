"""copydesk: packages annotated articles into a dataset release that people can train on, trust and cite."""

__version__ = "0.1.0"
