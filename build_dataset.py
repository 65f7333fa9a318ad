"""Build the dataset of this folder: `python build_dataset.py`. Options are those of `copydesk build`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "src"))

from copydesk.cli import main  # noqa: E402 - the package lies beside this file, installed or not

if __name__ == "__main__":
    sys.exit(main(["build", "--project", str(HERE), *sys.argv[1:]]))
