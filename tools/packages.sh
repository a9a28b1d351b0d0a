#!/bin/sh
# Installs the packages that a goal of the Makefile needs and this machine lacks.
#
#     tools/packages.sh GROUP...        groups of the list below: build, test, ...
#
# Nothing is done where nothing is missing. Packages are installed by root, or through a sudo that asks for no password;
# elsewhere the one line to run is printed, and the exit status is 1.
set -u

# group, package, and how to see whether what it brings is there; the README says what each is for.
list='
build   gcc                     command cc
build   libc6-dev               library stdio.h -lm
build   flex                    command flex
build   bison                   command bison
build   libcjson-dev            library cjson/cJSON.h -lcjson
build   libpng-dev              library png.h -lpng
build   zlib1g-dev              library zlib.h -lz
data    curl                    command curl wget
data    ca-certificates         file /etc/ssl/certs/ca-certificates.crt
fashion dataset-fashion-mnist   file /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
test    clang                   command clang
test    g++                     command g++
test    libcriterion-dev        library criterion/criterion.h -lcriterion
test    libopenblas-openmp-dev  library cblas.h -lopenblas
test    lld                     command wasm-ld
test    wasi-libc               file /usr/lib/wasm32-wasi/libc.a
test    nodejs                  command node
test    libclang-rt-dev         file /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-x86_64.so
fuzz    clang                   command clang
fuzz    libclang-rt-dev         file /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-x86_64.so
browser chromium                command chromium
browser nodejs                  command node
demo    clang                   command clang
demo    lld                     command wasm-ld
demo    wasi-libc               file /usr/lib/wasm32-wasi/libc.a
test    libomp-dev              file /usr/lib/llvm-*/lib/libarcher.so
valgrind valgrind               command valgrind
analyze clang-tidy              command clang-tidy
analyze cppcheck                command cppcheck
format  clang-format            command clang-format
deb     dpkg-dev                command dpkg-shlibdeps
debootstrap debootstrap         command debootstrap
'
compiler=${CC:-cc}

# is_there KIND WHAT ...: whichever of the commands, a header and its library, or a file
is_there() {
    kind=$1 what=$2
    shift
    case $kind in
    command)
        for name in "$@"; do
            [ "$name" != cc ] || name=${compiler%% *}
            ! command -v "$name" >/dev/null || return 0
        done
        return 1
        ;;
    library)
        # shellcheck disable=SC2086
        printf '#include <stdio.h>\n#include <%s>\nint main(void) { return 0; }\n' "$what" |
            $compiler -x c - "$2" -o /dev/null >/dev/null 2>&1
        ;;
    file) [ -e "$what" ] ;;
    esac
}

# The packages of the groups named that are missing, on one line.
missing() {
    echo "$list" | while read -r group package probe; do
        for wanted in "$@"; do
            # shellcheck disable=SC2086
            if [ "$group" = "$wanted" ] && ! is_there $probe; then printf ' %s' "$package"; fi
        done
    done
}

# The one line to run, after a message of one line.
give_up() {
    printf '%s\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends%s\n\n' "$1" "$packages" >&2
    exit 1
}

packages=$(missing "$@")
[ -n "$packages" ] || exit 0
command -v apt-get >/dev/null || give_up "Packages are missing. There is no apt-get here; on Debian or Ubuntu this line installs them:"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    give_up "Packages are missing, and only root may install them. Run this line, then make again:"
fi

echo "Installing the packages that are missing:$packages"
# An update that fails for one of several sources need not matter: the installation tells.
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
    --no-install-recommends install $packages </dev/null >/dev/null || give_up "The installation failed. Once the cause is removed, run this line, then make again:"
packages=$(missing "$@")
[ -z "$packages" ] || give_up "These packages were installed, but what they bring is not found (CC is $compiler):"
