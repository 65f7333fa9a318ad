"""The documents of a release: each a pure function of what was written."""
