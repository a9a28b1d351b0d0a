/* Pictures of digits as text: 28 lines of 28 characters, the darker the ink, the later in " .:-=+*#%@". What is not drawn is paper:
 * lines may end early. */
#ifndef PICTURE_H
#define PICTURE_H

#include <string.h>

enum { PICTURE_SIDE = 28, PICTURE_SIZE = PICTURE_SIDE * PICTURE_SIDE };

/* From 0 (paper) to 255 (ink). Returns whether the text was such a picture. */
static inline int picture_read(const char *text, float picture[PICTURE_SIZE])
{
    static const char shades[] = " .:-=+*#%@";
    for (int i = 0; i < PICTURE_SIDE; i++) {
        for (int j = 0; j < PICTURE_SIDE; j++) {
            int drawn = *text && *text != '\n' && *text != '\r';
            const char *shade = drawn ? strchr(shades, *text++) : shades;
            if (!shade) return 0;
            picture[i * PICTURE_SIDE + j] = 255.0f * (float)(shade - shades) / 9.0f;
        }
        text += strcspn(text, "\n");
        if (!*text) return i >= PICTURE_SIDE - 1;
        text++;
    }
    return 1;
}

/* The class of the largest of `count` probabilities. */
static inline int largest(const float *probability, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (probability[i] > probability[best]) best = i;
    return best;
}

#endif
