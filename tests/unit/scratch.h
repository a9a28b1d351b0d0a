/* Files that a test makes: in a folder of its own, which vanishes at the end. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "runtime.h"

void scratch_begin(void); /* a suite's .init */
void scratch_end(void);   /* a suite's .fini: removes the folder */

/* The path of a file in the folder; valid until the eighth call after. */
const char *scratch_path(const char *name);
/* Makes a file; returns its path. */
const char *scratch_write(const char *name, const void *bytes, size_t size);
/* The content of a file, with a zero behind it. The caller frees it. */
uint8_t *scratch_load(const char *path, size_t *size);
int scratch_files(void); /* how many there are in the folder */

/* What a reader made of a damaged file. */
typedef enum { REFUSED, ACCEPTED } Verdict;

/* Hands a reader every truncation of a sound file, the file with a byte too many, and the file with each of its bytes
 * changed in each bit and in all. Truncated and longer ones must be refused with a message that names the file.
 * Returns how many of the changed ones were accepted. */
int scratch_damage(const void *bytes, size_t size, Verdict (*read)(const char *path, Failure *));

/* The call failed, and its message contains both texts. */
#define assert_refused(call, failure, ...)                                                                                     \
    do {                                                                                                                       \
        const char *const expected[] = {__VA_ARGS__};                                                                          \
        (failure)->text[0] = '\0';                                                                                             \
        cr_assert_not(call);                                                                                                   \
        for (size_t which = 0; which < sizeof expected / sizeof *expected; which++)                                            \
            cr_assert(strstr((failure)->text, expected[which]), "\"%s\" is not in: %s", expected[which], (failure)->text);     \
    } while (0)

/* The call succeeded; if not, says why. */
#define assert_good(call, failure) cr_assert(call, "%s", (failure)->text)

#endif
