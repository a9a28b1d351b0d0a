/* Says after each row of a picture which digit it may become: a recurrent network that is given its sequence frame by frame, as frames
 * arrive. All that it remembers is a struct of 160 bytes; there can be as many as there are sequences. */
#include "picture.h"
#include "rows.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    static ROWS_ARENA unsigned char arena[ROWS_STEP_ARENA_BYTES];
    static char text[65536];
    float picture[PICTURE_SIZE], probability[ROWS_STEP_OUTPUT_SIZE];
    rows_state state;

    FILE *file = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (file) text[fread(text, 1, sizeof text - 1, file)] = '\0';
    if (!file || !picture_read(text, picture)) {
        fprintf(stderr, "usage: %s [PICTURE]: 28 lines of 28 characters of \" .:-=+*#%%@\"\n", argv[0]);
        return 1;
    }
    rows_reset(&state);
    for (int row = 0; row < PICTURE_SIDE; row++) {
        const float *frame = &picture[row * ROWS_FRAME_SIZE];
        rows_step(rows_trained, &state, frame, probability, arena);
        for (int i = 0; i < ROWS_FRAME_SIZE; i++) putchar(" .:-=+*#%@"[(int)(frame[i] * 9.0f / 255.0f + 0.5f)]);
        int best = largest(probability, ROWS_STEP_OUTPUT_SIZE);
        printf("   %d (%.1f %%)\n", best, 100.0 * (double)probability[best]);
    }
    return 0;
}
