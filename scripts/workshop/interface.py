# SPDX-License-Identifier: GPL-2.0-only
"""The names of the dma-buf interface, taken from the public headers, and who uses them."""

import glob
import os
import re
import subprocess

from workshop.common import Failure, read_text

HEADERS = ("dma-buf*.h", "dma-fence*.h", "dma-resv.h", "sync_file.h", "dma-heap.h")
# Programs of user space: they have system calls, not this interface.
OURS = ("drivers/dma-buf/", "samples/dma-buf/")
USER_SPACE = ("Documentation", "scripts", "tools", "usr")

COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
MACRO = re.compile(r"[ \t]*#[ \t]*define[ \t]+(\w+)(\(|[ \t]+\S)?")
TOKEN = re.compile(r"\w+|[^\w\s]")


def plain(text):
    """C without its comments, its strings empty, its lines where they were."""
    def blank(match):
        text = match.group()
        return '""' if text[0] == '"' else " " + "\n" * text.count("\n")
    return COMMENT.sub(blank, text)


def declarations(tokens):
    """Splits a file into its declarations, each without what it holds in braces."""
    depth, outer = 0, []
    for token in tokens:
        if token == "}":
            depth -= 1
        if depth == 0:
            outer.append(token)
            # A function ends with its body; a type goes on to its semicolon.
            if token == ";" or token == "}" and ")" in outer:
                yield outer
                outer = []
        if token == "{":
            depth += 1


def declared(tokens):
    """The name that one declaration makes known, if it is an object, a function or a typedef."""
    outer = [token for token in tokens if token not in "{};"]
    if outer[:1] == ["typedef"]:
        pointer = re.search(r"\( \* (\w+) \)", " ".join(outer))
        return pointer.group(1) if pointer else outer[-1]
    if "(" in outer:
        # What begins with a macro's name and a bracket declares nothing of its own.
        place = outer.index("(") - 1
        return outer[place] if place > 0 else None
    if outer[:1] == ["extern"]:
        return next((word for word in reversed(outer) if re.match(r"[A-Za-z_]", word)), None)
    return None


def names_of(text):
    """The names that a header makes known: (identifiers, struct and enum tags)."""
    text = plain(text)
    words = {match.group(1) for match in map(MACRO.match, DIRECTIVE.findall(text))
             if match and match.group(2)}
    text = DIRECTIVE.sub("", text)
    tags = set(re.findall(r"\b((?:struct|union|enum)\s+\w+)\s*\{", text))
    for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", text, re.S):
        words.update(re.findall(r"(?:^|,)\s*(\w+)", body))
    words.update(map(declared, declarations(TOKEN.findall(text))))
    return words - {None}, {" ".join(tag.split()) for tag in tags}


class Interface:
    """All names of the public headers of one or more trees."""

    def __init__(self, *trees):
        self.headers = sorted(path for tree in trees for pattern in HEADERS for path in
                              glob.glob(os.path.join(tree, "include/linux", pattern)))
        self.words, self.tags = set(), set()
        for path in self.headers:
            words, tags = names_of(read_text(path))
            if not words:
                raise Failure(f"{path}: no name found in it")
            self.words |= words
            self.tags |= tags
        if not self.headers:
            raise Failure(f"{' '.join(trees)}: no header of the interface")
        tags = [re.escape(tag).replace(r"\ ", r"\s+") for tag in sorted(self.tags)]
        self.pattern = re.compile(r"\b(?:" + "|".join(tags + sorted(self.words)) + r")\b")

    def used_in(self, text):
        """The names that C source uses, comments and strings apart."""
        return sorted({" ".join(name.split()) for name in self.pattern.findall(plain(text))})

    def users(self, tree):
        """Maps each .c file of the kernel that uses the interface to the names in it."""
        places = sorted(name for name in os.listdir(tree) if name not in USER_SPACE and
                        name[0] != "." and os.path.isdir(os.path.join(tree, name)))
        words = sorted(self.words | {tag.split()[1] for tag in self.tags})
        found = subprocess.run(["grep", "-rlwF", "--include=*.c", "-f", "-", *places], cwd=tree,
                               input="\n".join(words), capture_output=True, text=True, check=False)
        if found.returncode > 1:
            raise Failure(f"grep: {found.stderr.strip()}")
        users = {}
        for path in sorted(found.stdout.splitlines()):
            if not path.startswith(OURS):
                names = self.used_in(read_text(os.path.join(tree, path)))
                if names:
                    users[path] = names
        return users
