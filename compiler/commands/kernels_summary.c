/* --summary=kernels: the choices on record, layer by layer and pass by pass, with what they are predicted to cost and why. */
#include "passes/choose.h"
#include "emission/generate.h"

#include <string.h>

enum { WIDTH = 104 };

static bool same_pass(const Choice *a, const Choice *b)
{
    return !strcmp(a->layer, b->layer) && !strcmp(a->pass, b->pass);
}

/* Alike in all that is printed of them, but for the program. */
static bool alike(const Choice *a, const Choice *b)
{
    return same_pass(a, b) && a->level == b->level && !strcmp(a->answer, b->answer) && !strcmp(a->because, b->because) &&
           (!a->level || (!strcmp(work_sizes(&a->work), work_sizes(&b->work)) && !strcmp(a->work.kernel, b->work.kernel))) &&
           !(a->cycles < b->cycles) && !(a->cycles > b->cycles);
}

/* Adds text, broken at spaces where the lines would become longer than WIDTH. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
    int column = 0;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column && column + 1 + length > WIDTH) column = 0, fputs("\n", out);
        if (column) fputs(" ", out), column++;
        else column += fprintf(out, "%*s", indent, "");
        column += fprintf(out, "%.*s", length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputs("\n", out);
}

static void print_choice(FILE *out, const Choice *choice, const char *programs)
{
    if (!choice->level) {
        print_wrapped(out, memory_format("%s: by way of %s, %s multiply-adds or what takes as long: %s.", programs, choice->answer, number_with_commas((int64_t)choice->cycles), choice->because), 2);
        return;
    }
    const Work *work = &choice->work;
    double multiply_adds = (double)(work->rows * work->columns) * (double)work->reduction * work->times;
    fprintf(out,
            "  %-20s %-10s %-12s %5s x %-2d %14s %14s %7.0f %%\n",
            programs,
            choice->level->name,
            work->kernel,
            choice->answer,
            work->lanes,
            number_with_commas((int64_t)multiply_adds),
            number_with_commas((int64_t)choice->cycles),
            100 * choice->share);
    print_wrapped(out, choice->because, 23);
}

/* All choices of one layer and pass: ways first, then tiles, in the order of the levels; programs that agree on one line. */
static void print_pass(FILE *out, const Choices *choices, int first, bool *printed)
{
    const Choice *all = choices->choices, *head = &all[first];
    fprintf(out, "\n%s, %s\n", head->layer, head->pass);
    for (int i = first; i < choices->choice_count; i++) {
        if (printed[i] || !same_pass(&all[i], head)) continue;
        const char *programs = "";
        for (int j = i; j < choices->choice_count; j++) {
            if (printed[j] || !alike(&all[i], &all[j])) continue;
            printed[j] = true;
            programs = memory_format("%s%s%s", programs, *programs ? " " : "", all[j].program);
        }
        print_choice(out, &all[i], programs);
    }
}

void print_kernels(FILE *out, const Generation *g)
{
    const Choices *choices = g->source->choices;
    bool *printed = NEW_ARRAY(bool, choices->choice_count + 1);
    fprintf(out, "Kernels of %s: tiles of rows x vectors x floats that stay in registers. Multiply-adds and cycles are\n", g->source->name);
    fprintf(out, "those of one sample on one core, as the model predicts them, and the share of that core's peak.\n\n");
    fprintf(out, "  %-20s %-10s %-12s %10s %14s %14s %9s\n", "program", "level", "kernel", "tile", "multiply-adds", "cycles", "of peak");
    for (int i = 0; i < WIDTH; i++) fputs("_", out);
    fputs("\n", out);
    for (int n = 0; n < g->source->node_count; n++) /* layers in their order, whatever asked first */
        for (int i = 0; i < choices->choice_count; i++)
            if (!printed[i] && !strcmp(choices->choices[i].layer, g->source->nodes[n]->name)) print_pass(out, choices, i, printed);
    if (!choices->choice_count) fprintf(out, "\nNo layer of this network has a kernel that can be chosen.\n");
}
