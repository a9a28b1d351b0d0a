/* The same as classify.c with the weights in a file, which is mapped: apart_weights.bin can be replaced by one with other weights. */
#include "apart.h"
#include "picture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The weights in that file, where they are: nothing is read before it is needed, and programs share what is. NULL after a message. */
static const digit_weights *map_weights(const char *path)
{
    struct stat status;
    const char *reason = "cannot be mapped";
    const digit_weights *weights = NULL;
    int file = open(path, O_RDONLY);
    if (file >= 0 && fstat(file, &status) == 0) {
        void *blob = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (blob != MAP_FAILED) weights = digit_weights_from_blob(blob, (size_t)status.st_size, &reason);
    }
    if (file >= 0) close(file);
    if (!weights) fprintf(stderr, "%s: %s\n", path, reason);
    return weights;
}

int main(int argc, char **argv)
{
    static DIGIT_ARENA unsigned char arena[DIGIT_ARENA_BYTES];
    static char text[65536];
    float picture[DIGIT_INPUT_SIZE], probability[DIGIT_OUTPUT_SIZE];

    FILE *file = argc > 2 ? fopen(argv[2], "r") : NULL;
    if (file) text[fread(text, 1, sizeof text - 1, file)] = '\0';
    if (!file || !picture_read(text, picture)) {
        fprintf(stderr, "usage: %s apart_weights.bin PICTURE\n", argv[0]);
        return 1;
    }
    const digit_weights *weights = map_weights(argv[1]);
    if (!weights) return 1;
    digit_predict(weights, picture, probability, arena);
    int best = largest(probability, DIGIT_OUTPUT_SIZE);
    printf("%d (%.1f %%)\n", best, 100.0 * (double)probability[best]);
    return 0;
}
