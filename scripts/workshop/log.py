# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel log may not hold."""

import re

# Each is something the kernel prints only when it thinks that a rule was
# broken or that it is about to fall over.
ALARMS = re.compile("|".join((
    r"\bWARNING: ",
    r"\bWARNING: possible ",
    r"\bBUG: ",
    r"\bBUG at ",
    r"\bOops\b",
    r"\bKASAN: ",
    r"\bUBSAN: ",
    r"\bKCSAN: ",
    r"\bKMSAN: ",
    r"\bINFO: (possible|inconsistent|trying to register|task .* blocked|rcu|suspicious)",
    r"\bpossible (recursive|circular|irq lock inversion|deadlock)",
    r"\binconsistent lock state",
    r"\bsuspicious RCU usage",
    r"\bself-detected stall",
    r"\bdetected (expedited )?stalls?\b",
    r"\bgeneral protection fault",
    r"\bunable to handle ",
    r"\bsoft lockup",
    r"\bhard LOCKUP",
    r"\bunreferenced object\b",
    r"\bmemory leaks?\b.*\bsee /sys/kernel",
    r"\bODEBUG: (?!selftest passed)",
    r"\blist_(add|del) corruption",
    r"\brefcount_t: ",
    r"\bslab-use-after-free",
    r"\bObjects remaining in ",
    r"\bscheduling while atomic",
    r"\bsleeping function called from invalid context",
    r"\bMAX_LOCK\w+ too low",
    r"\bMAX_STACK_TRACE_ENTRIES too low",
    r"\bturning off the locking correctness validator",
    r"\bKernel panic",
    r"\bBad page (state|map)",
    r"\bOut of memory: ",
)))


def alarms(text):
    """The lines of a kernel log that raise an alarm."""
    return [line.strip() for line in text.splitlines() if ALARMS.search(line)]
