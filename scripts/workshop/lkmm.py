# SPDX-License-Identifier: GPL-2.0-only
"""The Linux kernel memory model for tests/litmus, where herd7 is not installed.

Takes the subset of C that these tests are written in, builds every execution of a test and asks
of each whether the model (tools/memory-model/linux-kernel.cat) allows it. Marked accesses only;
of RCU as much as one grace period and one critical section need. Names of relations are those of
the model.
"""

import itertools
import re

from workshop.common import Failure

FENCES = {
    "smp_mb": "mb", "smp_rmb": "rmb", "smp_wmb": "wmb",
    "smp_mb__before_atomic": "before-atomic", "smp_mb__after_atomic": "after-atomic",
    "smp_mb__after_spinlock": "after-spinlock",
    "rcu_read_lock": "rcu-lock", "rcu_read_unlock": "rcu-unlock", "synchronize_rcu": "sync-rcu",
}
LOADS = ("READ_ONCE", "rcu_dereference", "smp_load_acquire")
RELEASES = ("smp_store_release", "rcu_assign_pointer")
STORES = (*RELEASES, "WRITE_ONCE", "atomic_set", "smp_store_mb", "xchg", "xchg_relaxed")


# ---- The test ----

def value(word):
    return int(word) if word.isdigit() else word


