# SPDX-License-Identifier: GPL-2.0-only
"""Models of the lockless protocols: litmus tests, and SPIN's exhaustive search.

Each model comes with mutants, in which one step of the protocol is left out or done too early.
The model has to hold and each mutant has to fail, or the model says nothing.
"""

import glob
import os
import re
import shutil

from workshop import lkmm, tree
from workshop.common import BUILD, REPO, Failure, read_text, write_text
from workshop.kbuild import run

LITMUS = os.path.join(REPO, "tests/litmus")
SPIN = os.path.join(REPO, "tests/spin")
OUTPUT = os.path.join(BUILD, "models")
TREE_TESTS = 30     # of 35 in the tree; the others are in a C that lkmm.py does not read

# A step that a mutant does otherwise: "CODE // NAME: CODE INSTEAD".
MARK = re.compile(r"^(.*?)//[ \t]*([a-z][a-z-]*):[ \t]*(.*)$", re.M)
PLACE = re.compile(r"([\w/.-]+\.[ch]) (\w+)")


def mutant_of(text, name=None):
    """The test without its marks, as it is or as one of its mutants."""
    def line(found):
        code, mark, instead = found.groups()
        if mark == name:
            return re.match(r"\s*", code).group(0) + instead
        return code.rstrip()
    return MARK.sub(line, text)


def mutants(text):
    """The names of the mutants that the marks in a litmus test describe."""
    return sorted({found.group(2) for found in MARK.finditer(text)})


def places(text):
    """[(file, function)] of the code that a model stands for."""
    found = re.search(r"Code:((?:.|\n)*?)\n[ \t]*(?:\(?\*\)?|//)?[ \t]*\n", text)
    return PLACE.findall(found.group(1)) if found else []


def misplaced(text):
    """What is wrong with the names of the code, or nothing."""
    named = places(text)
    if not named:
        return "it does not say which code it stands for"
    for path, function in named:
        if not re.search(rf"\b{function}\(", read_text(os.path.join(REPO, path), "")):
            return f"there is no {function}() in {path}"
    return None


def litmus_faults(text):
    """What can be told without herd7, or nothing."""
    if "Result: Never" not in text:
        return "no line Result: Never"
    if not mutants(text):
        return "no mutant"
    return misplaced(text)


def herd(program, path, model):
    """What herd7 says: Never, Sometimes, Always; fails when it says something else."""
    _, lines = run(program, "-conf", "linux-kernel.cfg", path, cwd=model)
    for text in lines:
        verdict = re.match(r"Observation \S+ (Never|Sometimes|Always)\b", text)
        if verdict:
            return verdict.group(1)
        if text.startswith("Flag"):
            return text
    raise Failure(f"herd7 on {path}: {' '.join(lines[-3:])}")


def judge(tally, path, text, program, model):
    """A test and its mutants by the model: as we read it, and as herd7 does where it is."""
    name = os.path.basename(path)
    for mutant in (None, *mutants(text)):
        variant = mutant_of(text, mutant)
        verdicts = {"lkmm.py": "Sometimes" if lkmm.observable(variant) else "Never"}
        if program:
            copy = os.path.join(OUTPUT, name.replace(".litmus", f"-{mutant or 'itself'}.litmus"))
            write_text(copy, variant)
            verdicts["herd7"] = herd(program, copy, model)
        wanted = "Sometimes" if mutant else "Never"
        wrong = [f"{who}: {verdict}" for who, verdict in verdicts.items() if verdict != wanted]
        tally.check(f"{name}: {f'without {mutant}, ' if mutant else ''}{wanted.lower()}",
                    ", ".join(wrong))


def measure(tally, model):
    """What we say about the tree's own litmus tests, as far as we can read them."""
    agreed = 0
    wrong = []
    for path in sorted(glob.glob(os.path.join(model, "litmus-tests/*.litmus"))):
        text = read_text(path)
        result = re.search(r"Result: (Never|Sometimes)", text)
        try:
            verdict = "Sometimes" if lkmm.observable(text) else "Never"
        except Failure:
            continue
        if result and verdict == result.group(1):
            agreed += 1
        else:
            wrong.append(f"{os.path.basename(path)}: {verdict}")
    tally.check(f"lkmm.py agrees with {agreed} litmus tests of the tree",
                ", ".join(wrong) or (None if agreed >= TREE_TESTS else f"{TREE_TESTS} were to be"))


def litmus(tally):
    """Each litmus test: marks, names, and what the memory model says."""
    program = shutil.which("herd7")
    tests = sorted(glob.glob(os.path.join(LITMUS, "*.litmus")))
    model = os.path.join(tree.TREE, "tools/memory-model")
    tally.check("there are litmus tests", None if tests else f"none in {LITMUS}")
    measure(tally, model)
    for path in tests:
        text = read_text(path)
        tally.check(f"{os.path.basename(path)}: says what it stands for", litmus_faults(text))
        judge(tally, path, text, program, model)
    if not program:
        tally.note("herd7 is not installed: the verdicts are those of lkmm.py alone")


def spin_variants(text):
    """The names that a model is compiled with to make it fail."""
    return sorted(set(re.findall(r"\b(?:MUTANT|KNOWN)_\w+", text)))


def spin(path, define=None):
    """Searches all that a model can do; returns (errors, states, what pan said)."""
    place = os.path.join(OUTPUT, os.path.basename(path)[:-4] + (f"-{define}" if define else ""))
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for words in (["spin", *([f"-D{define}"] if define else []), "-a", path],
                  ["gcc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2048",
                   "-o", "pan", "pan.c"]):
        status, lines = run(*words, cwd=place)
        if status:
            raise Failure(f"{words[0]} on {path}: {' '.join(lines[-3:])}")
    _, lines = run("./pan", "-m200000", cwd=place)
    text = "\n".join(lines)
    errors = re.search(r"errors: (\d+)", text)
    states = re.search(r"(\d+) states, stored", text)
    if not errors or not states or "max search depth too small" in text or "out of memory" in text:
        raise Failure(f"pan of {path} did not get through: {' '.join(lines[-5:])}")
    return int(errors.group(1)), int(states.group(1)), text


def spin_models(tally):
    """Each SPIN model holds, and each of its mutants does not."""
    models = sorted(glob.glob(os.path.join(SPIN, "*.pml")))
    tally.check("there are SPIN models", None if models else f"none in {SPIN}")
    for path in models:
        name = os.path.basename(path)
        text = read_text(path)
        tally.check(f"{name}: says what it stands for", misplaced(text))
        variants = spin_variants(text)
        tally.check(f"{name}: has mutants", None if variants else "none")
        errors, states, said = spin(path)
        tally.check(f"{name}: holds in all its {states} states",
                    f"pan: {said}" if errors else None)
        for define in variants:
            errors, _, _ = spin(path, define)
            tally.check(f"{name}: fails with {define}", None if errors else "it holds")


def report(tally):
    shutil.rmtree(OUTPUT, ignore_errors=True)
    os.makedirs(OUTPUT)
    litmus(tally)
    spin_models(tally)
