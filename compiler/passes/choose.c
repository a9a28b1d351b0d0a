/* Where every kernel asks for its choices: the shape of its register tile, and which of several ways to the same results.
 *
 * By default the one answers that the cost model (target.c, and the costs that kernels state of their ways) finds the least; a line
 * of a plan (--plan) overrides it. Every answer goes on record with its reason, for --summary=kernels and --tune.
 *
 * Programs come in four kinds that choose tiles apart: `predict` for one sample, `step` for one frame of a sequence, of which plans say
 * nothing, `batch` (predict_batch and evaluate, whose results
 * must be the same bit for bit) and `train` (train_step and gradients). Ways of the forward pass are the same in `all`, which share the
 * forms of the weights. */
#include "passes/choose.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "emission/emit.h"

Choices *choices_new(void)
{
    return NEW(Choices);
}

Choices *choices_apart(const Choices *choices)
{
    Choices *apart = choices_new();
    apart->file = choices->file;
    apart->planned = choices->planned;
    apart->planned_count = choices->planned_count;
    apart->planned_names = choices->planned_names;
    return apart;
}

const char *program_kind(Program program)
{
    static const char *const kinds[] = {"all", "predict", "step", "batch", "all", "batch", "train", "train"};
    return kinds[program];
}

const char *choice_name(const char *layer, const char *pass, const char *program, const char *level)
{
    return memory_format("%s %s %s %s", layer, pass, program, level);
}

const char *choice_level(const Choice *choice)
{
    return choice->level ? choice->level->name : "all";
}

const char *work_sizes(const Work *work)
{
    return memory_format("%lldx%lldx%lld", (long long)work->rows, (long long)work->columns, (long long)work->reduction);
}

void choices_error(Choices *choices, int line, const char *format, ...)
{
    if (choices->error_count++ >= MAX_ERRORS) return;
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    text_add(&choices->errors, "%s:%d: error: %s\n", choices->file, line, text);
}

/* A line of the plan is refused: said once, however often its question is asked. */
#define plan_error(choices, planned, ...) \
    do { \
        if (!(planned)->refused) choices_error(choices, (planned)->line, __VA_ARGS__); \
        (planned)->refused = true; \
    } while (0)

/* The plan's line for a question, or NULL. */
static Planned *planned_find(Choices *choices, const char *name)
{
    int number = names_find(&choices->planned_names, name);
    if (number < 0) return NULL;
    choices->planned[number].used = true;
    return &choices->planned[number];
}

/* The same question may be asked again, by the next program of the kind: the record is the same then. */
static void record(Choices *choices, const Choice *choice, const char *name)
{
    int number = names_add(&choices->choice_names, name);
    if (number == choices->choice_count) {
        choices->choices = memory_grow(choices->choices, &choices->choice_capacity, choices->choice_count, sizeof(Choice));
        choices->choice_count++;
    }
    choices->choices[number] = *choice;
}

/* ---- tiles ---- */

typedef struct { Tile tile; double cycles; } Candidate;

static int64_t work_vectors(const Work *work)
{
    return (work->columns + work->lanes - 1) / work->lanes;
}

/* Why the tile cannot be, or NULL. */
static const char *tile_hindrance(const Level *level, const Work *work, Tile tile)
{
    if (tile.rows < 1 || tile.vectors < 1 || tile.rows > MOST_TILE_ROWS || tile.vectors > MOST_TILE_VECTORS)
        return memory_format("a tile has 1 to %d rows and 1 to %d vectors", MOST_TILE_ROWS, MOST_TILE_VECTORS);
    if (tile.rows > work->rows) return memory_format("there are only %lld rows", (long long)work->rows);
    if (tile.vectors > work_vectors(work)) return memory_format("there are only %lld vectors of columns", (long long)work_vectors(work));
    if (work->most_vectors && tile.vectors > work->most_vectors) return memory_format("threads share columns %d vectors at a time", work->most_vectors);
    if (tile_registers(level, tile) > level->registers) return memory_format("it needs %d registers of %d", tile_registers(level, tile), level->registers);
    return NULL;
}

/* The cycles of one step of the reduction. A part of the matrix that outgrows the first-level cache comes from the second, and a little of
 * that time is left over however long the tile takes. */
