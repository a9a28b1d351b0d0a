/* Plans: a text that --tune writes and --plan replays, one line for each choice of a kernel.
 *
 *     cnnc plan 1
 *     conv2d_1 forward all all way winograd4x4
 *     conv2d_1 forward train x86-64-v3 tile 6x2 of 36x64x32    # anything
 *     end
 *
 * Layer, pass, kind of program (predict, batch, train; all for the way of a forward pass), level; the choice; of a tile for how many
 * rows, columns and steps of the reduction it was measured. A file may be cut off, of another network, or anything at all: whatever
 * does not fit is an error that says where. Lines about programs that are not emitted are passed over. */
#include "passes/choose.h"

#include <string.h>

enum { MOST_PLAN_BYTES = 4 * 1024 * 1024, MOST_WORDS = 8 };

void choices_plan(Choices *choices, const Planned *planned)
{
    const char *name = choice_name(planned->layer, planned->pass, planned->program, planned->level);
    int number = names_add(&choices->planned_names, name);
    if (number < choices->planned_count) {
        choices_error(choices, planned->line, "line %d has chosen for %s already", choices->planned[number].line, name);
        return;
    }
    choices->planned = memory_grow(choices->planned, &choices->planned_capacity, choices->planned_count, sizeof(Planned));
    choices->planned[choices->planned_count++] = *planned;
}

static bool is_program(const char *word)
{
    for (int i = PROGRAM_PREDICT; i <= PROGRAM_GRADIENTS; i++)
        if (!strcmp(word, program_kind((Program)i))) return true;
    return false;
}

static void read_line(Choices *choices, int line, const char *const *words, int count)
{
    bool way = count == 6 && !strcmp(words[3], "all") && !strcmp(words[4], "way");
    bool tile = count == 8 && !strcmp(words[4], "tile") && !strcmp(words[6], "of");
    if (!way && !tile) choices_error(choices, line, "expected LAYER PASS PROGRAM LEVEL tile ROWSxVECTORS of SIZES, or LAYER PASS PROGRAM all way NAME");
    else if (!is_program(words[2])) choices_error(choices, line, "there is no kind of program `%s`; expected predict, batch, train or all", words[2]);
    else if (tile && !level_find(words[3])) choices_error(choices, line, "there is no level `%s`; expected one of %s", words[3], level_names());
    else choices_plan(choices, &(Planned){words[0], words[1], words[2], words[3], words[5], way ? "" : words[7], line, false, false});
}

/* The words of a line up to its end or a comment; at most MOST_WORDS + 1 are found. */
static int split(const char *text, size_t length, const char **words)
{
    int count = 0;
    for (size_t i = 0; i < length && text[i] != '#' && count <= MOST_WORDS;) {
        size_t begin = i;
        while (i < length && text[i] != ' ' && text[i] != '\t' && text[i] != '#') i++;
        if (i > begin) words[count++] = memory_copy(text + begin, i - begin < MAX_FULL_NAME ? i - begin : MAX_FULL_NAME);
        while (i < length && (text[i] == ' ' || text[i] == '\t')) i++;
    }
    return count;
}

/* Printable text and nothing else: it is quoted in messages. */
static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((text[i] < ' ' || text[i] > '~') && text[i] != '\t' && text[i] != '\n') return false;
    return true;
}

void choices_read(Choices *choices, const char *file, const char *text, size_t length)
{
    static const char head[] = "cnnc plan 1\n";
    choices->file = file;
    if (length > MOST_PLAN_BYTES) {
        choices_error(choices, 1, "larger than %d MB, the limit for a plan", MOST_PLAN_BYTES / 1024 / 1024);
        return;
    }
    if (length < strlen(head) || strncmp(text, head, strlen(head))) {
        choices_error(choices, 1, "this is no plan: one begins with the line `cnnc plan 1`; cnnc --tune writes one");
        return;
    }
    bool ended = false;
    int line = 2;
    for (size_t at = strlen(head); at < length; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line_length = end ? (size_t)(end - text) - at : length - at;
        const char *words[MOST_WORDS + 1];
        if (is_printable(text + at, line_length)) {
            int count = split(text + at, line_length, words);
            bool is_end = count == 1 && !strcmp(words[0], "end");
            if (count && ended) {
                choices_error(choices, line, "stands behind the plan's end");
                return;
            }
            ended = ended || is_end;
            if (count && !is_end) read_line(choices, line, words, count);
        } else {
            choices_error(choices, line, "is not printable text");
        }
        if (choices->error_count >= MAX_ERRORS) return;
        at += line_length + 1;
    }
    if (!ended) choices_error(choices, line, "the plan is cut off: its last line is not `end`");
}

/* The choices that were made on one of the levels or in one kind of program. */
static bool chose_for(const Choices *choices, const char *program)
{
    for (int i = 0; i < choices->choice_count; i++)
        if (!strcmp(choices->choices[i].program, program)) return true;
    return false;
}

static bool has_level(const Target *target, const char *level)
{
    for (int i = 0; i < target->level_count; i++)
        if (!strcmp(target->levels[i]->name, level)) return true;
    return !strcmp(level, "all");
}

static bool has_layer(const Graph *source, const char *layer)
{
    for (int i = 0; i < source->node_count; i++)
        if (!strcmp(source->nodes[i]->name, layer)) return true;
    return false;
}

const char *choices_unfit(Choices *choices, const Generation *g)
{
    for (int i = 0; i < choices->planned_count; i++) {
        const Planned *p = &choices->planned[i];
        if (p->used || !chose_for(choices, p->program)) continue;
        if (!has_level(g->target, p->level))
            choices_error(choices, p->line, "%s is none of the levels of --target=%s; give the --target that the plan is for, or run cnnc --tune for this one", p->level, g->target->name);
        else if (!has_layer(g->source, p->layer))
            choices_error(choices, p->line, "%s has no layer `%.*s`; is the plan another network's? cnnc --tune makes one", g->source->name, diagnostics_cut(p->layer, 80), p->layer);
        else
            choices_error(choices, p->line, "nothing is chosen for the pass %.*s of %s; was the plan made with other options? Run cnnc --tune again", diagnostics_cut(p->pass, 80), p->pass, p->layer);
    }
    if (choices->error_count > MAX_ERRORS) text_add(&choices->errors, "%s: %d more errors\n", choices->file, choices->error_count - MAX_ERRORS);
    return choices->error_count ? choices->errors.data : NULL;
}
