#!/usr/bin/env bash
# Creates .venv with a Python that is new enough. Does nothing if a working one is there.
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if [ -x .venv/bin/python ] && new_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if have "$candidate" && new_enough "$candidate"; then python=$candidate; break; fi
done
[ -n "$python" ] || die "Python 3.11 or newer is needed and was not found (python3 here: $(python3 --version 2>&1 || echo none)). \
Install one, or name it: make setup PYTHON=/path/to/python3"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    debian_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
say "creating .venv with $("$python" --version)"
"$python" -m venv --clear .venv
