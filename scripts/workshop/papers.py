# SPDX-License-Identifier: GPL-2.0-only
"""What the project's sources offer to others, and what its rendered pages have an entry for."""

import os
import re
from collections import namedtuple
from html.parser import HTMLParser

from workshop.common import Failure, read_text
from workshop.interface import plain
from workshop.overlay import HOME

TESTS = HOME + "/tests/"
# What is offered: its kind, the name that a page has to have it under, the file it comes from.
Offer = namedtuple("Offer", "kind name path")

# Tracepoints are offered where they are defined, whoever exports them.
EXPORT = re.compile(r"^EXPORT_SYMBOL(?!_IF_KUNIT)\w*\(\s*(\w+)", re.M)
KFUNC = re.compile(r"^BTF_ID_FLAGS\(func,\s*(\w+)", re.M)
IOCTL = re.compile(r"^#[ \t]*define[ \t]+(\w+)[ \t\\\n]+_IOW?R?\(", re.M)
OPTION = re.compile(r"^(?:menu)?config[ \t]+(\w+)", re.M)
PARAMETER = re.compile(r"^(?:module|core)_param\w*\(\s*(\w+)", re.M)
DIRECTORY = re.compile(r'\bdebugfs_create_dir\(\s*"([^"]+)"')
DEBUGFS = re.compile(r'\bdebugfs_create_(?!dir)\w+\(\s*"([^"]+)"')
ATTRIBUTE = re.compile(r"\b(?:__|[A-Z]+_)ATTR(?:_R[OW]|_WO)?\(\s*(\w+)")
MISC = re.compile(r'\bstruct miscdevice \w+ = \{[^}]*\.name = "([^"]+)"')
CLASS = re.compile(r'\bstruct class \w+ = \{[^}]*\.name = "([^"]+)"')
SYSTEM = re.compile(r"^#define TRACE_SYSTEM (\w+)", re.M)
EVENT = re.compile(r"^(?:TRACE_EVENT\w*\(|DEFINE_EVENT\w*\(\s*\w+,)\s*(\w+)", re.M)
SECTION = re.compile(r"^[ \t]*(?:/\*)?\*+[ \t]*DOC:[ \t]*(.*\S)", re.M)
KERNEL_DOC = re.compile(r"^\.\. kernel-doc::[ \t]*(\S+)[ \t]*\n((?:[ \t]+:[^\n]*\n)*)", re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
WHAT = re.compile(r"^What:\s+(\S+)", re.M)

# Kinds that every version of the project has: if none is found, the search is broken.
KINDS = ("function", "variable", "tracepoint", "BPF function", "ioctl", "option", "parameter",
         "debugfs file", "sysfs file", "sysfs class", "device")


def module_of(path):
    """The module that an object of the kernel becomes part of, as kbuild names it."""
    base = os.path.basename(path)[:-2]
    makefile = read_text(os.path.join(os.path.dirname(path), "Makefile"), "")
    rule = re.search(rf"^(\w+)-(?:y|objs|\$\(\w+\))[ \t]*[:+]?=(?:[^\n]*[ \t])?{base}\.o\b",
                     makefile, re.M)
    name = rule.group(1) if rule and rule.group(1) != "obj" else base
    return name.replace("-", "_")


def debugfs_files(text):
    """The paths that a source file makes in debugfs."""
    directory = DIRECTORY.search(text)
    place = f"/sys/kernel/debug/{directory.group(1)}" if directory else "/sys/kernel/debug"
    return [f"{place}/{name}" for name in DEBUGFS.findall(text)]


def of_source(path, source):
    """What one C file, its place in the tree and its text given, offers."""
    # Strings stay: they have the names of files.
    text = COMMENT.sub("", read_text(source))
    offers = []

    def add(kind, names):
        offers.extend(Offer(kind, name, path) for name in names)

    for name in EXPORT.findall(text):
        called = re.search(rf"\b{name}\(", plain(text))
        add("function" if called else "variable", [name])
    add("BPF function", KFUNC.findall(text))
    add("ioctl", IOCTL.findall(text))
    add("parameter", [f"{module_of(source)}.{name}" for name in PARAMETER.findall(text)])
    add("debugfs file", debugfs_files(text))
    add("sysfs file", ATTRIBUTE.findall(text))
    add("sysfs class", [f"/sys/class/{name}" for name in CLASS.findall(text)])
    add("device", [f"/dev/{name}" for name in MISC.findall(text) + CLASS.findall(text)])
    for system in SYSTEM.findall(text):
        add("tracepoint", [f"{system}:{name}" for name in EVENT.findall(text)])
    # Tests offer nothing but ways to run them.
    return [offer for offer in offers if offer.kind == "parameter" or not path.startswith(TESTS)]


def is_kernel(path):
    """Whether a file of the project's, by its place in the tree, is part of a kernel."""
    return (path.startswith((HOME + "/", "include/"))
            and not path.startswith((TESTS + "selftests/", TESTS + "bench/user/")))


def offered(files):
    """Everything that the project's files, {place in the tree: file}, offer; each once."""
    offers = {}
    for path, source in sorted(files.items()):
        found = []
        if is_kernel(path) and path.endswith((".c", ".h")):
            found = of_source(path, source)
        elif is_kernel(path) and os.path.basename(path) == "Kconfig":
            found = [Offer("option", "CONFIG_" + name, path)
                     for name in OPTION.findall(read_text(source))]
        for offer in found:
            offers.setdefault((offer.kind, offer.name), offer)
    missing = [kind for kind in KINDS if not any(kind == offer.kind for offer in offers.values())]
    if missing:
        raise Failure(f"no {', no '.join(missing)} found in the sources: is the search broken?")
    return list(offers.values())


def whole(name):
    """Finds a name where it does not go on to either side."""
    return re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w-]|[/.]\w)")


