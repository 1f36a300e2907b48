# SPDX-License-Identifier: GPL-2.0-only
#
# Tells what kbuild would build in one directory, without building it:
#
#   make -C OUTPUT -f objects.mk tree=TREE SRCARCH=x86 obj=DIRECTORY
#
# prints "object PATH" for each object of the configuration and "directory PATH"
# for each directory that kbuild would descend into.

srctree := $(tree)
objtree := .
export srctree objtree SRCARCH

MAKEFLAGS += -rR --no-print-directory
VPATH := $(srctree)
src := $(srctree)/$(obj)

PHONY := print
print:

include include/config/auto.conf
include $(srctree)/scripts/Kbuild.include
include $(srctree)/scripts/Makefile.compiler
include $(kbuild-file)
include $(srctree)/scripts/Makefile.lib

print:
	@:
	$(foreach name,$(real-obj-y) $(real-obj-m),$(info object $(name)))
	$(foreach name,$(subdir-ym),$(info directory $(name)))
