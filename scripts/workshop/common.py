# SPDX-License-Identifier: GPL-2.0-only
"""What every command of the workshop needs: where things are, how to speak, how to fail."""

import os
import sys

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.join(REPO, "build")


class Refusal(Exception):
    """The command was used wrongly, or on the wrong thing: exit status 2."""


class Failure(Exception):
    """The command was used well and could not do its work: exit status 1."""


def say(text, error=False):
    """One line for the reader, at once even through a pipe."""
    print(text, file=sys.stderr if error else sys.stdout, flush=True)


def read_text(path, default=None):
    """The text of a file; default when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return default


def write_text(path, text):
    """Writes a file whole or not at all."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
