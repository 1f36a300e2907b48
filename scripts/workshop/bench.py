# SPDX-License-Identifier: GPL-2.0-only
"""Measures this project beside stock: one benchmark, built into both, run in both."""

import argparse
import fnmatch
import glob
import os
import re
import shutil
import subprocess

from workshop import figures, guest, kernel, log, overlay, plot, stamps, tree
from workshop.common import BUILD, REPO, Failure, Refusal, read_text, say, write_text
from workshop.shell import LOGS, Clock, Job, stream

SOURCE = os.path.join(REPO, "tests/bench")
BASELINE = os.path.join(SOURCE, "baseline.csv")
WANTED = os.path.join(SOURCE, "wanted.csv")
PICTURE = os.path.join(REPO, "Documentation/dma-buf/instructions.svg")     # of the baseline
INIT = os.path.join(REPO, "scripts/guest/bench-init")
OUT = os.path.join(BUILD, "bench")
TESTS = f"{overlay.HOME}/tests/"
SHARED = os.path.join(OUT, "source")
TREES = {"stock": tree.STOCK, "this": tree.TREE}
LOCKS = re.compile(r"(?:_lock_init|mutex_init|init_waitqueue_head)\((&[^,)]+)\)|"
                   r"DEFINE_(?:SPINLOCK|MUTEX)\((\w+)\)")
PATTERN = re.compile(r"[\w/*?+\[\].-]*")

TITLES = {"instructions": "Instructions that an operation of dma-buf takes",
          "time": "Time that an operation of dma-buf takes, medians of paired runs"}
SAMPLES = {"instructions": 3, "time": 101}
VMAP_MEBIBYTES = 256
SECONDS = 1200

