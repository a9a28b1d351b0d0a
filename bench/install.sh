#!/bin/sh
# Makes the benchmark's virtual environment and installs into it what it lacks.
#
#     bench/install.sh FOLDER PACKAGE...
#
# Without numpy there is no benchmark; any other package that cannot be installed is only reported, and missing in the table.
set -u
folder=$1
shift
if [ ! -x "$folder/bin/python" ]; then
    python3 -m venv "$folder" || { echo "bench: python3 with its module venv is needed (Debian: python3-venv)" >&2; exit 1; }
fi
for package in "$@"; do
    "$folder/bin/python" -m pip show -q "$package" >/dev/null 2>&1 && continue
    echo "bench: installing $package"
    if ! "$folder/bin/python" -m pip install -q "$package"; then
        echo "bench: $package cannot be installed" >&2
        [ "$package" != numpy ] || exit 1
    fi
done
