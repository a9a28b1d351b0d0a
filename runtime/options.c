/* Reading the command line by the table of flags (options_table.c), which says the sub-commands that take each.
 *
 * The same rows read the arguments of the network's own fit(): they are the defaults, flags override them. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *command_name(Command command)
{
    for (int i = 0; i < command_count; i++) {
        if (command_table[i].command == command) return command_table[i].name;
    }
    return "";
}

/* How many letters must be put in, left out or changed to make one of the other; at most 63 letters count. */
static int edit_distance(const char *a, const char *b)
{
    int row[64];
    int length = (int)strnlen(b, 63);
    for (int j = 0; j <= length; j++) row[j] = j;
    for (int i = 1; a[i - 1] && i < 64; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = changed < best ? changed : best;
        }
    }
    return row[length];
}

const char *closest_name(const char *name, const char *const *candidates, int count)
{
    const char *best = NULL;
    int length = (int)strlen(name), least = length < 2 ? 0 : 1 + length / 3; /* beyond a third of the letters it is another word */
    for (int i = 0; i < count; i++) {
        int distance = edit_distance(name, candidates[i]);
        if (distance <= least) {
            best = candidates[i];
            least = distance - 1;
        }
    }
    return best;
}

bool option_given(const Options *options, const char *name)
{
    for (int i = 0; i < option_count; i++) {
        if (!strcmp(option_table[i].name, name)) return options->given[i];
    }
    return false;
}

static bool set_count(const Option *option, const char *text, int64_t *count, Failure *failure)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < option->least || number > option->most) {
        if (option->most == MOST) {
            return fail(
                failure, "--%s wants a whole number from %lld on, not '%s'", option->name, (long long)option->least, text);
        }
        return fail(failure,
                    "--%s wants a whole number from %lld to %lld, not '%s'",
                    option->name,
                    (long long)option->least,
                    (long long)option->most,
                    text);
    }
    *count = number;
    return true;
}

/* --x NAME=FILE: what stands before the first '=' is a name, unless there is a '/' in it. */
static bool add_file(NamedFiles *files, const char *text)
{
    NamedFile *items = realloc(files->items, ((size_t)files->count + 1) * sizeof *items);
    if (!items) return false;
    files->items = items;
    NamedFile *file = &items[files->count++];
    const char *equals = strchr(text, '=');
    const char *slash = strchr(text, '/');
    *file = (NamedFile){.path = text};
    if (equals && equals > text && !(slash && slash < equals)) {
        file->name = strndup(text, (size_t)(equals - text));
        file->path = equals + 1;
        return file->name != NULL;
    }
    return true;
}

static bool set_option(Options *options, const Option *option, const char *text, Failure *failure)
{
    void *place = (char *)options + option->offset;
    char *end;
    if (option->type == OPTION_FLAG) {
        *(bool *)place = true;
        return true;
    }
    if (!*text) return fail(failure, "--%s wants a value, not an empty text", option->name);
    bool none = !strcmp(text, "none");
    switch (option->type) {
    case OPTION_TEXT: *(const char **)place = text; return true;
    case OPTION_TEXT_OR_NONE: *(const char **)place = none ? NULL : text; return true;
    case OPTION_FILES: return add_file(place, text) ? true : fail(failure, "no memory for --%s", option->name);
    case OPTION_COUNT_OR_NONE:
        if (!none) return set_count(option, text, place, failure);
        *(int64_t *)place = 0;
        return true;
    case OPTION_COUNT_OR_AUTO: return set_count(option, strcmp(text, "auto") ? text : "1", place, failure);
    case OPTION_COUNT: return set_count(option, text, place, failure);
    case OPTION_SEED:
        errno = 0;
        *(uint64_t *)place = strtoull(text, &end, 10);
        if (end == text || *end || errno || strchr(text, '-')) {
            return fail(failure, "--%s wants a whole number from 0 to 2^64 - 1, not '%s'", option->name, text);
        }
        return true;
    case OPTION_FRACTION:
        *(double *)place = strtod(text, &end);
        if (end == text || *end || !(*(double *)place >= 0 && *(double *)place < 1)) {
            return fail(failure, "--%s wants a number from 0 to below 1, not '%s'", option->name, text);
        }
        return true;
    case OPTION_SHUFFLE:
        if (!strcmp(text, "true"))
            *(Shuffle *)place = SHUFFLE_SAMPLES;
        else if (!strcmp(text, "false"))
            *(Shuffle *)place = SHUFFLE_NONE;
        else if (!strcmp(text, "batch"))
            *(Shuffle *)place = SHUFFLE_BATCHES;
        else
            return fail(failure, "--%s wants true, false or batch, not '%s'", option->name, text);
        return true;
    case OPTION_FLAG: break;
    }
    return false;
}

