# SPDX-License-Identifier: GPL-2.0-only
"""What compilers and sparse say about the project's files, in several configurations."""

import os
import re

from workshop import overlay, tree
from workshop.common import BUILD, REPO, Failure, read_text, write_text
from workshop.kbuild import KEEP_LOG, Output, own_files, run
from workshop.kernel import fragment
from workshop.routes import Routes
from workshop.shell import Job

# What belongs to user space: begins of paths in the tree.
USER_SPACE = ("drivers/dma-buf/tests/selftests/", "drivers/dma-buf/tests/bench/user/",
              "drivers/dma-buf/tests/fuzz/", "tools/", "samples/dma-buf/user/")
# And what is compiled for the kernel.
KERNEL_SPACE = ("drivers/dma-buf/", "samples/dma-buf/")
TESTS = "drivers/dma-buf/tests/"
SIZES = os.path.join(REPO, "scripts/kbuild/sizes.c")

CONFIGURATIONS = {
    "x86_64": "x86-64, all options on, tests as modules",
    "i386": "i386 with high memory, all options on, tests built in",
    "arm64": "arm64 with 32-bit programs, all options on, tests as modules",
    "small": "x86-64, no modules, no debugging, least options",
    "bare": "x86-64 with one CPU, neither sync_file nor debugfs, tests built in",
}
# ARCH, prefix of the compiler, value of the project's tristate options, own options. Without
# such a value the configuration is a fragment of its own, and not each file is in it.
PARAMETERS = {
    "x86_64": ("x86_64", "", "m", "CONFIG_IA32_EMULATION=y\n"),
    "i386": ("i386", "", "y", "CONFIG_HIGHMEM4G=y\n"),
    "arm64": ("arm64", "aarch64-linux-gnu-", "m", "CONFIG_COMPAT=y\n"),
    "small": ("x86_64", "", None, ""),
    "bare": ("x86_64", "", None, ""),
}


def project_files():
    """Maps each path in the tree to the project's file for it."""
    return overlay.project_files(REPO)


def own_options(value):
    """Every option that the project's Kconfig files offer, switched on."""
    text = "\n".join(read_text(part[1]) for part in own_files("Kconfig") if isinstance(part, tuple))
    lines = []
    for block in re.split(r"^(?=(?:menu)?config )", text, flags=re.M)[1:]:
        name = block.split(None, 2)[1]
        kind = re.search(r'^\t(bool|tristate)[ \t]+"', block, re.M)
        if kind:
            lines.append(f"CONFIG_{name}={value if kind.group(1) == 'tristate' else 'y'}\n")
    return "".join(lines)


class Configuration:
    """One configured output directory, and what was said in it."""

    known = {}

    def __init__(self, name):
        arch, cross, tristate, options = PARAMETERS[name]
        text = read_text(fragment("check" if tristate else name)) + options
        if tristate:
            text += own_options(tristate)
        path = os.path.join(BUILD, "check", name + ".config")
        if read_text(path) != text:
            write_text(path, text)
        self.output = Output(f"check/{name}", tree.TREE, "allnoconfig", path, arch, cross,
                             ("W=1", "C=1", f"CHECK={KEEP_LOG} sparse sparse"))
        self.output.configure(tree.stock(), *own_files("Kconfig"))

    @classmethod
    def of(cls, name):
        if name not in cls.known:
            cls.known[name] = cls(name)
        return cls.known[name]

    def make(self, targets, what, module=None):
        """Compiles and checks objects; returns those that could not be made."""
        for path in targets:
            # Only a compile runs sparse: what was never checked is compiled again.
            if self.output.said(path) and not self.output.said(path, "sparse"):
                os.unlink(os.path.join(self.output.path, path))
        return self.output.build(targets, what, module=module)

    def faults(self, target, ours, failed):
        """What was said about our files in an object; ours: their paths, or None for any."""
        if target in failed:
            return [f"{target}: {line}" for line in self.output.failures_of(target)]
        faults = []
        for suffix in "log", "sparse":
            said = self.output.said(target, suffix)
            if said is None:
                faults.append(f"{target}: sparse did not see it")
                continue
            faults += [line for line in said.warnings
                       if ours is None or line.split(":")[0] in ours or "error:" in line]
        return faults


def builder(name):
    """The check that compiles every source file in a configuration."""
    def check(_project):
        files = project_files()
        wanted = [path for path in files if path.endswith(".c") and
                  path.startswith(KERNEL_SPACE) and not path.startswith(USER_SPACE)]
        here = Configuration.of(name)
        finder = Routes(here.output, wanted)
        routes = {path: finder.to(path) for path in wanted}
        faults = []
        for path, route in list(routes.items()):
            if not route or route.way == "forced":
                del routes[path]
                if PARAMETERS[name][2]:
                    faults.append(f"{path}: no option compiles it")
        targets = sorted({route.target for route in routes.values()})
        failed = here.make(targets, f"{len(targets)} objects") if targets else set()
        for target in targets:
            faults += here.faults(target, files, failed)
        faults += [f"{path}: {route.target} was made without it"
                   for path, route in routes.items() if route.target not in failed and
                   path not in here.output.dependencies(route.target)]
        return list(routes), list(dict.fromkeys(f"{name}: {line}" for line in faults))
    return check


