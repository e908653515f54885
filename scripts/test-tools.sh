#!/usr/bin/env bash
# What the tests need beside Python: Chromium, a font with Chinese characters, PostgreSQL's server programs.
# Installs what is missing from Debian's packages where that is allowed; otherwise says what to install and stops.
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

has_chinese_font() { have fc-list && [ -n "$(fc-list :lang=zh-cn family)" ]; }
has_postgresql() { have initdb && have postgres || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

missing=
have chromium-headless-shell || have chromium || missing="$missing chromium"
has_chinese_font || missing="$missing fontconfig fonts-noto-cjk"
has_postgresql || missing="$missing postgresql"
[ -z "$missing" ] || debian_install $missing

# The build of Chromium without windows takes a third less time. Debian has it, Ubuntu does not; the whole one does as well.
if ! have chromium-headless-shell && have apt-get && root_prefix >/dev/null; then
    (debian_install chromium-headless-shell) 2>/dev/null || say "testing with the whole Chromium"
fi
