"""What differs between two releases: contract, rows, splits, rights; and what version that asks for."""
