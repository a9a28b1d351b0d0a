/* Driving cnnc_main in forked children, in a folder of the test's own. */
#ifndef DRIVE_H
#define DRIVE_H

#include "runtime.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <math.h>

/* What a run ended in: the exit status, or 1000 and the signal that killed it; and what it wrote. */
typedef struct {
    int status;
    char out[16384], err[4096];
} Run;

_Noreturn void drive_exit(int status); /* of a child: nothing runs that belongs to the test around it */
void drive_begin(void); /* goes to a folder of the test's own: a suite's .init */
void drive_end(void);   /* removes it: .fini */

const Run *run_model(const CnncModel *, const char *const *arguments); /* valid until the next call */
#define RUN(model, ...) run_model(model, (const char *const[]){__VA_ARGS__, NULL})

/* The number behind `name` and a colon in what was printed; NaN: not there. */
double figure(const char *text, const char *name);
void expect_success(const Run *); /* status 0, and nothing on the standard error */

bool files_equal(const char *a, const char *b); /* both there, same bytes */
char *file_text(const char *path);              /* free() it; NULL: not there */

/* Writes n flowers (4 features, 3 kinds that a linear model can tell apart) as x.npy and y.npy, with a prefix. */
void write_flowers(const char *prefix, int64_t n, uint64_t seed);
void write_array(const char *path, ArrayType, int rank, const int64_t *shape, const void *data);

#define EXPECT_NEAR(a, b, tolerance)                                                                                           \
    cr_expect(fabs((double)(a) - (double)(b)) <= (tolerance), "%.9g is not %.9g", (double)(a), (double)(b))

#endif