# What makes a symbol known to modules, wherever in the tree it stands, and how names derive from it.
EXPORT = re.compile(r"\bEXPORT_\w*\(\s*(\w+)")
DERIVED = re.compile(r"__(?:SCT__tp_func|SCK__tp_func|SCT|SCK|tracepoint|traceiter)_+")
# What compilers call by itself, under names that a macro makes up; and the types of
# module parameters, most of which a macro of kernel/params.c exports.
COMPILER = re.compile(r"_GLOBAL_OFFSET_TABLE_|__x86_\w*thunk\w*|__this_module|__fentry__|"
                      r"param_ops_u?(int|long|short)")
# Where a kernel keeps what our module may need of it.
EXPORTERS = ("arch/x86", "block", "drivers/base", "drivers/char/misc.c", "fs", "init", "kernel",
             "lib", "mm", "net/core", "security")


def symbols(output, paths):
    """What objects define, need from elsewhere, and export: three sets of names."""
    status, lines = run("nm", *paths, cwd=output.path)
    if status:
        raise Failure("nm: " + " ".join(lines[-3:]))
    defined, needed, exported = set(), set(), set()
    for line in lines:
        kind, name = ["", "", *line.split()][-2:]
        if name.startswith("__export_symbol_"):
            exported.add(name.removeprefix("__export_symbol_"))
        elif kind == "U":
            needed.add(name)
        elif kind.isupper():
            defined.add(name)
    return defined, needed, exported


def exported_elsewhere():
    """The names that the rest of the tree exports, as far as a test may need them."""
    _, lines = run("grep", "-rhoE", "--include=*.[chS]", r"\bEXPORT_\w*\(\s*\w+",
                   *EXPORTERS, cwd=tree.TREE)
    return {found.group(1) for found in map(EXPORT.match, lines) if found}


def unknown(needed, exported):
    """The names that a module would look for in vain."""
    return sorted(name for name in needed
                  if name not in exported and DERIVED.sub("", name) not in exported
                  and not COMPILER.fullmatch(name))


def modules(_project):
    """Each symbol that the tests need is there for a module, as modpost would find out."""
    here = Configuration.of("x86_64")
    ours = [path for path in project_files() if path.endswith(".c") and
            path.startswith("drivers/dma-buf/") and not path.startswith(USER_SPACE)]
    finder = Routes(here.output, ours)
    targets = sorted({route.target for path in ours
                      if (route := finder.to(path)) and route.way != "forced"})
    here.make(targets, f"{len(targets)} objects")
    tests = [path for path in targets if path.startswith(TESTS)]
    rest = [path for path in targets if not path.startswith(TESTS)]
    defined, needed, _ = symbols(here.output, tests)
    _, _, exported = symbols(here.output, rest)
    return tests, [f"{name}: the tests as a module need it, and it is not exported"
                   for name in unknown(needed - defined, exported | exported_elsewhere())]


def module_of(name, sources):
    """Writes an external module that exists to be compiled; returns its directory and objects."""
    directory = os.path.join(BUILD, "check", name)
    makefile = "".join(f"obj-m += {os.path.splitext(source)[0]}.o\n" for source in sources)
    for path, text in (*sources.items(), ("Makefile", makefile)):
        path = os.path.join(directory, path)
        if read_text(path) != text:
            write_text(path, text)
    return directory, {source: os.path.join(directory, source[:-2] + ".o") for source in sources}


def headers(_project):
    """Each header of the kernel side included, alone and twice, by an otherwise empty file."""
    files = [path for path in project_files()
             if path.endswith(".h") and "/uapi/" not in path and not path.startswith(USER_SPACE)]
    if not files:
        return [], []
    sources = {}
    for path in files:
        line = f'#include "{os.path.join(tree.TREE, path)}"\n'
        if path.startswith("include/"):
            line = f"#include <{path.removeprefix('include/')}>\n"
        sources[re.sub(r"\W", "-", path[:-2]) + ".c"] = 2 * line
    here = Configuration.of("x86_64")
    directory, objects = module_of("headers", sources)
    failed = here.make(list(objects.values()), f"{len(files)} headers", directory)
    faults = [line for target in objects.values()
              for line in here.faults(target, {*files, *objects}, failed)]
    return files, list(dict.fromkeys(faults))


def sizes(_project):
    """Compile-time assertions about the public structures."""
    here = Configuration.of("small")
    directory, objects = module_of("sizes", {"sizes.c": read_text(SIZES)})
    failed = here.make(list(objects.values()), "sizes of structures", directory)
    return [SIZES], [line for target in objects.values()
                     for line in here.faults(target, None, failed)]


def uapi(_project):
    """Each uapi header, installed, in the strictest C90."""
    names = [path.removeprefix("include/uapi/") for path in project_files()
             if path.startswith("include/uapi/") and path.endswith(".h")]
    if not names:
        return [], []
    output = Configuration.of("x86_64").output
    Job("installing the kernel's headers", "check-uapi.log").run([*output.make, "headers"])
    place = os.path.join(output.path, "usr/include")
    faults = []
    for name in names:
        path = os.path.join(place, name)
        for words in (["gcc", "-std=c90", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2",
                       "-fsyntax-only", "-isystem", place, "-include", path, "-include", path,
                       "-x", "c", "/dev/null"],
                      ["perl", os.path.join(tree.STOCK, "usr/include/headers_check.pl"), place,
                       "x86", path]):
            status, lines = run(*words)
            faults += [line.replace(place + "/", "") for line in lines]
            if status and not lines:
                faults.append(f"{name}: {words[0]} ended with {status}")
    return names, faults
