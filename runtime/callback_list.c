/* The list of callbacks: from the network's own fit(), or as written on the command line:
 *
 *     --callbacks '[early_stopping(monitor=val_loss, patience=3), terminate_on_nan()]'
 */
#include "trainer.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CALLBACK(name, example) &name##_kind,
static const CallbackKind *const kinds[] = {
#include "callbacks.def"
};
#undef CALLBACK
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static const CallbackKind *find_kind(const char *name, Failure *failure)
{
    const char *names[KIND_COUNT];
    for (int i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i]->name;
        if (!strcmp(name, names[i])) return kinds[i];
    }
    const char *near = closest_name(name, names, KIND_COUNT);
    char list[512] = "";
    for (int i = 0; i < KIND_COUNT; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    if (near)
        fail(failure, "no callback %s; did you mean %s?", name, near);
    else
        fail(failure, "no callback %s; there are %s", name, list);
    return NULL;
}

const char *callback_argument(const Callback *callback, const char *name)
{
    for (const CnncArgument *argument = callback->arguments; argument->name; argument++) {
        if (!strcmp(argument->name, name)) return argument->value && strcmp(argument->value, "none") ? argument->value : NULL;
    }
    for (const CnncArgument *argument = callback->kind->arguments; argument->name; argument++) {
        if (!strcmp(argument->name, name)) return argument->value && strcmp(argument->value, "none") ? argument->value : NULL;
    }
    return NULL;
}

bool callback_number(const Callback *callback, const char *name, double *number, Failure *failure)
{
    const char *text = callback_argument(callback, name);
    if (!text) return true;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return fail(failure, "%s: %s wants a number, not '%s'", callback->kind->name, name, text);
    *number = value;
    return true;
}

bool callback_count(const Callback *callback, const char *name, int64_t *count, Failure *failure)
{
    double value = (double)*count;
    if (!callback_number(callback, name, &value, failure)) return false;
    if (!(value >= 0 && value <= 0x1p53 && value == floor(value))) {
        return fail(
            failure, "%s: %s wants a whole number from 0 on, not '%s'", callback->kind->name, name, callback_argument(callback, name));
    }
    *count = (int64_t)value;
    return true;
}

bool callback_boolean(const Callback *callback, const char *name, bool *value, Failure *failure)
{
    const char *text = callback_argument(callback, name);
    if (!text) return true;
    bool yes = !strcmp(text, "true") || !strcmp(text, "1"), no = !strcmp(text, "false") || !strcmp(text, "0");
    if (!yes && !no) return fail(failure, "%s: %s wants true or false, not '%s'", callback->kind->name, name, text);
    *value = yes;
    return true;
}

static void free_owned(CnncArgument *owned)
{
    for (CnncArgument *argument = owned; argument && argument->name; argument++) free((void *)(uintptr_t)argument->value);
    free(owned);
}

/* Puts a callback behind the others; it takes `owned` over, also where it fails. */
static bool add_callback(Training *training, const CallbackKind *kind, const CnncArgument *arguments, CnncArgument *owned,
                         Failure *failure)
{
    Callback *callbacks = realloc(training->callbacks, ((size_t)training->callback_count + 1) * sizeof *callbacks);
    if (callbacks) training->callbacks = callbacks;
    void *state = calloc(1, kind->state_size);
    if (!callbacks || !state) {
        free(state);
        free_owned(owned);
        return fail(failure, "no memory for the callback %s", kind->name);
    }
    Callback *callback = &callbacks[training->callback_count++];
    *callback = (Callback){.kind = kind, .arguments = owned ? owned : arguments, .owned = owned, .state = state};
    training->history.shows_learning_rate |= kind->logs_learning_rate;
    return true;
}

/* ---- the command line's spelling ---------------------------------------------------------------------------- */

enum { MOST_ARGUMENTS = 16 }; /* of a callback */

typedef struct {
    const char *text, *at;
    bool short_of_memory; /* that is why a word is missing */
    Failure *failure;
    bool given[MOST_ARGUMENTS], named; /* of the callback at hand: which arguments, and whether one by name */
} Parser;

