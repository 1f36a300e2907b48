# SPDX-License-Identifier: GPL-2.0-only
"""The long runs: what takes too much time for every change, and finds what is rare."""

import argparse
import os
import re
import shutil
import time

from workshop import demo, gcov, kernel, kunit, proof, selftests, tree
from workshop.common import BUILD, Refusal, read_text, say
from workshop.guest import Boot
from workshop.shell import LOGS

# The machine of the endurance run: frames of one run of the demonstration, and what is
# done to it meanwhile. A quarter of the memory stays free, so that nobody need be killed.
FRAMES = 300
ENDURANCE = r"""
stop=/tmp/stop
hotplug()
{
    while [ ! -e $stop ]; do
        for cpu in 1 2 3; do
            echo 0 >/sys/devices/system/cpu/cpu$cpu/online; usleep 300000
            echo 1 >/sys/devices/system/cpu/cpu$cpu/online; usleep 200000
        done
    done
}
pressure()
{
    while [ ! -e $stop ]; do
        free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
        dd if=/dev/zero of=/tmp/fill bs=1M count=$((free * 3 / 4 / 1024)) 2>/dev/null
        echo 1 >/proc/sys/vm/drop_caches
        echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
        rm -f /tmp/fill
        usleep 100000
    done
}
hotplug & pressure &
end=$(($(date +%s) + SECONDS_TO_RUN)) runs=0 failed=0
while [ $(date +%s) -lt $end ] && [ $failed = 0 ]; do
    for source in SOURCES; do
        dmabuf-demo --out /out --frames FRAMES_A_RUN --source $source >/tmp/said 2>&1 ||
            { failed=$?; cat /tmp/said; break; }
        runs=$((runs + 1))
        echo "endurance: $runs runs, $((runs * FRAMES_A_RUN)) frames"
    done
done
touch $stop
wait
cat /sys/kernel/debug/dma_buf/bufinfo | tail -1
exit $failed
"""


class Soak:
    """What was asked for: minutes, seed, the key of the source."""

    def __init__(self, options, source_key):
        self.minutes = options.minutes
        self.seed = options.seed
        self.replay = options.replay
        self.key = source_key

    @property
    def seconds(self):
        return self.minutes * 60


def fuzz(soak):
    """tests/fuzz on 4 CPUs, with lockdep, KASAN and kmemleak"""
    vmlinux, _ = kernel.build("proof", soak.key)
    files = [("calls.txt", read_text(soak.replay))] if soak.replay else []
    say(f"  seed {soak.seed}")
    run = proof.Run("soak-fuzz", vmlinux,
                    proof.fuzz_job(soak.seed, soak.seconds, replay=bool(soak.replay)), files,
                    limit=soak.seconds + 900)
    yield from proof.fuzz_verdicts(run, short=bool(soak.replay))
    yield from run.verdicts()
    proof.print_places(run, os.path.dirname(vmlinux))


