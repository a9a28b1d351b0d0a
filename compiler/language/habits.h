/* What people write who come from Python, Keras or PyTorch, and what they are told beside "unknown". */
#ifndef HABITS_H
#define HABITS_H

#include "cnnc.h"

const char *habit_of_callee(const char *name);          /* no layer is called so: what to write instead; NULL: nothing is known */
const char *habit_of_row(const char *name);             /* nor a loss, an activation, an initializer, ...: the same */
const char *habit_of_parameter(const char *name);       /* no parameter is called so: the same */
const char *habit_synonym(const char *name, int which); /* what else the parameter may be called here, from 0 on; NULL: no more */
bool habit_not_supported(const char *name);             /* Keras has an argument of that name, somewhere, which is known to be missing here */
bool habit_is_python(const char *word);                 /* import, def, ...: what begins a statement there */
bool habit_is_module(const char *word);                 /* keras, layers, model, ...: what stands before a dot there */

#endif
