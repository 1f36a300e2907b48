# SPDX-License-Identifier: GPL-2.0-only
"""The allocations of the project: where they are in the source, and in a kernel made of it."""

import os
import re

from workshop import kernel, objects
from workshop.common import REPO, read_text

# What allocates, or asks the kernel for something that does, by its name in the source.
ALLOCATES = (r"kmalloc|kzalloc|kcalloc|kmalloc_array|kvmalloc|kvzalloc|kvcalloc|kvmalloc_array|"
             r"kmemdup|kstrdup|kasprintf|krealloc|kvrealloc|vmalloc|vzalloc|"
             r"kmem_cache_alloc|kmem_cache_zalloc|kmem_cache_create|"
             r"alloc_page|alloc_pages|__get_free_pages|get_zeroed_page|cma_alloc|"
             r"sg_alloc_table|alloc_anon_inode|alloc_file_pseudo|anon_inode_getfile|"
             r"get_unused_fd_flags|__seq_open_private|seq_open|single_open|"
             r"strndup_user|memdup_user|vmemdup_user|vmemdup_array_user|memfd_pin_folios|"
             r"kobject_init_and_add|kobject_create_and_add|get_vm_area_caller|__get_vm_area|"
             r"get_vm_area|vmap_pages_range|vmap_page_range|vmap|pte_alloc|xa_alloc|"
             r"device_create|alloc_chrdev_region|cdev_add|misc_register|class_register|"
             r"kern_mount|init_pseudo|alloc_percpu|kthread_create|alloc_workqueue|mempool_alloc")
CALL = re.compile(rf"(?<![\w>.])(?:{ALLOCATES})(?:_node|_noprof)?\(")
# The same in an object: macros and inline functions have become others.
CALLEE = re.compile(r"^_*(k[mvz]*alloc|kv?malloc|kvrealloc|krealloc|kmem_cache|kmemdup|kstrdup|"
                    r"kasprintf|vmalloc|vzalloc|alloc_|get_free_pages|get_zeroed|cma_alloc|"
                    r"sg_alloc|anon_inode|get_unused_fd|seq_open|single_open|strndup_user|"
                    r"v?memdup_|memfd_pin|kobject_(init_and|create)|get_vm_area|vmap|pte_alloc|"
                    r"xa_alloc|device_create|cdev_add|misc_register|class_register|kern_mount|"
                    r"init_pseudo|pcpu_alloc|mempool_alloc|folio_alloc|pud_alloc|pmd_alloc)")
NEAR = 4    # lines that the words of a call may take

# Those that no system call gets to, and why. A line of it: file, function, reason.
EXCUSED = os.path.join(REPO, "tests/fuzz/not-reached.txt")


def without_comments(text):
    """The same lines, without what stands in comments and strings."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def calls_in(text):
    """[(line, function that it is in, what is called)] of the allocations in a C source."""
    found, function = [], ""
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        head = re.match(r"(?:[A-Za-z_][\w\s*]*[\s*])?(\w+)\(", line)
        if head and not line[0].isspace():
            if not head.group(1).isupper():     # not DEFINE_SOMETHING(), EXPORT_SYMBOL()
                function = head.group(1)
        else:
            found += [(number, function, match.group(0).rstrip("("))
                      for match in CALL.finditer(line)]
    return found


def in_source(repo=REPO):
    """{(file, line): (function, what is called)} of all allocations of the project."""
    found = {}
    for path in kernel.own_sources().values():
        name = path.removeprefix(kernel.HOME + "/")
        for line, function, callee in calls_in(read_text(os.path.join(repo, name), "")):
            found[name, line] = (function, callee)
    return found


def nearest(found, name, line):
    """The call in the source that a line of a file belongs to, or None."""
    lines = [number for file, number in found if file == name and abs(number - line) <= NEAR]
    if not lines:
        return None
    return name, min(lines, key=lambda number: (number > line, abs(number - line)))


def in_kernel(output, found):
    """[(address where it returns to, (file, line))] of the allocations in a kernel."""
    vmlinux = os.path.join(output, "vmlinux")
    names = objects.symbols(vmlinux)
    wanted = []     # (address, source)
    for path, source in objects.own_objects(output).items():
        for section, function, offset, callee in objects.calls_of(path):
            if section and section.startswith(".text") and CALLEE.match(callee):
                wanted += [(address + offset, source) for address in names.get(function, ())]
    # The call itself is in front of where it returns to.
    frames = objects.frames(vmlinux, [address - 1 for address, _ in wanted])
    sites = []
    for address, source in wanted:
        inside = frames[address - 1]
        if inside[-1][0] != source:     # a static function of another file
            continue
        for file, line in inside:
            call = nearest(found, file.removeprefix(kernel.HOME + "/"), line)
            if call:
                sites.append((address, call))
                break
    return sorted(set(sites))


def excuses(text):
    """{(file, function): reason}"""
    rows = (line.split(None, 2) for line in text.splitlines()
            if line.strip() and not line.startswith("#"))
    return {(file, function): reason for file, function, reason in rows}


def verdict(found, reached, excused):
    """(how many calls are reached, lines about those that are not, excuses without a call).

    found: in_source(); reached: the (file, line) that failed.
    """
    missing, used = [], set()
    for (file, line), (function, callee) in sorted(found.items()):
        if (file, line) in reached:
            continue
        if (file, function) in excused:
            used.add((file, function))
        else:
            missing.append(f"{file}:{line}: {callee}() in {function}()")
    idle = [f"{file} {function}" for file, function in excused if (file, function) not in used]
    return sum(call in reached for call in found), missing, idle
