/* The rows of the command line: what options.c reads, and options_table.c holds and prints. */
#ifndef CNNC_OPTIONS_H
#define CNNC_OPTIONS_H

#include "trainer.h"

typedef enum {
    OPTION_TEXT,
    OPTION_TEXT_OR_NONE, /* none takes back what the network's own fit() says */
    OPTION_FILES,        /* FILE or NAME=FILE, may come again */
    OPTION_COUNT,        /* a whole number from least to most */
    OPTION_COUNT_OR_NONE,
    OPTION_COUNT_OR_AUTO, /* auto is 1 */
    OPTION_SEED,     /* 64 bits */
    OPTION_FRACTION, /* 0 <= f < 1 */
    OPTION_SHUFFLE,
    OPTION_FLAG, /* takes no value */
} OptionType;

typedef struct {
    const char *name, *value; /* --name VALUE; of a flag the value is empty */
    unsigned commands;
    OptionType type;
    size_t offset; /* in Options */
    int64_t least, most;
    const char *help;
} Option;

extern const Option option_table[];
extern const int option_count;                /* at most MAX_OPTIONS */
static const int64_t MOST = (int64_t)1 << 40; /* a count that has no maximum of its own */

/* A sub-command. */
typedef struct {
    const char *name;
    Command command;
    const char *usage, *help;
} CommandRow;

enum { MAX_COMMANDS = 8 };
extern const CommandRow command_table[];
extern const int command_count;

#endif