class Page(HTMLParser):
    """What one rendered page has entries for, and which names in its text lead nowhere."""

    FUNCTION = re.compile(r"\b_*(?:dma_(?:buf|fence|resv|heap)|sync_file|udmabuf)_\w+\(\)")
    ENTRIES = ("dt", "h1", "h2", "h3", "h4", "h5", "h6")
    QUIET = ("a", "pre", "code", "title", "script")

    def __init__(self, text):
        super().__init__()
        self.identifiers = set()    # of the C domain: what references lead to
        self.entries = []           # terms and headings
        self.loose = []
        self.open = {}
        self.term = []
        self.feed(text)
        self.close()

    def inside(self, tags):
        return any(self.open.get(tag) for tag in tags)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in self.ENTRIES:
            self.term = []
        if tag == "dt" and (attrs.get("id") or "").startswith("c."):
            self.identifiers.add(attrs["id"][2:])
        self.open[tag] = self.open.get(tag, 0) + 1

    def handle_endtag(self, tag):
        self.open[tag] = max(0, self.open.get(tag, 0) - 1)
        if tag in self.ENTRIES:
            self.entries.append(" ".join("".join(self.term).split()))

    def handle_data(self, data):
        if self.inside(self.ENTRIES):
            self.term.append(data)
        elif not self.inside(self.QUIET):
            self.loose += self.FUNCTION.findall(data)


class Pages:
    """All rendered pages together."""

    def __init__(self, paths):
        self.pages = {path: Page(read_text(path)) for path in paths}
        self.identifiers = set().union(*(page.identifiers for page in self.pages.values()))
        self.entries = [entry for page in self.pages.values() for entry in page.entries]

    def has(self, offer):
        if offer.name in self.identifiers:
            return True
        # What has a declaration is rendered from it, or it is not described at all.
        if offer.kind in ("function", "ioctl"):
            return False
        name = whole(offer.name) if offer.kind != "sysfs file" else \
            re.compile(rf"/sys/\S*/{offer.name}(?![\w/])")
        return any(name.search(entry) for entry in self.entries)

    def loose(self):
        """(page, name) of each function in the text that no reference could be made of."""
        return [(path, name) for path, page in self.pages.items()
                for name in sorted(set(page.loose))]


def missing_entries(offers, pages):
    return [f"{offer.path}: the {offer.kind} {offer.name} has no entry in the pages"
            for offer in offers if not pages.has(offer)]


def missing_abi(offers, texts):
    """The files in sysfs and debugfs that no file of Documentation/ABI, texts given, tells of."""
    known = [what for text in texts for what in WHAT.findall(text)]
    faults = []
    for offer in offers:
        if offer.kind == "parameter":
            module, _, name = offer.name.partition(".")
            place = f"/sys/module/{module}/parameters/{name}"
            # Those of the tests are no interface.
            told = offer.path.startswith(TESTS) or place in known
        elif offer.kind == "sysfs file":
            place = offer.name
            told = any(what.endswith("/" + offer.name) for what in known)
        elif offer.kind in ("debugfs file", "sysfs class"):
            place = offer.name
            told = any(what == place or what.startswith(place + "/") for what in known)
        else:
            continue
        if not told:
            faults.append(f"{offer.path}: {place} is in no file of Documentation/ABI")
    return faults


def missing_in_manual(offers, manuals):
    """The ioctls that the manual page, {header: text}, of their header does not name."""
    return [f"{offer.path}: {offer.name} is not in the manual page"
            for offer in offers if offer.kind == "ioctl" and offer.path in manuals
            and not re.search(rf"\b{offer.name}\b", manuals[offer.path])]


def missing_sections(files):
    """The DOC: sections of the project's sources that are on none of its pages."""
    shown = set()
    for path, source in files.items():
        for name, options in KERNEL_DOC.findall(read_text(source) if path.endswith(".rst") else ""):
            titles = re.findall(r":doc:[ \t]*(.*\S)", options)
            # Without a choice, all that is in the file.
            chosen = re.search(r":(export|internal|identifiers|functions):", options)
            shown.update((name, title) for title in titles or ([] if chosen else [None]))
    return [f'{path}: the section "{title}" is on no page'
            for path, source in sorted(files.items()) if is_kernel(path)
            and path.endswith((".c", ".h")) for title in SECTION.findall(read_text(source))
            if not shown & {(path, title), (path, None)}]