def fail_nth(soak):
    """each allocation of each call fails, with as many arguments as there is time for"""
    vmlinux, _ = kernel.build("proof", soak.key)
    run, found = proof.fail_run("soak-fail", vmlinux, max(2, soak.minutes // 2),
                                soak.seconds + 1800)
    yield from proof.fail_verdicts(run, found)
    yield from run.verdicts()


def kunit_verdicts(name, boot):
    outcome = kunit.from_log(name, boot.kernel_log)
    failed = [f"{suite}: {case}" for suite, case, status in outcome.cases
              if status not in ("PASS", "SKIP")]
    passed = sum(status == "PASS" for _, _, status in outcome.cases)
    yield f"{passed} KUnit cases pass", \
        f"{len(failed)} do not: {' '.join(failed[:3])}" if failed or not passed else None


def userspace_job(soak, share):
    """Puts the userspace tests into share; what runs them and then the fuzzer."""
    programs = selftests.build(soak.key)
    os.makedirs(share, exist_ok=True)
    for program in programs:
        shutil.copy(program.path, os.path.join(share, program.word))
    return selftests.job(programs)


def everything(soak, name, config, more, memory="3G"):
    """All tests on another kernel: KUnit while it boots, userspace's, then more."""
    vmlinux, _ = kernel.build(config, soak.key)
    share = os.path.join(BUILD, f"{name}-share")
    shutil.rmtree(share, ignore_errors=True)
    job = userspace_job(soak, share)
    binaries = list(proof.programs(os.path.dirname(vmlinux)).values())
    words = "hugepages=1040 cma=64M"
    boot = Boot(name, vmlinux, job + more, share, binaries, words=words,
                limit=soak.seconds + 3600, memory=memory, cpus=proof.CPUS)
    return boot, share, vmlinux


def kcsan(soak):
    """KUnit, the userspace tests and the fuzzer with KCSAN in strict mode"""
    more = f"dmabuf-fuzz --seed {soak.seed} --threads 4 --seconds {soak.seconds}\n"
    boot, _, _ = everything(soak, "soak-kcsan", "kcsan", more)
    yield from kunit_verdicts("soak-kcsan", boot)
    bad = [line for line in boot.lines if line.startswith("not ok")]
    yield "the userspace tests pass", boot.problem or (bad[0] if bad else None)
    alarms = boot.alarms()
    yield "no race is seen", f"{len(alarms)} in {boot.kernel_log}: {alarms[0]}" if alarms else None


def coverage(soak):
    """lines and branches that KUnit and the userspace tests run"""
    more = (f"dmabuf-fail --seeds 2\ndmabuf-fuzz --threads 4 --seconds {min(soak.seconds, 300)}\n"
            + gcov.COLLECT)
    boot, share, vmlinux = everything(soak, "soak-coverage", "coverage", more)
    yield "the guest comes to its end", boot.problem
    counts = gcov.collect(os.path.dirname(vmlinux), share)
    for line in gcov.table(counts):
        say(f"    {line}")
    path = os.path.join(LOGS, "soak-coverage.txt")
    yield from gcov.verdicts(counts, path)
    say(f"  what is not reached: {path}")


def endurance(soak):
    """the demonstration again and again, short of memory, while CPUs come and go"""
    vmlinux, _ = kernel.build("guest", soak.key)
    binary, libraries = demo.program()
    job = (ENDURANCE.replace("SECONDS_TO_RUN", str(soak.seconds))
           .replace("FRAMES_A_RUN", str(FRAMES)).replace("SOURCES", " ".join(demo.SOURCES)))
    share = os.path.join(BUILD, "soak-endurance-share")
    shutil.rmtree(share, ignore_errors=True)
    told = [time.monotonic()]

    def on_line(line):
        if not line.startswith("endurance: ") or time.monotonic() - told[0] > 20:
            told[0] = time.monotonic()
            say(f"    {line}")

    boot = Boot("soak-endurance", vmlinux, job, share, [binary], libraries,
                limit=soak.seconds + 900, cpus=4, on_line=on_line)
    frames = [re.fullmatch(r"endurance: (\d+) runs, (\d+) frames", line) for line in boot.lines]
    frames = [match for match in frames if match]
    runs, shown = frames[-1].groups() if frames else (0, 0)
    yield f"{shown} frames in {runs} runs, none lost or torn", boot.problem or (
        f"a run failed: see {boot.output}" if boot.status or not frames else None)
    yield "no buffer is left", None if any(
        line.strip().startswith("Total 0 objects") for line in boot.lines) else "bufinfo has some"
    alarms = boot.alarms()
    yield "the kernel's log holds no warning", \
        f"{len(alarms)} in {boot.kernel_log}: {alarms[0]}" if alarms else None


RUNS = {
    "fuzz": fuzz,
    "fail-nth": fail_nth,
    "kcsan": kcsan,
    "coverage": coverage,
    "endurance": endurance,
}


def main(argv):
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="The long runs, for the given time each: " + "; ".join(
            f"{name}: {function.__doc__}" for name, function in RUNS.items()) + ".",
        epilog="Exit status: 0 nothing was found, 1 something was, 2 wrong use.")
    parser.add_argument("--minutes", type=int, default=10, metavar="N",
                        help="how long each of them goes on, 1 to 10000 (10); fail-nth and "
                             "coverage may need more, and end by themselves")
    parser.add_argument("--only", choices=RUNS, help="only this one")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="what chance begins with; another one each time unless given")
    parser.add_argument("--replay", metavar="FILE",
                        help="the calls that a run of the fuzzer has left, one by one in one "
                             "thread, instead of calls by chance")
    options = parser.parse_args(argv)
    if not 1 <= options.minutes <= 10000:
        raise Refusal(f"--minutes {options.minutes}: not between 1 and 10000")
    if options.replay and not os.path.isfile(options.replay):
        raise Refusal(f"--replay {options.replay}: there is no such file")
    if options.seed is None:
        options.seed = int(time.time()) % 1000000
    names = ["fuzz"] if options.replay else [options.only] if options.only else list(RUNS)
    tree.packages("all")
    soak = Soak(options, tree.tree())
    failed = 0
    for name in names:
        say(f"== {name}: {RUNS[name].__doc__}")
        for guarantee, wrong in RUNS[name](soak):
            failed += bool(wrong)
            say(f"soak: {'FAILED' if wrong else 'ok'}: {name}: {guarantee}"
                + (f": {wrong}" if wrong else ""))
    return 1 if failed else 0