static bool complain(Parser *parser, const char *wanted)
{
    if (parser->short_of_memory) return fail(parser->failure, "no memory for --callbacks '%s'", parser->text);
    if (!*parser->at) return fail(parser->failure, "--callbacks '%s': %s wanted at the end", parser->text, wanted);
    return fail(parser->failure, "--callbacks '%s': %s wanted before '%s'", parser->text, wanted, parser->at);
}

static bool accept(Parser *parser, char letter)
{
    while (isspace((unsigned char)*parser->at)) parser->at++;
    if (*parser->at != letter) return false;
    parser->at++;
    return true;
}

/* How long the text is up to a letter of `ends` that stands outside of brackets; 0: it is nothing, or a bracket is not closed. */
static size_t bracketed_length(const char *text, const char *ends)
{
    int depth = 0;
    size_t length = 0;
    for (; text[length] && (depth || !strchr(ends, text[length])); length++) {
        depth += strchr("([{", text[length]) != NULL;
        depth -= strchr(")]}", text[length]) != NULL;
    }
    return depth == 0 ? length : 0;
}

/* The next letters as a text, and goes to where they end. */
static char *take(Parser *parser, size_t length, size_t behind)
{
    char *text = strndup(parser->at, length);
    parser->short_of_memory |= !text;
    parser->at += length + behind;
    return text;
}

/* What stands up to the closing quote, with the escapes that a .net file knows. NULL: there is none, or an escape is unknown. */
static char *read_text(Parser *parser)
{
    static const char escapes[] = "\"\\nt", meanings[] = "\"\\\n\t";
    const char *at = parser->at;
    size_t length = 0;
    while (at[length] && at[length] != '"') length += at[length] == '\\' && at[length + 1] ? 2 : 1;
    char *text = at[length] ? take(parser, length, 1) : NULL, *end = text;
    for (const char *from = text; from && *from; from++) {
        if (*from != '\\') {
            *end++ = *from;
            continue;
        }
        const char *escape = strchr(escapes, *++from);
        if (!escape) {
            free(text);
            parser->at = at;
            return NULL;
        }
        *end++ = meanings[escape - escapes];
    }
    if (text) *end = '\0';
    return text;
}

/* A name or a value: a bare word, a text in quotes, or what stands in brackets: {0: 0.1}, [1, 2], f(2). NULL: none of them
 * stands here, or there is no memory for it. free() it. */
static char *read_word(Parser *parser, bool value)
{
    if (accept(parser, '"')) return read_text(parser);
    size_t length = value ? bracketed_length(parser->at, " \t\n,)]}=\"") : strcspn(parser->at, " \t\n,()[]=\"");
    return length ? take(parser, length, 0) : NULL;
}

static bool set_argument(Parser *parser, const CallbackKind *kind, CnncArgument *owned, int place, char *name, char *value)
{
    const char *names[MOST_ARGUMENTS];
    int count = 0;
    for (; count < MOST_ARGUMENTS && owned[count].name; count++) names[count] = owned[count].name;
    if (name) {
        for (place = 0; place < count && strcmp(owned[place].name, name);) place++;
        if (place == count) {
            const char *near = closest_name(name, names, count);
            return fail(
                parser->failure, "%s has no parameter %s; did you mean %s?", kind->name, name, near ? near : owned[0].name);
        }
    }
    if (!name && parser->named) return fail(parser->failure, "%s: '%s' stands behind a named argument: name it too, or put it first", kind->name, value);
    if (place >= count) return fail(parser->failure, "%s takes no more than %d arguments", kind->name, count);
    if (parser->given[place]) return fail(parser->failure, "%s: %s is given twice", kind->name, owned[place].name);
    parser->given[place] = true;
    parser->named |= name != NULL;
    free((void *)(uintptr_t)owned[place].value);
    owned[place].value = value;
    return true;
}

