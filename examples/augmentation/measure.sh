#!/bin/sh
# Trains both nets without and with augmentation and scores each on the changed test digits: measure.sh MNIST_FOLDER, in a folder
# of its own; CNNC names the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$1" && pwd)
cnnc=${CNNC:-$here/../../build/cnnc}
${CC:-cc} -O2 -I"$here/../../runtime" "$here/change_digits.c" -o change_digits -lz -lm
./change_digits "$data"
for net in dense convolutional; do
    for augmented in plain augmented; do
        amounts=
        [ $augmented = plain ] || amounts="-D shift=0.15 -D turn=0.08 -D zoom=0.3"
        "$cnnc" $amounts "$here/$net.net" -o ./$net-$augmented
        ./$net-$augmented fit --data "$data" --epochs ${EPOCHS:-4} --seed 1 --validation-split 0 --verbose 2 --output $net-$augmented.safetensors
        for set in test shifted turned scaled; do
            digits="--x $set.npy --y labels.npy"
            [ $set != test ] || digits="--data $data"
            echo "$net, $augmented, $set: $(./$net-$augmented evaluate $digits --weights $net-$augmented.safetensors --verbose 2 | tail -1)"
        done
    done
done