def until_closed(text, start):
    """The index behind the brace that closes the one before start."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[start], 0)
        start += 1
    return start


def statements(text):
    """A list of ("if", register, value, statements) and ("call", register, name, arguments)."""
    found = []
    text = text.strip()
    while text:
        declared = re.match(r"int\s*\*?\s*\w+;\s*", text)
        branch = re.match(r"if\s*\((\w+) == (\w+)\)\s*(\{?)", text)
        if declared:
            text = text[declared.end():]
            continue
        if branch:
            if branch.group(3):
                end = until_closed(text, branch.end())
                body = text[branch.end():end - 1]
            else:
                end = text.index(";") + 1
                body = text[branch.end():end]
            found.append(("if", branch.group(1), value(branch.group(2)), statements(body)))
        else:
            end = text.index(";") + 1
            call = re.match(r"(?:(\w+)\s*=\s*)?(\w+)\((.*)\);$", text[:end], re.S)
            if not call:
                raise Failure(f"litmus: {text[:end]}")
            words = [word.strip().lstrip("*") for word in call.group(3).split(",")]
            found.append(("call", call.group(1), call.group(2), words))
        text = text[end:].strip()
    return found


def parse(text):
    """The initial values, the processes, and the condition as Python."""
    text = re.sub(r"\(\*\s.*?\*\)|//[^\n]*", "", text, flags=re.S)
    start = re.search(r"\{([^}]*)\}", text)
    initial = {name: value(word) for name, word in re.findall(r"(\w+)\s*=\s*(\w+)", start.group(1))}
    text = text[start.end():]
    processes = []
    for head in re.finditer(r"P\d+\([^)]*\)\s*\{", text):
        processes.append(statements(text[head.end():until_closed(text, head.end()) - 1]))
    condition = text.split("exists")[1].strip().replace("/\\", " and ").replace("\\/", " or ")
    condition = re.sub(r"(\d):(\w+)=(\w+)",
                       lambda m: f"regs[{m[1]}].get('{m[2]}', 0) == {value(m[3])!r}", condition)
    condition = re.sub(r"\b([a-z]\w*)=(\d+)", r"final['\1'] == \2", condition)
    return initial, processes, condition


# ---- Its executions ----

class Event:
    """A load (R), a store (W) or a fence (F) in the course of one process."""

    def __init__(self, process, kind, place=None, content=None, ctrl=(), **what):
        self.process = process
        self.kind = kind
        self.place = place
        self.content = content
        self.ctrl = ctrl        # loads that a branch before it looked at: indices
        self.what = what        # acquire, release, rmw (with the load before), addr, fence, ...

    def get(self, name):
        return self.what.get(name)


def courses(process, code, contents):
    """Yields (events, registers) for whatever the loads of a process may return."""
    def calls(name, words, registers):
        """[(events as (kind, place, content, what), value returned, index of the load)]"""
        if name in FENCES:
            return [([("F", None, None, {"fence": FENCES[name]})], None, None)]
        place = words[0]
        if name in LOADS:
            what = {"acquire": name == "smp_load_acquire"}
            if place in registers:
                place, what["addr"] = registers[place]
            return [([("R", place, content, what)], content, 0) for content in contents(place)]
        if name in STORES and not name.startswith("xchg"):
            store = ("W", place, value(words[1]), {"release": name in RELEASES})
            fence = ("F", None, None, {"fence": "mb"})
            return [([store, fence] if name == "smp_store_mb" else [store], None, None)]
        if name == "spin_lock":
            return [([("R", place, 0, {"acquire": True, "locks": True}),
                      ("W", place, 1, {"rmw": True, "locked": True})], None, None)]
        if name == "spin_unlock":
            return [([("W", place, 0, {"release": True, "unlocks": True})], None, None)]
        return [rmw(name, words, content) for content in contents(words[-1] if "sub" in name
                                                                  else place)]

    def go(code, events, registers, ctrl):
        if not code:
            yield events, {name: content for name, (content, _) in registers.items()}
            return
        kind, register, name, rest = code[0]
        if kind == "if":
            content, load = registers.get(register, (0, None))
            body = rest if content == name else []
            yield from go(body + code[1:], events, registers, ctrl | {load} - {None})
            return
        for new, content, load in calls(name, rest, registers):
            all_events = events + [Event(process, kind, place, held, ctrl, **what)
                                   for kind, place, held, what in new]
            known = dict(registers)
            if register:
                known[register] = (content, len(events) + load)
            yield from go(code[1:], all_events, known, ctrl)

    return go(code, [], {}, frozenset())


def rmw(name, words, content):
    """What a read-modify-write does that finds content; as calls() in courses() has it."""
    if name == "atomic_sub_return_release":
        place, new = words[1], content - value(words[0])
        return ([("R", place, content, {}), ("W", place, new, {"rmw": True, "release": True})],
                new, 0)
    place = words[0]
    if "cmpxchg" in name:
        if content != value(words[1]):
            return [("R", place, content, {"failed": True})], content, 0
        new = value(words[2])
    elif name in ("xchg", "xchg_relaxed"):
        new = value(words[1])
    else:
        raise Failure(f"litmus: {name}() is not known")
    pair = [("R", place, content, {}), ("W", place, new, {"rmw": True})]
    if name.endswith("_relaxed"):
        return pair, content, 0
    fence = ("F", None, None, {"fence": "mb"})
    return [fence, *pair, fence], content, 1


def stored(code, into):
    """Notes what a process may store where; ("sub", n) for what was there less n."""
    for kind, _, name, rest in code:
        if kind == "if":
            stored(rest, into)
        elif name in STORES:
            into.setdefault(rest[0], set()).add(value(rest[1]))
        elif "cmpxchg" in name:
            into.setdefault(rest[0], set()).add(value(rest[2]))
        elif name == "atomic_sub_return_release":
            into.setdefault(rest[1], set()).add(("sub", value(rest[0])))


def observable(text):
    """Whether the model allows the outcome that a test asks about."""
    initial, processes, condition = parse(text)
    stores = {}
    for code in processes:
        stored(code, stores)

    def contents(place):
        found = {initial.get(place, 0), *stores.get(place, ())}
        less = [one[1] for one in found if isinstance(one, tuple)]
        found = {one for one in found if not isinstance(one, tuple)}
        return sorted(found | {one - n for one in found for n in less}, key=str)

    code = [list(courses(number, process, contents)) for number, process in enumerate(processes)]
    for combination in itertools.product(*code):
        regs = [registers for _, registers in combination]
        if "final" not in condition and not eval(condition, {"regs": regs}):
            continue
        events = [event for course, _ in combination for event in course]
        for final, execution in executions(events, initial):
            if eval(condition, {"regs": regs, "final": final}) and allowed(*execution):
                return True
    return False


def executions(events, initial):
    """Yields who reads from whom (rf) and the order of stores (co), with the final values."""
    places = sorted({event.place for event in events if event.place})
    first = {place: Event(None, "W", place, initial.get(place, 0)) for place in places}
    stores = {place: [one for one in events if one.kind == "W" and one.place == place]
              for place in places}
    loads = [event for event in events if event.kind == "R"]
    sources = [[one for one in [first[load.place], *stores[load.place]]
                if one.content == load.content] for load in loads]
    everything = [*first.values(), *events]
    for rf in itertools.product(*sources):
        for orders in itertools.product(*(itertools.permutations(stores[one]) for one in places)):
            co = set()
            final = {}
            for place, order in zip(places, orders):
                chain = [first[place], *order]
                final[place] = chain[-1].content
                co |= set(itertools.combinations(chain, 2))
            yield final, (everything, set(zip(rf, loads)), co)


# ---- The model: relations are sets of pairs of events ----

def then(*relations):
    """Sequential composition."""
    result = relations[0]
    for relation in relations[1:]:
        after = {}
        for one, two in relation:
            after.setdefault(one, []).append(two)
        result = {(one, three) for one, two in result for three in after.get(two, ())}
    return result


def closure(relation):
    while True:
        more = relation | then(relation, relation)
        if more == relation:
            return relation
        relation = more


def acyclic(relation):
    return all(one is not two for one, two in closure(relation))


def internal(relation):
    return {(one, two) for one, two in relation
            if one.process == two.process and one.process is not None}


def external(relation):
    return {(one, two) for one, two in relation if one.process != two.process}


def reversed_(relation):
    return {(two, one) for one, two in relation}


class Order:
    """Program order, and what fences and dependencies make of it."""

    def __init__(self, events):
        courses_ = {}
        for event in events:
            if event.process is not None:
                courses_.setdefault(event.process, []).append(event)
        self.events = events
        self.po = {pair for course in courses_.values()
                   for pair in itertools.combinations(course, 2)}
        self.accesses = {pair for pair in self.po if all(one.place for one in pair)}
        self.rmw = {(course[i], course[i + 1]) for course in courses_.values()
                    for i in range(len(course) - 1) if course[i + 1].get("rmw")}
        self.addr = {(course[one.get("addr")], one) for course in courses_.values()
                     for one in course if one.get("addr") is not None}
        self.ctrl = {(course[load], one) for course in courses_.values()
                     for one in course for load in one.ctrl}

    def fences(self, name):
        return [event for event in self.events if event.get("fence") == name]

    def around(self, name, before, after):
        """Pairs of accesses on both sides of such a fence."""
        return {(one, two) for fence in self.fences(name)
                for one, at in self.po if at is fence and one.place and before(one)
                for at_, two in self.po if at_ is fence and two.place and after(two)}

    def full(self):
        """mb, as the model has it."""
        modifies = {event for pair in self.rmw for event in pair}
        modifies |= {event for event in self.events if event.get("failed")}
        pairs = self.around("mb", bool, bool)
        before = self.around("before-atomic", bool, modifies.__contains__)
        pairs |= before | then(before, self.accesses)
        for name, chosen in (("after-atomic", modifies.__contains__),
                             ("after-spinlock", lambda one: one.get("locked"))):
            after = self.around(name, chosen, bool)
            pairs |= after | then(self.accesses, after)
        return pairs

    def grace(self):
        """gp: what a grace period stands between, or ends with."""
        return {(one, end) for fence in self.fences("sync-rcu")
                for one, at in self.po if at is fence
                for end in [fence, *(two for at_, two in self.po if at_ is fence)]}

    def handed_on(self, rf):
        """po-unlock-lock-po"""
        locks = {(one, two) for one in self.events if one.get("unlocks")
                 for two in self.events if two.get("locks")} & (self.po | rf)
        return {(one, two) for one, two in then(self.po, locks, self.po)
                if one.place and two.place}


def allowed(events, rf, co):
    """Whether the model allows an execution, by its axioms in their order."""
    order = Order(events)
    fr = then(reversed_(rf), co)
    same_place = {(one, two) for one, two in order.accesses if one.place == two.place}
    if not acyclic(same_place | rf | co | fr):
        return False
    if order.rmw & then(external(fr), external(co)):
        return False

    every = {(one, one) for one in events}
    strong = order.full() | order.grace()
    released = {(one, two) for one, two in order.accesses if two.get("release")}
    acquired = {(one, two) for one, two in order.accesses if one.get("acquire")}
    stores = order.around("wmb", lambda one: one.kind == "W", lambda one: one.kind == "W")
    loads = order.around("rmb", lambda one: one.kind == "R", lambda one: one.kind == "R")
    handed = order.handed_on(rf)
    overwrite = co | fr
    rfe = external(rf)
    ppo = (order.addr | {(one, two) for one, two in order.ctrl if two.kind == "W"} |
           internal(overwrite | strong | released | acquired | stores | loads | handed))

    cumulative = strong | released
    cumulative |= then(rfe, cumulative) | stores | handed
    cumulative = {(one, two) for one, two in cumulative if one.place and two.place}
    cumulative = then(cumulative, every | closure(then(rf, order.rmw)))
    prop = then(every | external(overwrite), every | closure(cumulative), every | rfe)
    hb = ppo | rfe | {(one, two) for one, two in internal(prop) if one is not two}
    hb = {(one, two) for one, two in hb if one.place and two.place}
    if not acyclic(hb):
        return False
    later = every | closure(hb)
    pb = {(one, two) for one, two in then(prop, strong, later) if one.place and two.place}
    return acyclic(pb) and rcu(order, every, prop, later, every | closure(pb))


def rcu(order, every, prop, later, propagated):
    """The guarantee of a grace period: as if it was a fence, together with a critical section."""
    periods = {(one, one) for one in order.fences("sync-rcu")}
    sections = {(end, begin) for end in order.fences("rcu-unlock")
                for begin in order.fences("rcu-lock") if end.process == begin.process}
    link = then(every | order.po, later, propagated, prop, order.po)
    orders = periods | then(periods, link, sections) | then(sections, link, periods)
    rb = then(prop, order.po, orders, every | order.po, later, propagated)
    return all(one is not two for one, two in rb)
