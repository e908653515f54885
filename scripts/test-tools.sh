#!/usr/bin/env bash
# What the tests need beside Python: Chromium, a font with Chinese characters, PostgreSQL's server programs.
# Installs what is missing from Debian's packages where that is allowed; otherwise says what to install and stops.
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

has_chinese_font() { have fc-list && [ -n "$(fc-list :lang=zh-cn family)" ]; }
has_postgresql() { have initdb && have postgres || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

missing=
have chromium || missing="$missing chromium"
has_chinese_font || missing="$missing fontconfig fonts-noto-cjk"
has_postgresql || missing="$missing postgresql"
[ -z "$missing" ] || debian_install $missing