# One CPU, one host thread, no randomness and no clock but the count of instructions.
COUNTING = ["-accel", "tcg,thread=single", "-cpu", "max", "-smp", "1",
            "-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
SEVERAL = ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp"]
STORM_TURNS = 2000
ON_DEMAND = "parts"     # rows of what others are made of, see tests/bench/parts.c


def sources(directory):
    return sorted(path for path in glob.glob(os.path.join(directory, "*"))
                  if path.endswith((".c", ".h", "Makefile")))


def key_of_files(*paths):
    return [part for path in paths for part in (os.path.basename(path), ("file", path))]


def program():
    """Builds the part of the benchmark that is a program; returns it and its key."""
    files = sources(os.path.join(SOURCE, "user"))
    output = os.path.join(OUT, "program")
    binary = os.path.join(output, "dmabuf-bench")
    key = stamps.key_of(*key_of_files(*files))
    if not stamps.fresh("bench-program", key, binary):
        stamps.forget("bench-program")
        os.makedirs(output, exist_ok=True)
        Job("building the benchmark's program", "bench-program.log").run(
            ["make", "-B", "-C", os.path.join(SOURCE, "user"), f"OUT={output}"])
        stamps.seal("bench-program", key)
    return binary, key


def stock_source():
    """Makes SHARED the same as stock."""
    tree.remove(SHARED)
    shutil.rmtree(SHARED + ".new", ignore_errors=True)
    # Hard links, as in build/tree: whoever writes into it makes a new file.
    Job("making the tree for both kernels", "bench-tree.log").run(
        ["cp", "-al", tree.STOCK, SHARED + ".new"])
    os.rename(SHARED + ".new", SHARED)


def project_key(stock_key):
    """The key of what the project puts into a kernel without tests."""
    files = sorted(overlay.project_files(REPO).items())
    return stamps.key_of(stock_key, *[part for path, source in files
                                      if not path.startswith(("Documentation/", TESTS))
                                      for part in (path, ("file", source))])


def targets_of(config):
    return ("linux" if config.endswith("-uml") else "vmlinux", "modules")


def stock_kernel(config, stock_key, output):
    """Builds stock's kernel; its key."""
    if not kernel.up_to_date(config, stock_key, output):
        stock_source()
    return kernel.build(config, stock_key, SHARED, output, targets_of(config))[1]


def this_kernel(config, stock_key, output):
    """Builds the project's kernel; its key."""
    tree.tree()
    this_key = project_key(stock_key)
    config = config.replace("bench", "bench-pool")
    if not kernel.up_to_date(config, this_key, output):
        if not os.path.exists(SHARED):
            stock_source()
        overlay.apply(REPO, SHARED, pristine=tree.STOCK)
    return kernel.build(config, this_key, SHARED, output, targets_of(config))[1]


def kernels(config, wanted):
    """Builds the kernels of the wanted trees: [(which, the kernel's output directory, key)].

    They are built in turn from one directory, so that the second one is a copy of the
    first in which only what differs is compiled again: that is most of the time.
    """
    stock_key = tree.stock()
    outputs = {which: os.path.join(BUILD, f"kernel-{config}-{which}") for which in TREES}
    built = []
    if "stock" in wanted:
        if not kernel.up_to_date(config, stock_key, outputs["stock"]):
            shutil.rmtree(outputs["this"], ignore_errors=True)
        built.append(("stock", outputs["stock"],
                      stock_kernel(config, stock_key, outputs["stock"])))
        if not os.path.exists(outputs["this"]):
            shutil.rmtree(outputs["this"] + ".new", ignore_errors=True)
            Job("copying the stock kernel", f"bench-copy-{config}.log").run(
                ["cp", "-a", outputs["stock"], outputs["this"] + ".new"])
            os.rename(outputs["this"] + ".new", outputs["this"])
    built.append(("this", outputs["this"], this_kernel(config, stock_key, outputs["this"])))
    return built


class Machine:
    """A kernel of one of the trees with the benchmark's module."""

    def __init__(self, which, config, output, kernel_key):
        self.which = which
        self.uml = config.endswith("-uml")
        self.name = f"{config}-{which}"
        self.output = output
        self.vmlinux = os.path.join(output, "linux" if self.uml else "vmlinux")
        files = sources(SOURCE)
        self.key = stamps.key_of(kernel_key, *key_of_files(*files, INIT))
        self.module = os.path.join(OUT, self.name, "dmabuf_bench.ko")
        if not stamps.fresh(f"module-{self.name}", self.key, self.module):
            self._build_module(config, files)

    def _build_module(self, config, files):
        """The module is made outside of the tree, from a copy: nothing is put into the tree."""
        stamp = f"module-{self.name}"
        stamps.forget(stamp)
        place = os.path.dirname(self.module)
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        for path in files:
            shutil.copy(path, place)
        Job(f"building the benchmark for {self.name}", f"{stamp}.log").run(
            [*kernel.make_command(config, TREES[self.which], self.output), f"M={place}",
             "CONFIG_DMABUF_BENCH=m", "modules"])
        stamps.seal(stamp, self.key)

    def command(self, machine, root, words):
        if self.uml:
            return [self.vmlinux, "mem=768M", f"initrd={root}", "con=null", "con0=null,fd:1",
                    "bench.end=poweroff", *words]
        line = ["console=ttyS0", "panic=-1", "tsc=reliable", "nokaslr", "norandmaps",
                "random.trust_cpu=on", "hugepages=20", *words]
        return [guest.QEMU, *machine, "-machine", "q35", "-m", "1G", "-nodefaults",
                "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
                "-kernel", self.vmlinux, "-initrd", root, "-append", " ".join(line)]

    def run(self, title, binary, words, machine=()):
        """Boots it and lets it measure; the lines that it printed."""
        root = guest.initramfs([self.module, binary], init=INIT)
        os.makedirs(LOGS, exist_ok=True)
        path = os.path.join(LOGS, f"bench-{title}-{self.which}.log")
        lines = []
        clock = Clock(f"{title}, {self.which}",
                      lambda: f", {len(figures.parse(lines))} rows")
        with open(path, "w", encoding="utf-8") as record:
            def on_line(line):
                print(line, file=record, flush=True)
                lines.append(line)

            stream(self.command(machine, root, words), on_line, SECONDS, tick=clock.tick)
        status = [line for line in lines if re.search(r"bench: status \d+$", line.strip())]
        if not status or not status[-1].strip().endswith("status 0"):
            raise Failure(f"{title}, {self.which}: the guest did not come to its end: see {path}")
        alarms = log.alarms("\n".join(lines))
        if alarms:
            raise Failure(f"{title}, {self.which}: {alarms[0]}: see {path}")
        say(f"  {title}, {self.which}: {len(figures.parse(lines))} rows in {clock.passed()}")
        return lines


def version(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n", 1)[0]


def makers():
    """What the figures depend on beside the project: other versions, other figures."""
    return {"compiler": version("gcc"), "qemu": version(guest.QEMU), "linux": overlay.version_of(tree.STOCK)}


def made_here(notes):
    """Whether a table with these notes was made by what is here."""
    return all(notes.get(name) == value for name, value in makers().items())


def prefix_of(pattern):
    """What all rows of a pattern begin with, which is all that the guests can choose by."""
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def chosen(rows, pattern):
    return {row: value for row, value in rows.items() if fnmatch.fnmatchcase(row, pattern + "*")}


def machines(config, wanted=tuple(TREES)):
    """The kernels, each with the module: stock if wanted, this."""
    return [Machine(which, config, output, key) for which, output, key in kernels(config, wanted)]


def words_for(machine, mode, pattern):
    """The words on the kernel's command line that say what to measure."""
    words = [f"bench.mode={mode}", f"bench.samples={SAMPLES[mode]}",
             f"bench.linear={int(machine.which == 'this')}", f"bench.only={prefix_of(pattern)}"]
    if fnmatch.fnmatchcase("heap/vmap-M/256"[:len(prefix_of(pattern))], prefix_of(pattern)):
        words.append(f"bench.vmap={VMAP_MEBIBYTES}")
    return words


def counted(machine, binary, program_key, pattern, again):
    """{row: instructions}; what is known already is not counted again: it would be the same."""
    prefix = prefix_of(pattern)
    # Some of the rows are in a count of all of them, but for those on demand.
    for begin in (prefix,) if prefix.startswith(ON_DEMAND) else ("", prefix):
        words = words_for(machine, "instructions", begin)
        key = stamps.key_of(machine.key, program_key, version(guest.QEMU), " ".join(words),
                            " ".join(COUNTING))
        stamp = f"counted-{machine.which}" + ("-some" if begin else "")
        path = os.path.join(OUT, stamp + ".log")
        known = not again and stamps.fresh(stamp, key, path)
        if known or begin == prefix:
            break
    if not known:
        stamps.forget(stamp)
        lines = machine.run("instructions", binary, words, COUNTING)
        write_text(path, "\n".join(lines) + "\n")
        stamps.seal(stamp, key)
    rows = figures.parse(read_text(path).splitlines())
    return {row: sample.least for row, sample in chosen(rows, pattern).items()}


def report(rows):
    """Prints {row: [stock, this, ratio, ...]}, the mean and the worst row."""
    width = max(map(len, rows))
    say(f"{'':{width}} {'stock':>12} {'this':>12} {'ratio':>7}")
    for row, (stock, this, value, *spread) in rows.items():
        shown = "" if value is None else f"{value:.3f}"
        more = f"  ({spread[0]:.3f} to {spread[1]:.3f})" if spread else ""
        say(f"{row:{width}} {figures.text_of(stock):>12} {figures.text_of(this):>12} "
            f"{shown:>7}{more}")
    ratios = {row: columns[2] for row, columns in rows.items()}
    mean, last = figures.geometric_mean(ratios.values()), figures.worst(ratios)
    if mean is not None:
        say(f"geometric mean {mean:.3f}; worst row {last[0]}, {last[1]:.3f}")


def leave(name, rows, columns):
    """Writes build/bench/NAME.csv and a plot of the ratios."""
    path = os.path.join(OUT, name + ".csv")
    lines = [",".join(["row", *columns])]
    for row, values in rows.items():
        lines.append(",".join([row, *("" if value is None else f"{value:.4g}" if value < 10
                                      else f"{value:.1f}" for value in values)]))
    write_text(path, "\n".join(lines) + "\n")
    drawn = {row: values[2] for row, values in rows.items() if values[2] is not None}
    if drawn:
        write_text(os.path.join(OUT, name + ".svg"), plot.picture(TITLES[name], drawn))


def picture(figures_of):
    """The plot of a table of instructions, {row: [stock, this]}."""
    ratios = {row: figures.ratio(*pair) for row, pair in figures_of.items()}
    return plot.picture(TITLES["instructions"],
                        {row: ratio for row, ratio in ratios.items() if ratio is not None})


def count(pattern="", again=False, stock=None):
    """Counts instructions, prints the table: {row: [stock, this]}.

    stock: {row: figure} of stock's where they are known; else it is counted as well.
    """
    binary, program_key = program()
    wanted = ("this",) if stock else TREES
    *before, this = (counted(machine, binary, program_key, pattern, again)
                     for machine in machines("bench", wanted))
    stock = before[0] if before else stock
    if not this:
        raise Refusal(f"--only {pattern}: there is no such row")
    now = {row: [stock.get(row), value] for row, value in this.items()}
    rows = {row: [*pair, figures.ratio(*pair)] for row, pair in now.items()}
    report(rows)
    leave("instructions", rows, ("stock", "this", "ratio"))
    return now


def instructions(options):
    """Counts instructions; True if all that was asked for holds."""
    now = count(options.only, options.again)
    _, wanted = figures.read_table(read_text(WANTED))
    for row, value, limit in figures.missed(wanted, now):
        say(f"wanted: {row}: {figures.text_of(value)}, not more than {figures.text_of(limit)}")
    if options.update:
        notes = {"columns": "row, stock, this", **makers()}
        table = figures.write_table(notes, now)
        write_text(BASELINE, table)
        # Of the figures as they are written, so that who reads them can draw the same.
        write_text(PICTURE, picture(figures.read_table(table)[1]))
    if not options.check:
        return True
    what, worse = compare(now, options.only)
    for line in worse:
        say(f"worse than the baseline: {line}")
    say(f"bench: {what}, {len(worse)} worse")
    return not worse


def compare(now, pattern=""):
    """Beside the committed baseline: what was compared, and a line for each row that is worse."""
    notes, baseline = figures.read_table(read_text(BASELINE, ""))
    baseline = chosen(baseline, pattern)
    if not baseline:
        raise Failure(f"{BASELINE}: nothing to compare with")
    same = made_here(notes)
    what = "instructions" if same else "ratios (another compiler or QEMU made the baseline)"
    lines = [f"{row}: no figure any more" if by is None else f"{row}: by {by * 100:.1f} %"
             for row, by in figures.regressions(baseline, now, same)]
    return f"{what} of {len(baseline)} rows compared with the baseline", lines


def regressions():
    """What CI asks: this project's figures beside the baseline, see compare().

    Stock does not change, and counts the same in every run: where its figures in the
    baseline were made by what is here there is no need to count them again.
    """
    tree.stock()
    notes, baseline = figures.read_table(read_text(BASELINE, ""))
    known = made_here(notes) and {row: columns[0] for row, columns in baseline.items()}
    return compare(count(stock=known or None))


def times(options):
    """Nanoseconds on User-Mode Linux: pairs of runs, in turn; True if both could be measured."""
    binary, _ = program()
    stock, this = machines("bench-uml")
    runs = {"stock": [], "this": []}
    for _ in range(options.pairs):
        for machine in stock, this:
            lines = machine.run("time", binary, words_for(machine, "time", options.only))
            runs[machine.which].append(chosen(figures.parse(lines), options.only))
    rows = figures.paired(runs["stock"], runs["this"])
    if not rows:
        raise Refusal(f"--only {options.only}: there is no such row")
    report(rows)
    leave("time", rows, ("stock", "this", "ratio", "least_ratio", "greatest_ratio"))
    return True


def stall(_options):
    """Exports beside 10,000 buffers and a stuck reader; True if this never waits for it."""
    binary, _ = program()
    well = True
    lines = ["tree,threads,alone_us,stuck_us,slowest_turns"]
    for machine in machines("bench"):
        rows = figures.parse_stall(machine.run("stall", binary, ["bench.mode=stall"],
                                              [*SEVERAL, "4"]))
        for threads in 1, 4:
            free, stuck = rows[threads, "free"], rows[threads, "stuck"]
            cost = [done[2] * 1000 / done[0] if done[0] else None for done in (free, stuck)]
            held = stuck[1] < free[1] / 10
            say(f"{machine.which:5} {threads} threads: export+put "
                f"{cost[0]:.1f} us alone, beside 10,000 buffers and a stuck reader "
                + ("never done" if held else f"{cost[1]:.1f} us"))
            lines.append(f"{machine.which},{threads},{cost[0]:.1f},"
                         f"{'' if held else f'{cost[1]:.1f}'},{stuck[1]}")
            well = well and not (held and machine.which == "this")
    write_text(os.path.join(OUT, "stall.csv"), "\n".join(lines) + "\n")
    return well


def own_locks():
    """The classes of the subsystem's locks, as lockdep calls them: after the code."""
    names = {"reservation_ww_class_mutex", "reservation_ww_class_acquire"}
    for path, source in overlay.project_files(REPO).items():
        if path.endswith(".c") and path.startswith(overlay.HOME) and "/tests/" not in path:
            names.update(name for pair in LOCKS.findall(read_text(source)) for name in pair)
    return names - {""}


def locks(_options):
    """Every CPU at work on objects of its own; True if they meet at no lock of ours."""
    binary, _ = program()
    ours = own_locks()
    well = True
    lines = ["tree,cpus,lock,contentions,bounces,acquisitions"]
    for which, source in TREES.items():
        output = os.path.join(BUILD, f"kernel-bench-locks-{which}")
        source_key = tree.stock() if which == "stock" else tree.tree()
        _, key = kernel.build("bench-locks", source_key, source, output, ("vmlinux", "modules"))
        machine = Machine(which, "bench-locks", output, key)
        for cpus in 4, 8:
            seen = figures.parse_locks(machine.run(
                f"locks-{cpus}", binary, ["bench.mode=locks", f"bench.turns={STORM_TURNS}"],
                [*SEVERAL, str(cpus)]))
            lines += [f"{which},{cpus},{name},{','.join(map(str, numbers))}"
                      for name, numbers in seen.items()]
            taken = sorted(ours & set(seen))
            # What each CPU has one of was made ready by the first: it changes hands once.
            shared = [name for name in taken if seen[name][0] or seen[name][1] >= cpus]
            if which == "this":
                well = well and taken and not shared
                say(f"this, {cpus} CPUs: " + (f"they meet at {', '.join(shared)}" if shared else
                    f"no two meet at any of {len(taken)} locks: {', '.join(taken)}"))
            met = sorted(seen, key=lambda name: -seen[name][0])[:5]
            say(f"{which}, {cpus} CPUs: most contended of all: "
                + ", ".join(f"{name} {seen[name][0]}" for name in met))
    write_text(os.path.join(OUT, "locks.csv"), "\n".join(lines) + "\n")
    return well


MODES = {"instructions": instructions, "time": times, "stall": stall, "locks": locks}


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Builds one benchmark for stock and for this project, runs both, prints a "
                    "row per operation (stock, this, ratio), the geometric mean of the ratios "
                    "and the worst row. Writes build/bench/*.csv and *.svg.",
        epilog="Exit status: 0 all well, 1 something failed or, with --check, got worse; "
               "2 wrong use.")
    parser.add_argument("--mode", choices=(*MODES, "all"), default="instructions",
                        help="instructions per operation in QEMU, the same on every run (the "
                             "default); time: nanoseconds on User-Mode Linux; stall: exports "
                             "beside a stuck reader of bufinfo, on several CPUs; locks: which "
                             "locks 4 and 8 CPUs meet at that work on objects of their own")
    parser.add_argument("--only", metavar="PATTERN", default="",
                        help="only rows that begin so, like resv/ or 'fence/*yes'; parts/ is what "
                             "others are made of and is the kernel's own")
    parser.add_argument("--check", action="store_true",
                        help="fail when a row needs over 2 %% more instructions than in "
                             "tests/bench/baseline.csv")
    parser.add_argument("--update", action="store_true", help="write that baseline anew")
    parser.add_argument("--again", action="store_true",
                        help="count again even what cannot have changed")
    parser.add_argument("--pairs", type=int, default=7, metavar="N",
                        help="how many pairs of runs for the time, 1 to 99 (7)")
    options = parser.parse_args(argv)
    if not PATTERN.fullmatch(options.only):
        raise Refusal(f"--only {options.only}: not a pattern for rows")
    if not 1 <= options.pairs <= 99:
        raise Refusal(f"--pairs {options.pairs}: not between 1 and 99")
    if options.update and options.only:
        raise Refusal("--update wants all rows, not --only some")
    if (options.update or options.check) and options.mode not in ("instructions", "all"):
        raise Refusal("--check and --update are about instructions")
    tree.packages("base")
    modes = MODES if options.mode == "all" else {options.mode: MODES[options.mode]}
    return 0 if all([measure(options) for measure in modes.values()]) else 1
