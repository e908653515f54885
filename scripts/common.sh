# Shared by the set-up scripts: sourced, not run. Says things in one form, and knows when Debian's packages may be installed.

say() { printf 'zhiban: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# How to become root, if that is possible without asking anybody.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then echo "env"
    elif have sudo && sudo -n true 2>/dev/null; then echo "sudo -n env"
    else return 1
    fi
}

# Installs Debian packages, or says which ones are missing and stops.
debian_install() {
    local prefix
    if ! have apt-get || ! prefix=$(root_prefix); then
        die "please install these packages (Debian's names), then run the same command again: $*"
    fi
    say "installing from Debian's packages: $*"
    # Runlevel 1 keeps a freshly installed server from being started: the tests start their own, elsewhere.
    apt_get() { $prefix DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::http::Timeout=20 "$@" >/dev/null; }
    apt_get update || say "the package lists could not be refreshed; going on with the old ones"
    apt_get install --no-install-recommends -y "$@" || die "apt-get could not install: $*"
}