/* name(value, key=value, ...); the parentheses may be left out. */
static bool read_callback(Training *training, Parser *parser)
{
    char *word = read_word(parser, false);
    if (!word) return complain(parser, "a callback's name");
    const CallbackKind *kind = find_kind(word, parser->failure);
    free(word);
    if (!kind) return false;
    size_t count = 0;
    while (kind->arguments[count].name) count++;
    CnncArgument *owned = calloc(count + 1, sizeof *owned);
    if (!owned) return fail(parser->failure, "no memory for the callback %s", kind->name);
    memset(parser->given, 0, sizeof parser->given);
    parser->named = false;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        owned[i].name = kind->arguments[i].name;
        owned[i].value = kind->arguments[i].value ? text_format(parser->failure, "%s", kind->arguments[i].value) : NULL;
        good &= !owned[i].value == !kind->arguments[i].value;
    }
    if (good && accept(parser, '(')) {
        bool closed = accept(parser, ')');
        for (int place = 0; good && !closed; place++) {
            char *name = NULL, *value = read_word(parser, true);
            if (value && accept(parser, '=')) {
                name = value;
                value = read_word(parser, true);
            }
            good = value ? set_argument(parser, kind, owned, place, name, value) : complain(parser, "a value");
            if (!good) free(value);
            free(name);
            if (!good) break;
            closed = accept(parser, ')');
            if (!closed && !accept(parser, ','))
                good = complain(parser, "',' or ')'");
            else if (!closed)
                closed = accept(parser, ')');
        }
    }
    if (!good) {
        free_owned(owned);
        return false;
    }
    return add_callback(training, kind, owned, owned, parser->failure);
}

static bool read_callbacks(Training *training, const char *text, Failure *failure)
{
    Parser parser = {.text = text, .at = text, .failure = failure};
    if (!strcmp(text, "none")) return true;
    bool bracketed = accept(&parser, '[');
    bool closed = bracketed && accept(&parser, ']');
    while (!closed) {
        if (!read_callback(training, &parser)) return false;
        bool more = accept(&parser, ',');
        closed = bracketed ? accept(&parser, ']') : !more;
        if (!closed && !more) return complain(&parser, "',' or ']'");
    }
    while (isspace((unsigned char)*parser.at)) parser.at++;
    return !*parser.at || complain(&parser, "the end");
}

bool callbacks_new(Training *training, Failure *failure)
{
    const Options *options = training->options;
    if (options->callbacks) {
        if (!read_callbacks(training, options->callbacks, failure)) return false;
    } else {
        for (const CnncCallback *row = training->model->callbacks; row && row->name; row++) {
            const CallbackKind *kind = find_kind(row->name, failure);
            if (!kind || !add_callback(training, kind, row->arguments, NULL, failure)) return false;
            training->callbacks[training->callback_count - 1].schedule = row->schedule;
        }
    }
    if (options->history) {
        CnncArgument *owned = calloc(2, sizeof *owned);
        if (!owned) return fail(failure, "no memory for the callback csv_logger");
        owned[0] = (CnncArgument){.name = "filename", .value = text_format(failure, "%s", options->history)};
        if (!owned[0].value) {
            free(owned);
            return false;
        }
        if (!add_callback(training, &csv_logger_kind, owned, owned, failure)) return false;
    }
    for (int i = 0; i < training->callback_count; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->logs_learning_rate && training->model->schedule) {
            return fail(failure,
                        "%s sets the learning rate, but that of the optimiser is a schedule: give the optimiser a number, or leave the callback out",
                        callback->kind->name);
        }
        if (callback->kind->begin && !callback->kind->begin(training, callback, failure)) return false;
    }
    return true;
}

void callbacks_free(Training *training)
{
    for (int i = 0; i < training->callback_count; i++) {
        Callback *callback = &training->callbacks[i];
        if (callback->kind->release) callback->kind->release(callback);
        free(callback->state);
        free_owned(callback->owned);
    }
    free(training->callbacks);
    training->callbacks = NULL;
    training->callback_count = 0;
}
