# SPDX-License-Identifier: GPL-2.0-only
"""Renders the project's pages with the tree's own Sphinx set-up, and checks that they are whole."""

import argparse
import os
import re
import shutil

from workshop import papers, stamps, tree
from workshop.common import BUILD, REPO, Failure, read_text, say
from workshop.kbuild import run
from workshop.overlay import project_files
from workshop.shell import Job, environment

OUT = os.path.join(BUILD, "docs")
WORK = os.path.join(BUILD, "docs-work")     # what Sphinx keeps for itself
CONF = os.path.join(REPO, "scripts/sphinx/conf.py")
FRONT = "dma-buf/index"
FAULTS_SHOWN = 40

# What the stamp depends on beside the tree: that which makes and judges the pages.
TOOLS = (CONF, __file__, papers.__file__)

# The header whose ioctls a manual page is about.
MANUALS = {
    "include/uapi/linux/dma-buf.h": "Documentation/man/dma-buf.4",
    "include/uapi/linux/sync_file.h": "Documentation/man/sync_file.4",
}

# Of what programs print, the lines that no page may cause. kernel-doc writes them past Sphinx.
COMPLAINT = re.compile(r"\b(warning|error|critical|severe):", re.I)
MENTION = re.compile(r"\bDocumentation/[\w./-]+\.(?:rst|txt|[1-9])\b")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


def page_names(files):
    """The documents of the project as Sphinx calls them, the front page first."""
    names = sorted(path[len("Documentation/"):-len(".rst")] for path in files
                   if path.startswith("Documentation/") and path.endswith(".rst"))
    if FRONT not in names:
        raise Failure(f"Documentation/{FRONT}.rst: there is no such page")
    names.remove(FRONT)
    return [FRONT, *names]


def html_of(names):
    return [os.path.join(OUT, name + ".html") for name in names]


def kernel_version():
    makefile = read_text(os.path.join(tree.TREE, "Makefile"))
    return ".".join(re.search(rf"^{key} = *(\w*)", makefile, re.M).group(1)
                    for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))


def command(warnings):
    """How sphinx-build is called: the tree's conf.py, and afterwards ours."""
    return ["sphinx-build", "-b", "html", "-E", "-a", "-N", "-j", "auto", "-w", warnings,
            "-c", os.path.join(tree.TREE, "Documentation"), "-d", os.path.join(WORK, "doctrees"),
            "-D", f"kerneldoc_srctree={tree.TREE}",
            "-D", f"kerneldoc_bin={os.path.join(tree.TREE, 'scripts/kernel-doc')}",
            os.path.join(tree.TREE, "Documentation"), OUT]


def shorter(line):
    """A complaint with paths as the repository has them."""
    return line.replace(tree.TREE + "/", "").strip()


def complaints(text):
    """The lines that name a fault, each once."""
    return list(dict.fromkeys(shorter(line) for line in text.splitlines()
                              if COMPLAINT.search(line)))


def render(names):
    """Renders the pages from nothing; returns what was complained of."""
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    warnings = os.path.join(WORK, "warnings")
    env = dict(environment(), srctree=tree.TREE, SPHINX_CONF=CONF, DOCS_PAGES=" ".join(names),
               DOCS_VERSION=kernel_version(),
               # The tree's files are hard links, and nothing is made between them.
               PYTHONDONTWRITEBYTECODE="1")
    job = Job(f"rendering {len(names)} pages", "docs.log", counted=r"(?!)")
    job.run(command(warnings), env=env, limit=600)
    faults = complaints(read_text(warnings, "") + "\n" + read_text(job.log, ""))
    return faults + [f"{path}: was not made" for path in html_of(names) if not os.path.exists(path)]


def dead_mentions(files):
    """Where the project's files name a page or a file that does not exist."""
    faults = []
    for path, source in sorted(files.items()):
        for name in sorted(set(MENTION.findall(read_text(source)))):
            if name not in files and not os.path.exists(os.path.join(tree.TREE, name)):
                faults.append(f"{path}: there is no {name}")
    for name in sorted(set(LINK.findall(read_text(os.path.join(REPO, "README.md"), "")))):
        if not os.path.exists(os.path.join(REPO, name)):
            faults.append(f"README.md: there is no {name}")
    return faults


def abi_files(files):
    return {path: source for path, source in files.items()
            if path.startswith("Documentation/ABI/")}


def abi_faults(files):
    """What the kernel's own reader of ABI files says about the project's."""
    place = os.path.join(WORK, "abi")
    shutil.rmtree(place, ignore_errors=True)
    for path, source in abi_files(files).items():
        target = os.path.join(place, os.path.relpath(path, "Documentation/ABI"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
    status, lines = run("perl", os.path.join(tree.TREE, "scripts/get_abi.pl"), "validate",
                        "--dir", place)
    return lines or ([f"get_abi.pl ended with {status}"] if status else [])


def verdicts(key):
    """Renders and checks, unless that was done; [(guarantee, what is wrong, as lines)]."""
    files = project_files(REPO)
    names = page_names(files)
    key = stamps.key_of(key, *names, *(("file", path) for path in TOOLS))
    if stamps.fresh("docs", key, *html_of(names)):
        return [(f"{len(names)} pages are as they were", [])]

    stamps.forget("docs")
    offers = papers.offered(files)
    found = [(f"{len(names)} pages are rendered without a warning", render(names))]
    pages = papers.Pages(path for path in html_of(names) if os.path.exists(path))
    found.append(("every function that the text names is a link",
                  [f"{os.path.relpath(path, OUT)}: {name}" for path, name in pages.loose()]))
    found.append((f"{len(offers)} things that the sources offer have an entry",
                  papers.missing_entries(offers, pages)))
    found.append(("every DOC: section of the sources is on a page",
                  papers.missing_sections(files)))
    texts = [read_text(source) for source in abi_files(files).values()]
    found.append(("the files in sysfs and debugfs are in Documentation/ABI",
                  papers.missing_abi(offers, texts) + abi_faults(files)))
    manuals = {header: read_text(os.path.join(REPO, page), "")
               for header, page in MANUALS.items()}
    found.append(("the manual pages name every ioctl", papers.missing_in_manual(offers, manuals)))
    found.append(("every file that is mentioned is there", dead_mentions(files)))
    if not any(wrong for _, wrong in found):
        stamps.seal("docs", key)
    return found


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/docs",
        description="Renders the project's pages into build/docs, with the Sphinx set-up of the "
                    "kernel tree that they belong to. No warning is allowed, every reference "
                    "has to lead somewhere, and whatever the sources offer (exported symbols, "
                    "ioctls, options, parameters, tracepoints, files in debugfs and sysfs) has "
                    "to have an entry.",
        epilog="Does nothing when nothing has changed. Exit status: 0 all well, 1 not, "
               "2 wrong use.")
    parser.add_argument("--again", action="store_true", help="render even if nothing has changed")
    options = parser.parse_args(argv)
    tree.packages("docs")
    key = tree.tree()
    if options.again:
        stamps.forget("docs")
    failed = 0
    for guarantee, wrong in verdicts(key):
        for line in wrong[:FAULTS_SHOWN]:
            say(f"  {line}")
        if len(wrong) > FAULTS_SHOWN:
            say(f"  ... and {len(wrong) - FAULTS_SHOWN} more")
        say(f"docs: {'FAILED' if wrong else 'ok'}: {guarantee}")
        failed += bool(wrong)
    say(f"docs: begin with {os.path.join(OUT, FRONT + '.html')}")
    return 1 if failed else 0
