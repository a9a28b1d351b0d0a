/* What the files that write a report share: report.c (what it says), report_layers.c (what the layers see), report_network.c
 * (the network, its time and memory), report_page.c (the page), report_curves.c (training curves). */
#ifndef CNNC_REPORT_H
#define CNNC_REPORT_H

#include "trainer.h"

/* ---- the page (report_page.c) -------------------------------------------------------------------------- */

void page_begin(FILE *, const char *title);
void page_end(FILE *);
void page_text(FILE *, const char *text);                       /* in which no character means anything but itself */
void page_section(FILE *, const char *title, const char *note); /* the note, one paragraph, may be NULL */
void page_section_end(FILE *);
const char *page_count(int64_t number, char text[32]); /* 1,199,882 */
void page_fact(FILE *, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A picture as an img element, which is `width` pixels of the page wide. */
bool page_picture(FILE *, const Array *, int width, const char *title, Failure *);

/* Red, green and blue: from -most, blue, over 0, white, to most, red. */
void signed_colours(const float *values, int64_t count, float most, uint8_t *bytes);

/* ---- what it is about (report.c) ----------------------------------------------------------------------- */

enum {
    MOST_MISREAD = 48,   /* in the gallery */
    PICTURE_WIDTH = 112, /* on the page */
};

/* A sample that the network takes for another class. */
typedef struct {
    int64_t sample, truth, guess;
    float certainty; /* what the network gives its guess */
    float *answers;
} Misread;

typedef struct {
    const CnncModel *model;
    const Options *options;
    FILE *out;
    Failure *failure;
    Trained trained;
    Misread misread[MOST_MISREAD]; /* the most certain first */
    int misread_count;
    int64_t misread_total, units;
    Batch one;                       /* a sample, as floats */
    int64_t height, width, channels; /* of its picture; 0: it is none */
} Report;

bool report_sample(Report *, int64_t sample, int width, const char *title); /* its picture; nothing where it is none */
bool report_layers(Report *);                                               /* report_layers.c */
bool report_network(Report *);                                              /* report_network.c */

/* ---- the curves (report_curves.c) ---------------------------------------------------------------------- */

/* A history as csv_logger writes it. */
typedef struct {
    char **names; /* of the columns behind epoch */
    int column_count, row_count;
    double *epochs, *values; /* [row], [row][column]; NaN where nothing stands */
} Curves;
bool curves_read(Curves *, const char *path, Failure *);
void curves_free(Curves *);
int curves_best(const Curves *, const char **by); /* the row of the least val_loss or, without one, loss; -1: none */
void curves_draw(const Curves *, FILE *);

#endif
