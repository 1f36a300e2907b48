# SPDX-License-Identifier: GPL-2.0-only
"""Nothing is done twice: a stamp holds the key of what a result was made from."""

import hashlib
import os

from workshop.common import BUILD, read_text, write_text


def key_of(*parts):
    """One key for texts, bytes and files (given as ("file", path))."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, tuple):
            with open(part[1], "rb") as file:
                part = file.read()
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


def path_of(name):
    return os.path.join(BUILD, "stamps", name)


def fresh(name, key, *products):
    """True when the products exist and were made from this very key."""
    return read_text(path_of(name)) == key and all(map(os.path.exists, products))


def forget(name):
    """To be called before making: a result that is half made has no stamp."""
    if os.path.exists(path_of(name)):
        os.unlink(path_of(name))


def seal(name, key):
    write_text(path_of(name), key)
