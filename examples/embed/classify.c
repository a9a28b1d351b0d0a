/* Says which digit a picture shows, with a network that is part of the program: no files of weights, no library but libm. */
#include "digit.h"
#include "picture.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    /* All the memory that inference needs; on a small machine it would be static too. */
    static DIGIT_ALIGNED unsigned char arena[DIGIT_ARENA_BYTES];
    static char text[65536];
    float picture[DIGIT_INPUT_SIZE], probability[DIGIT_OUTPUT_SIZE];

    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (file) text[fread(text, 1, sizeof text - 1, file)] = '\0';
    if (!file || !picture_read(text, picture)) {
        fprintf(stderr, "usage: %s [PICTURE]: 28 lines of 28 characters of \" .:-=+*#%%@\"\n", argv[0]);
        return 1;
    }
    digit_predict(digit_trained, picture, probability, arena);
    int best = largest(probability, DIGIT_OUTPUT_SIZE);
    printf("%d (%.1f %%)\n", best, 100.0 * (double)probability[best]);
    return 0;
}
