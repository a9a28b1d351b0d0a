#!/bin/sh
# Installs the Debian package in a clean root (debootstrap), and does there what README.md says: as root, with a network.
#
#     packaging/test_deb.sh BUILD DATA [SUITE]      DATA: the folder of the four MNIST files; SUITE: bookworm
set -eu
build=$1 data=$2 suite=${3:-bookworm}
readme=$(dirname "$0")/../README.md
root=$(mktemp -d)
[ "$(id -u)" = 0 ] || { echo "test_deb.sh: only root can make a root" >&2; exit 1; }

# Its mount goes first: what is left of the machine's own /proc must not be touched.
trap '! mountpoint -q "$root/proc" || umount "$root/proc" && rm -rf --one-file-system "$root"' EXIT
chmod 755 "$root"
debootstrap --variant=minbase "$suite" "$root" > "$build/debootstrap.log" || { tail "$build/debootstrap.log" >&2; exit 1; }
mount --bind /proc "$root/proc"
cp "$build"/cnnc_*.deb "$root/root/"
mkdir "$root/root/mnist"
cp "$data"/t*-ubyte* "$root/root/mnist/"
# The README's function, and a main that draws a one.
{
    sed -n '/^    #include "mnist_cnn.h"/,/^    }/s/^    //p' "$readme"
    cat << 'END'
#include <stdio.h>
int main(void)
{
    static float picture[MNIST_CNN_INPUT_SIZE];
    for (int i = 4; i < 24; i++) picture[28 * i + 13] = picture[28 * i + 14] = 255;
    printf("a stroke is a %d\n", classify(picture));
    return 0;
}
END
} > "$root/root/your_program.c"
cat > "$root/root/try.sh" << 'END'
set -eux
cd /root
export DEBIAN_FRONTEND=noninteractive MNIST_DIR=/root/mnist
apt-get update -q > /dev/null
apt-get install -yq ./cnnc_*.deb cmake pkg-config make python3-numpy > apt.log 2>&1 || { tail apt.log; exit 1; }
examples=/usr/share/doc/cnnc/examples
[ "cnnc $(pkg-config --modversion cnnc)" = "$(cnnc --version)" ]
cnnc-convert --help > /dev/null
# Train, evaluate, predict: fewer steps than an epoch will do.
cnnc $examples/mnist_cnn/mnist_cnn.net -o mnist_cnn
./mnist_cnn fit --epochs 1 --steps-per-epoch 100 --validation-split 0 --callbacks none --seed 1 --verbose 2 --output trained.safetensors
./mnist_cnn evaluate --weights trained.safetensors --verbose 0 | grep 'test accuracy'
# In a program of your own.
cnnc $examples/mnist_cnn/mnist_cnn.net -o mnist_cnn.c --emit=inference --weights=trained.safetensors
cc -O2 your_program.c mnist_cnn.c -lm
./a.out | grep 'a stroke is a 1'
# As a step of a build, with CMake.
cp -r $examples/embed project
printf '%s\n' 'cmake_minimum_required(VERSION 3.13)' 'project(p C)' 'find_package(cnnc REQUIRED)' \
    'cnnc_add_model(digit digit.net WEIGHTS digit.safetensors)' 'add_executable(classify classify.c)' 'target_link_libraries(classify PRIVATE digit)' > project/CMakeLists.txt
cmake -S project -B out > cmake.log
cmake --build out >> cmake.log
out/classify project/three.txt | grep '^3 '
# It leaves nothing behind.
apt-get remove -yq cnnc > /dev/null
if ls -d /usr/bin/cnnc* /usr/lib/cnnc /usr/share/doc/cnnc 2> /dev/null; then exit 1; fi
END
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C chroot "$root" sh /root/try.sh
echo "the package does in a clean $suite what README.md says"
