# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the commands in this directory share before Python is certain to exist:
# a bare Debian has bash and apt, nothing else. Everything else is in workshop/.

workshop_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

# workshop NAME ARGS...: becomes the command workshop/NAME.py.
workshop()
{
	local name=$1
	shift
	command -v python3 >/dev/null || "$workshop_dir/packages" python
	exec python3 -B "$workshop_dir/workshop/main.py" "$name" "$@"
}
