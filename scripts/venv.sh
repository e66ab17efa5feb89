# Sourced by scripts/demo, scripts/test and .ci/run from the checkout's root: .venv, and what belongs into it.
# shellcheck shell=bash

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

may_install_packages() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# apt_install PACKAGE...: quiet, unless it fails.
apt_install() {
    local log
    log=$(mktemp)
    echo "Installing $* with apt-get ..."
    if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: $*"
    fi
    rm -f "$log"
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is missing." \
        "  Debian 12, Ubuntu 24.04 or newer: sudo apt-get install python3 python3-venv" \
        "  macOS: brew install python@3.13" \
        "Or name one: PYTHON=/path/to/python3.12 $0"
}

make_venv() {
    if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python; then
        return
    fi
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        may_install_packages || fail "Python's venv module is missing: sudo apt-get install python3-venv"
        apt_install python3-venv
    fi
    "$python" -m venv --clear .venv
}

# install_package EXTRAS: the package itself, editable, with extras such as "[test]" or "".
# Done once for each state of pyproject.toml, of the constraints and of the place where the checkout stands.
install_package() {
    make_venv
    local stamp=".venv/.installed-${1//[^a-z]/}" state
    state="$PWD $(cat pyproject.toml scripts/constraints.txt | cksum)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$state" ]; then
        echo "Installing PixelPatchwork$1 into .venv ..."
        .venv/bin/python -m pip install -qq --disable-pip-version-check \
            --editable ".$1" --constraint scripts/constraints.txt
        echo "$state" >"$stamp"
    fi
}
