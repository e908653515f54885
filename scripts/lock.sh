#!/usr/bin/env bash
# Writes the lock files anew from pyproject.toml: run it with the oldest supported Python after changing a dependency.
# The hashes cover every file of a release, so that one lock serves all supported Pythons and processors.
set -eu
cd "$(dirname "$0")/.."
export CUSTOM_COMPILE_COMMAND="make lock"
.venv/bin/python -c 'import piptools' 2>/dev/null || .venv/bin/python -m pip install --quiet 'pip-tools>=7.5'
compile() {
    .venv/bin/python -m piptools compile --quiet --strip-extras --generate-hashes --allow-unsafe \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$@"
}
compile --extra test --all-build-deps --output-file requirements.txt pyproject.toml
compile --output-file requirements-node.txt scripts/requirements-node.in