static double work_cycles(const Level *level, const Work *work, Tile tile)
{
    enum { FIRST_LEVEL = 32768, LINE = 64 };
    double cycles = tile_cycles(level, tile, work->rows, work_vectors(work)), vector_bytes = (double)work->lanes * 4;
    if (!work->whole || (double)(work->reduction * tile.vectors) * vector_bytes <= FIRST_LEVEL) return cycles;
    double tiles = (double)((work->rows + tile.rows - 1) / tile.rows);
    return cycles + 0.75 * tiles * (double)work_vectors(work) * vector_bytes / LINE;
}

/* After a short reduction it tells whether the bias and what the results meet on their way out stay in registers too. */
enum { SHORT_REDUCTION = 32, WAY_OUT = 2 };

static bool has_room(const Level *level, const Work *work, Tile tile)
{
    int beside = work->bias && work->reduction <= SHORT_REDUCTION ? tile.vectors + WAY_OUT : 0;
    return tile_registers(level, tile) + beside <= level->registers;
}

static double work_multiply_adds(const Work *work)
{
    return (double)(work->rows * work->columns) * (double)work->reduction * work->times;
}

/* A layer of so little work gets small tiles: its time does not count, but that of the C compiler on its code does. */
enum { LITTLE_WORK = 4096, LITTLE_TILE = 4 };

/* The tiles that can be, the best first; returns how many were compared. */
static int find_candidates(const Level *level, const Work *work, bool straight, Candidate best[MOST_CANDIDATES], int *count)
{
    int compared = 0;
    *count = 0;
    for (int v = 1; v <= MOST_TILE_VECTORS; v++)
        for (int t = 1; t <= MOST_TILE_ROWS; t++) {
            if (tile_hindrance(level, work, (Tile){t, v}) || !has_room(level, work, (Tile){t, v})) continue;
            if (!straight && work_multiply_adds(work) <= LITTLE_WORK && t * v > LITTLE_TILE) continue;
            Candidate candidate = {{t, v}, work_cycles(level, work, (Tile){t, v})};
            compared++;
            int at = *count;
            while (at > 0 && candidate.cycles < best[at - 1].cycles) at--;
            if (at == MOST_CANDIDATES) continue;
            if (*count < MOST_CANDIDATES) (*count)++;
            memmove(&best[at + 1], &best[at], sizeof *best * (size_t)(*count - at - 1));
            best[at] = candidate;
        }
    return compared;
}

static const char *tile_text(Tile tile)
{
    return memory_format("%dx%d", tile.rows, tile.vectors);
}

/* The tile that a plan's line names; the model's, with an error, where it cannot be. */
static Tile planned_tile(Choices *choices, Planned *planned, const Level *level, const Work *work, Tile otherwise)
{
    Tile tile = {0};
    char behind;
    if (strcmp(planned->sizes, work_sizes(work))) {
        plan_error(choices, planned, "%s, %s: measured for %s, but here it is %s; run cnnc --tune again", planned->layer, planned->pass, planned->sizes, work_sizes(work));
        return otherwise;
    }
    if (sscanf(planned->answer, "%2dx%2d%c", &tile.rows, &tile.vectors, &behind) != 2) tile = (Tile){0};
    const char *hindrance = tile_hindrance(level, work, tile);
    if (!hindrance) return tile;
    plan_error(choices, planned, "%s, %s: the tile %s does not fit %s: %s", planned->layer, planned->pass, planned->answer, level->name, hindrance);
    return otherwise;
}

static void record_tile(Emit *e, const Node *node, const Work *work, const char *name, Choice *choice, Tile tile)
{
    const Level *level = e->full; /* also where this kernel's vectors are shorter */
    double multiply_adds = work_multiply_adds(work);
    choice->layer = node->name;
    choice->op = node->op;
    choice->pass = work->phase;
    choice->program = program_kind(emit_program(e));
    choice->level = level;
    choice->work = *work;
    choice->answer = tile_text(tile);
    choice->cycles = work_cycles(level, work, tile) * (double)work->reduction * work->times;
    choice->share = multiply_adds / (choice->cycles * work->lanes * MULTIPLY_ADDS);
    record(e->graph->choices, choice, name);
}