static const Option *find_option(const char *name)
{
    for (int i = 0; i < option_count; i++) {
        if (!strcmp(option_table[i].name, name)) return &option_table[i];
    }
    return NULL;
}

/* The arguments of the network's own fit(). Of them gradients takes those that belong to the loss. */
static bool set_defaults(Options *options, const CnncModel *model, Failure *failure)
{
    options->batch_size = model->batch_size;
    options->epochs = 1;
    options->verbose = 1;
    options->validation_freq = 1;
    options->shuffle = SHUFFLE_SAMPLES;
    if (options->command != COMMAND_FIT && options->command != COMMAND_GRADIENTS) return true;
    for (const CnncArgument *argument = model->fit; argument && argument->name; argument++) {
        if (!argument->value || !strcmp(argument->value, "none")) continue;
        char name[64];
        size_t length = strnlen(argument->name, sizeof name - 1);
        for (size_t i = 0; i < length; i++) name[i] = (char)(argument->name[i] == '_' ? '-' : argument->name[i]);
        name[length] = '\0';
        const Option *option = find_option(name);
        if (!option)
            return fail(failure, "the network's fit() has an argument %s, which this trainer does not know", argument->name);
        if (!(option->commands & options->command)) continue;
        if (options->command == COMMAND_GRADIENTS && strcmp(name, "class-weight")) continue;
        if (!set_option(options, option, argument->value, failure)) return false;
    }
    /* cnnc --batch=N overrides the file's batch size. */
    if (options->batch_size > model->batch_size) options->batch_size = model->batch_size;
    return true;
}

static void free_files(NamedFiles *files)
{
    for (int i = 0; i < files->count; i++) free((void *)(uintptr_t)files->items[i].name);
    free(files->items);
    *files = (NamedFiles){0};
}

/* Flags that belong together: what the network's own fit() says of the others falls with the first of them. */
static const char *const training_flags[] = {"data", "x", "y", "sample-weight", NULL};
static const char *const validation_flags[] = {"validation-split", "validation-data", "validation-x", "validation-y", NULL};

static void forget_defaults(Options *options, const Option *option)
{
    const char *const *groups[] = {training_flags, validation_flags};
    for (int g = 0; g < 2; g++) {
        bool member = false, first = true;
        for (const char *const *name = groups[g]; *name; name++) {
            member |= !strcmp(*name, option->name);
            first &= !option_given(options, *name);
        }
        /* --sample-weight alone goes with the file's own x. */
        if (!member || !first || !strcmp(option->name, "sample-weight")) continue;
        for (const char *const *name = groups[g]; *name; name++) {
            const Option *other = find_option(*name);
            void *place = (char *)options + other->offset;
            if (other->type == OPTION_FILES) free_files(place);
            if (other->type == OPTION_TEXT || other->type == OPTION_TEXT_OR_NONE) *(const char **)place = NULL;
            if (other->type == OPTION_FRACTION) *(double *)place = 0;
        }
    }
}

/* What people look for here, and compile() says. */
static const char *const of_compile[] = {"optimizer", "loss", "metrics", "lr", "learning-rate", "learning_rate", "momentum", NULL};

static bool unknown_option(const Options *options, const char *argument, Failure *failure)
{
    char name[64];
    const char *known[MAX_OPTIONS];
    int count = 0;
    if (argument[0] == '-' && argument[1] != '-')
        return fail(failure,
                    "%s has no option %s; see %s %s --help",
                    command_name(options->command),
                    argument,
                    options->program,
                    command_name(options->command));
    argument += 2;
    size_t length = strcspn(argument, "=");
    if (length > sizeof name - 1) length = sizeof name - 1;
    memcpy(name, argument, length);
    name[length] = '\0';
    const char *command = command_name(options->command);
    for (int i = 0; i < option_count; i++) {
        if (option_table[i].type == OPTION_FLAG && !strcmp(option_table[i].name, name)) return fail(failure, "--%s takes no value", name);
        if (option_table[i].commands & options->command)
            known[count++] = option_table[i].name;
        else if (!strcmp(option_table[i].name, name))
            return fail(failure, "%s has no option --%s; see %s %s --help", command, name, options->program, command);
    }
    for (const char *const *own = of_compile; *own; own++) {
        if (!strcmp(*own, name)) return fail(failure, "%s has no option --%s: the network's own compile(...) says that; change it there and run cnnc again", command, name);
    }
    const char *near = closest_name(name, known, count);
    if (near) return fail(failure, "%s has no option --%s; did you mean --%s?", command, name, near);
    return fail(failure, "%s has no option --%s; see %s %s --help", command, name, options->program, command);
}

