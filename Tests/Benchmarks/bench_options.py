"""The options that most benches take."""

import argparse
import os

from workflow_load import ROOT


def parser(description: str, scaled: str) -> argparse.ArgumentParser:
    """Rounds and the scale of what a round has; `description` is the bench's own."""
    options = argparse.ArgumentParser(description=description.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0, help=f"of the {scaled} in a round")
    return options


def add_server(options: argparse.ArgumentParser) -> None:
    """Which server, and where its store lies."""
    options.add_argument("--binary", default=os.path.join(ROOT, ".build/release/cadre"))
    options.add_argument("--data", default=os.path.join(ROOT, ".build"),
                         help="where the store lies (default: below .build, which is on a disk; "
                         "/tmp may not be)")