static const char *work_name(Emit *e, const Node *node, Work *work)
{
    if (!work->phase) work->phase = node->op->suffix;
    if (!work->lanes) work->lanes = emit_level(e)->lanes;
    return choice_name(node->name, work->phase, program_kind(emit_program(e)), emit_level(e)->name);
}

Tile choose_tile(Emit *e, const Node *node, Work work)
{
    const Level *level = emit_level(e);
    const char *name = work_name(e, node, &work);
    Candidate best[MOST_CANDIDATES];
    int count, compared = find_candidates(level, &work, emit_options(e)->unroll_full, best, &count);
    if (!count) die("%s: no tile fits", node->name);
    Tile tile = best[0].tile;
    Choice choice = {.candidate_count = count};
    for (int i = 0; i < count; i++) choice.candidates[i] = tile_text(best[i].tile);
    Text because = {0};
    Planned *planned = planned_find(e->graph->choices, name);
    if (planned) {
        tile = planned_tile(e->graph->choices, planned, level, &work, tile);
        choice.planned = true;
        text_add(&because, "the plan says so; the model takes %s", tile_text(best[0].tile));
        double ratio = work_cycles(level, &work, tile) / best[0].cycles;
        if (ratio > 1.005) text_add(&because, " and predicts %.2f times its time", ratio);
    } else {
        text_add(&because, compared == 1 ? "the only tile that fits" : "the least time of %d tiles", compared);
        for (int i = 1; i < count && i < 4; i++) {
            double ratio = best[i].cycles / best[0].cycles;
            text_add(&because, "%s%s %.*f", i > 1 ? ", " : "; times as long: ", tile_text(best[i].tile), ratio < 1.005 ? 3 : 2, ratio);
        }
    }
    choice.because = because.data;
    record_tile(e, node, &work, name, &choice, tile);
    return tile;
}

Tile choose_only(Emit *e, const Node *node, Work work, Tile tile, const char *because)
{
    const char *name = work_name(e, node, &work);
    Choice choice = {.because = because};
    record_tile(e, node, &work, name, &choice, tile);
    return tile;
}

/* ---- ways ---- */

int choose_way(const Graph *graph, const Node *node, bool gradients, const Way *ways, int count)
{
    Choices *choices = graph->choices;
    bool trains = gradients || node->forward;
    Choice choice = {.layer = node->name, .pass = gradients ? "gradients" : node->op->suffix, .program = program_kind(trains ? PROGRAM_TRAIN : PROGRAM_SOURCE), .op = gradients ? NULL : node->op};
    const char *name = choice_name(choice.layer, choice.pass, choice.program, "all");
    int least = -1;
    for (int i = 0; i < count; i++)
        if (!ways[i].hindrance && (least < 0 || ways[i].cost < ways[least].cost)) least = i;
    if (least < 0) die("%s: there is no way to compute it", node->name);
    int chosen = least;
    Planned *planned = planned_find(choices, name);
    if (planned) {
        int number = 0;
        while (number < count && strcmp(ways[number].name, planned->answer)) number++;
        if (number == count) plan_error(choices, planned, "%s, %s: there is no way `%s`", planned->layer, planned->pass, planned->answer);
        else if (ways[number].hindrance) plan_error(choices, planned, "%s, %s: not by %s: %s", planned->layer, planned->pass, planned->answer, ways[number].hindrance);
        else chosen = number;
    }
    Text because = {0};
    text_add(&because, "%s", planned ? "the plan says so" : "the least work");
    for (int i = 0; i < count; i++) {
        if (i == chosen) continue;
        if (ways[i].hindrance) text_add(&because, "; not %s: %s", ways[i].name, ways[i].hindrance);
        else text_add(&because, "; %s has %.2f times as much", ways[i].name, ways[i].cost / ways[chosen].cost);
    }
    choice.answer = ways[chosen].name;
    choice.because = because.data;
    choice.planned = planned != NULL;
    choice.cycles = ways[chosen].cost;
    choice.candidates[choice.candidate_count++] = ways[least].name;
    for (int i = 0; i < count && choice.candidate_count < MOST_CANDIDATES; i++)
        if (i != least && !ways[i].hindrance) choice.candidates[choice.candidate_count++] = ways[i].name;
    record(choices, &choice, name);
    return chosen;
}
