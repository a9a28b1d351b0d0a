/* What the callbacks share. Each is a file of this folder, a row in compiler/callbacks.c and a line in compiler/callbacks.def.
 */
#ifndef CNNC_CALLBACK_H
#define CNNC_CALLBACK_H

#include "trainer.h"

/* Which figure is watched, and what is called better. */
typedef struct {
    const char *name; /* val_loss */
    bool maximize;
    double min_delta; /* with the sign that makes `value - min_delta` harder to pass */
    bool has_best;
    double best;
} Monitor;

/* Reads `monitor`, `mode` and `min_delta` (0 where the callback has none). What is unknown is an error; what is known but not
 * measured in this run is worth a warning, as in Keras. */
bool monitor_begin(Monitor *, const Training *, const Callback *, Failure *);
void monitor_warn(const Monitor *, const Training *, const Callback *);
bool monitor_better(const Monitor *, double value, double reference);

/* A callback's own line of the checkpoint; numbers that are not whole stand in it as hexadecimal ones. */
bool callback_note(TensorFile *, const char *prefix, const char *value, Failure *);
const char *callback_noted(const TensorFile *, const char *prefix); /* NULL: the run that wrote the file had no such callback */

const char *callback_number_text(double, char *text, size_t size); /* as Python prints it: 0.1, 1e-05, 2.0 */

#endif
