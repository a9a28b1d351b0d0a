/* What the files that write a report share: report.c (what it says), report_page.c (the page), report_curves.c (training
 * curves). */
#ifndef CNNC_REPORT_H
#define CNNC_REPORT_H

#include "trainer.h"

/* ---- the page (report_page.c) -------------------------------------------------------------------------- */

void page_begin(FILE *, const char *title);
void page_end(FILE *);
void page_text(FILE *, const char *text);                       /* in which no character means anything but itself */
void page_section(FILE *, const char *title, const char *note); /* the note, one paragraph, may be NULL */
void page_section_end(FILE *);
void page_fact(FILE *, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A picture as an img element, which is `width` pixels of the page wide. */
bool page_picture(FILE *, const Array *, int width, const char *title, Failure *);

/* Red, green and blue: from -most, blue, over 0, white, to most, red. */
void signed_colours(const float *values, int64_t count, float most, uint8_t *bytes);
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