static bool find_command(Options *options, const char *name, Failure *failure)
{
    const char *names[MAX_COMMANDS];
    for (int i = 0; i < command_count; i++) {
        names[i] = command_table[i].name;
        if (!strcmp(name, command_table[i].name)) {
            options->command = command_table[i].command;
            return true;
        }
    }
    const char *near = !strcmp(name, "train") ? "fit" : !strcmp(name, "test") ? "evaluate" : closest_name(name, names, command_count);
    if (near) return fail(failure, "no command %s; did you mean %s?", name, near);
    return fail(failure, "no command %s; there are fit, evaluate, predict, gradients, report, compare and summary", name);
}

bool options_read(Options *options, const CnncModel *model, int argc, char **argv, Failure *failure)
{
    *options = (Options){.program = model->name};
    if (argc < 2) return true;
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        options->help = true;
        return true;
    }
    if (!find_command(options, argv[1], failure) || !set_defaults(options, model, failure)) return false;

    struct option flags[MAX_OPTIONS + 2] = {0};
    int count = 0;
    for (int i = 0; i < option_count; i++) {
        if (option_table[i].commands & options->command) {
            flags[count++] = (struct option){.name = option_table[i].name, .has_arg = option_table[i].type == OPTION_FLAG ? no_argument : required_argument, .val = 256 + i};
        }
    }
    flags[count] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
    const char *letters = options->command & (COMMAND_FIT | COMMAND_PREDICT | COMMAND_GRADIENTS | COMMAND_REPORT) ? ":ho:" : ":h";

    /* getopt sees the arguments from the sub-command on. Setting optind to 0 makes glibc start afresh. */
    optind = 0;
    opterr = 0;
    int letter;
    while ((letter = getopt_long(argc - 1, argv + 1, letters, flags, NULL)) != -1) {
        const char *argument = argv[optind];
        if (letter == 'h') {
            options->help = true;
            return true;
        }
        if (letter == 'o') {
            options->output = optarg;
        } else if (letter == ':') {
            return fail(failure, "%s wants a value", argument);
        } else if (letter == '?') {
            return unknown_option(options, argument, failure);
        } else {
            const Option *option = &option_table[letter - 256];
            const char *flag = optarg == argument ? argv[optind - 1] : argument;
            /* getopt takes beginnings of names too: --steps would be --steps-per-epoch. Here names are written out. */
            if (strcspn(flag + 2, "=") != strlen(option->name)) return unknown_option(options, flag, failure);
            forget_defaults(options, option);
            if (!set_option(options, option, optarg, failure)) return false;
            options->given[letter - 256] = true;
        }
    }
    options->files = argv + 1 + optind;
    options->file_count = argc - 1 - optind;
    if (options->batch_size > model->batch_size) {
        return fail(
            failure,
            "--batch-size %lld: the network was compiled for steps of at most %d samples (cnnc --batch=%lld makes another)",
            (long long)options->batch_size,
            model->batch_size,
            (long long)options->batch_size);
    }
    if (options->validation_batch_size > model->batch_size) {
        return fail(failure,
                    "--validation-batch-size %lld: the network was compiled for steps of at most %d samples",
                    (long long)options->validation_batch_size,
                    model->batch_size);
    }
    if (options->file_count && !(options->command & (COMMAND_PREDICT | COMMAND_GRADIENTS | COMMAND_COMPARE))) {
        return fail(failure, "%s takes no file without a flag: what is %s?", argv[1], options->files[0]);
    }
    return true;
}

void options_free(Options *options)
{
    free_files(&options->x);
    free_files(&options->y);
    free_files(&options->validation_x);
    free_files(&options->validation_y);
}

