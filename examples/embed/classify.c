/* Says which digit a picture shows, with a network that is part of the program: no files of weights, no library but libm.
 *
 * The picture is text: 28 lines of 28 characters, the darker the ink, the later in " .:-=+*#%@". */
#include "digit.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 28, CLASSES = DIGIT_OUTPUT_SIZE };

static int read_picture(FILE *file, float picture[SIDE * SIDE])
{
    static const char shades[] = " .:-=+*#%@";
    for (int i = 0; i < SIDE; i++) {
        char line[256];
        if (!fgets(line, sizeof line, file)) return 0;
        line[strcspn(line, "\r\n")] = '\0';
        for (int j = 0; j < SIDE; j++) { /* what is not drawn is paper: lines may end early */
            const char *shade = (size_t)j < strlen(line) ? strchr(shades, line[j]) : shades;
            if (!shade) return 0;
            picture[i * SIDE + j] = 255.0f * (float)(shade - shades) / 9.0f;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    /* All the memory that inference needs; on a small machine it would be static too. */
    static DIGIT_ALIGNED unsigned char arena[DIGIT_ARENA_BYTES];
    float picture[DIGIT_INPUT_SIZE], probability[DIGIT_OUTPUT_SIZE];

    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (!file || !read_picture(file, picture)) {
        fprintf(stderr, "usage: %s [PICTURE]: 28 lines of 28 characters of \" .:-=+*#%%@\"\n", argv[0]);
        return 1;
    }
    digit_predict(digit_trained, picture, probability, arena);

    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        if (probability[i] > probability[best]) best = i;
    printf("%d (%.1f %%)\n", best, 100.0 * (double)probability[best]);
    return 0;
}
