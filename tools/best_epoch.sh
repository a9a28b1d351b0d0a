#!/bin/sh
# The best epoch in a history (CSV): the first with the highest val_accuracy, and the accuracies it had.
#
#     tools/best_epoch.sh history.csv
set -eu
awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    NR == 2 || $column["val_accuracy"] > best {
        best = $column["val_accuracy"]
        training = $column["accuracy"]
        epoch = $column["epoch"] + 1 # counted from 0 in the file
    }
    END {
        if (NR < 2) exit 1
        printf "best of %d epochs: %d, training accuracy %.2f %%, test accuracy %.2f %%\n", NR - 1, epoch, 100 * training, 100 * best
    }' "$1"
