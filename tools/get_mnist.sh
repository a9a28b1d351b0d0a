#!/bin/sh
# Sees to it that the examples have their data, and says which data they are.
#
#     tools/get_mnist.sh            fetches them if they are not there
#     tools/get_mnist.sh --say      the same, and says so if they are there
#     tools/get_mnist.sh --name     one line: which data they are, by their content
#
# $MNIST_DIR, if set, is taken as it is. Else they are in data/mnist, which is filled once: with MNIST from a mirror, and
# where no mirror delivers it, with Fashion-MNIST from Debian's package, which has the same format but shows clothes.
#
# The folder appears whole or not at all: everything is fetched and checked beside it, then renamed.
#
# $MNIST_MIRROR        addresses to fetch from, one after the other, instead of those below
# $MNIST_CHECKSUMS     a file of checksums instead of tools/mnist_checksums   (the tests have small files of their own
# $FASHION_MNIST_DIR   where Debian's package has its files                    for these two)
set -eu
folder=${MNIST_DIR:-data/mnist}
mirrors=${MNIST_MIRROR:-https://ossci-datasets.s3.amazonaws.com/mnist https://storage.googleapis.com/cvdf-datasets/mnist}
checksums=${MNIST_CHECKSUMS:-$(dirname "$0")/mnist_checksums} # of the unpacked files: a mirror may pack them anew
files="train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"
seconds=300 # for one file

say() {
    printf '%s\n' "$*" >&2
}

# is_file DATASET FOLDER FILE: it is in the folder, plain or .gz, and it is that of the dataset
is_file() {
    if [ -f "$2/$3" ]; then
        sum=$(sha256sum <"$2/$3")
    elif gzip -t <"$2/$3.gz" 2>/dev/null; then
        sum=$(gzip -dc <"$2/$3.gz" | sha256sum)
    else
        return 1
    fi
    grep -q "^$1 ${sum%% *} $3\$" "$checksums"
}

# is_dataset DATASET FOLDER: all four are
is_dataset() {
    for file in $files; do
        is_file "$1" "$2" "$file" || return 1
    done
}

print_name() {
    if is_dataset MNIST "$folder"; then
        echo "data: MNIST ($folder)"
    elif is_dataset Fashion-MNIST "$folder"; then
        echo "data: Fashion-MNIST, not MNIST: clothes instead of digits, and harder ($folder)"
    else
        echo "data: neither MNIST nor Fashion-MNIST ($folder)"
    fi
}

# The first of the four that the folder lacks.
lacking() {
    for file in $files; do
        if [ ! -f "$folder/$file" ] && [ ! -f "$folder/$file.gz" ]; then
            echo "$file"
            return
        fi
    done
}

# download ADDRESS FILE: no more than 64 MB
download() (
    ulimit -f 131072
    if command -v curl >/dev/null; then
        timeout --foreground $seconds curl -fsSL --connect-timeout 15 --speed-limit 1000 --speed-time 30 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        timeout --foreground $seconds wget -q --tries=1 --timeout=15 -O "$2" "$1"
    else
        say "neither curl nor wget is installed"
        return 1
    fi
)

fetch_from() {
    say "fetching MNIST from $1"
    for file in $files; do
        if ! download "$1/$file.gz" "$part/$file.gz"; then
            say "$1/$file.gz: cannot be fetched"
            return 1
        elif ! is_file MNIST "$part" "$file"; then
            say "$1/$file.gz: is not MNIST's: its checksum is wrong"
            return 1
        fi
    done
}

fetch() {
    for mirror in $mirrors; do
        if fetch_from "$mirror"; then return; fi
    done
    say "MNIST cannot be had; taking Debian's package dataset-fashion-mnist in its place"
    if [ -z "${FASHION_MNIST_DIR:-}" ]; then
        "$(dirname "$0")/packages.sh" fashion
    fi
    for file in $files; do
        cp "${FASHION_MNIST_DIR:-/usr/share/datasets/fashion-mnist}/$file.gz" "$part"
    done
    if ! is_dataset Fashion-MNIST "$part"; then
        say "dataset-fashion-mnist: its checksums are wrong"
        return 1
    fi
}

if [ "${1:-}" = --name ]; then
    print_name
    exit
fi
file=$(lacking)
if [ -n "$file" ] && [ -n "${MNIST_DIR:-}" ]; then
    say "$folder: has no $file, plain or .gz; MNIST_DIR must name a folder with MNIST's four files, or be unset"
    exit 1
elif [ -n "$file" ]; then
    if [ -e "$folder" ] && ! rmdir "$folder" 2>/dev/null; then
        say "$folder: has no $file; move this folder away, and MNIST is fetched anew"
        exit 1
    fi
    mkdir -p "$(dirname "$folder")"
    part=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$part"' EXIT
    trap 'exit 1' INT TERM HUP
    chmod 755 "$part"
    fetch
    mv -T "$part" "$folder"
    say "$(print_name)"
    is_dataset MNIST "$folder" || say "Remove $folder to try again for MNIST."
elif [ "${1:-}" = --say ]; then
    say "$(print_name): all four files are there"
fi
