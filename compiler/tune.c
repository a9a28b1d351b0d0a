/* --tune: measures on this machine what the cost model predicts, and writes the winners down as a plan.
 *
 * For each choice on record (choose.h) the kernel in question, and nothing else of the program, is emitted once for every candidate,
 * compiled into one small program with the harness of runtime/timing.h, and run: the candidates take turns, the least time counts.
 * Ways are decided first, then the tiles that the chosen ways ask for. Greedy: what one kernel leaves in the caches for the next is
 * not measured. Another answer than the model's is taken only where it is faster by more than noise. */
#include "choose.h"
#include "command_line.h"
#include "generate.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS 0.3 /* for the turns of one choice's candidates */
#define NOISE 0.98  /* of the time of the answer that would do without measuring */

typedef struct {
    const CompileOptions *options;
    Graph *source;
    Generation generation;
    Target target; /* the level of this machine alone */
    const Level *level;
    struct Decision { Choice choice; const char *answer, *comment; } *decisions;
    int decision_count, decision_capacity;
} Tune;

static Planned planned_of(const Choice *choice, const char *answer)
{
    return (Planned){choice->layer, choice->pass, choice->program, choice_level(choice), answer, choice->level ? work_sizes(&choice->work) : "", 0, false, false};
}

/* What was decided so far, and one answer more. */
static Choices *decided(const Tune *t, const Choice *more, const char *answer)
{
    Choices *choices = choices_new();
    choices->measuring = true;
    for (int i = 0; i < t->decision_count; i++) choices_plan(choices, &(Planned[]){planned_of(&t->decisions[i].choice, t->decisions[i].answer)}[0]);
    if (more) choices_plan(choices, &(Planned[]){planned_of(more, answer)}[0]);
    return choices;
}

/* ---- the program that measures ---- */

static Program program_of(const char *kind)
{
    return !strcmp(kind, "predict") ? PROGRAM_PREDICT : !strcmp(kind, "train") ? PROGRAM_TRAIN : PROGRAM_PREDICT_BATCH;
}

static int64_t batch_of(const Tune *t, Program program)
{
    return program == PROGRAM_PREDICT ? 1 : t->generation.predict_batch->batch;
}

/* The variables that the drivers' arguments name. */
static void add_variables(Text *text, Text *start, const Tune *t, Program program, int64_t arena_bytes)
{
    const Generation *g = &t->generation;
    const Graph *source = t->source;
    const char *name = source->name;
    int64_t batch = batch_of(t, program);
    text_add(text, "static %s_weights *w;\nstatic unsigned char *arena;\n", name);
    text_add(start, "w = random_floats(sizeof *w);\narena = random_floats(%lld);\n", (long long)arena_bytes);
    if (program != PROGRAM_PREDICT) text_add(text, "static volatile size_t %s = %lld;\n", program == PROGRAM_TRAIN ? "n" : "count", (long long)batch); /* as little known to the C compiler as it is to a program */
    for (int i = 0; i < source->input_count; i++) {
        const char *port = port_name(g, source->inputs, source->input_count, i, "input");
        bool whole = source->inputs[i]->type == TYPE_INT32;
        text_add(text, "static %s *%s;\n", whole ? "int32_t" : "float", port);
        text_add(start, whole ? "%s = calloc(%lld, 4);\n" : "%s = random_floats(%lld * sizeof(float));\n", port, (long long)(batch * shape_count(&source->inputs[i]->shape)));
    }
    for (int i = 0; i < source->output_count; i++) {
        const char *port = port_name(g, source->outputs, source->output_count, i, "output");
        text_add(text, "static float *%s;\n", port);
        text_add(start, "%s = random_floats(%lld * sizeof(float));\n", port, (long long)(batch * shape_count(&source->outputs[i]->shape)));
    }
    if (program != PROGRAM_TRAIN) return;
    text_add(text, "static %s_weights *slots;\nstatic %s_step step[1];\nstatic float *losses;\nstatic const float *sample_weights;\n", name, name);
    text_add(start, "slots = random_floats(sizeof *slots * (%s_SLOTS + 1));\n", upper_case(name));
    for (int i = 0; i < source->output_count; i++) {
        LossCase c;
        const char *port = port_name(g, source->outputs, source->output_count, i, "target");
        text_add(text, "static %s *%s;\n", loss_of_output(source, i, &c)->class_indices ? "int32_t" : "float", port);
        text_add(start, "%s = calloc(%lld, 4);\n", port, (long long)(batch * shape_count(&source->outputs[i]->shape)));
    }
}

static bool is_measured(const Node *node, const Choice *choice)
{
    if (strcmp(node->name, choice->layer) || !node->op->emit) return false;
    return choice->op ? node->op == choice->op : node->forward && !(node->op->flags & OPERATOR_UPDATES);
}

/* Each candidate is the driver of its program with the phases of one node only. */
static const char *measuring_source(Tune *t, const Choice *choice, int candidates)
{
    Generation *g = &t->generation;
    Program program = program_of(choice->program);
    Emit *e = emit_new(&g->options);
    emit_begin_level(e, t->level);
    Text functions = {0}, names = {0}, variables = {0}, start = {0};
    int64_t arena_bytes = 64;
    for (int i = 0; i < candidates; i++) {
        t->source->choices = decided(t, choice, choice->candidates[i]);
        Graph *graph = compile_program(t->source, program, batch_of(t, program), false, t->options);
        if (graph->arena_bytes > arena_bytes) arena_bytes = graph->arena_bytes;
        emit_begin_program(e, graph);
        for (int j = 0; j < graph->node_count; j++)
            if (is_measured(graph->nodes[j], choice)) graph->nodes[j]->op->emit(e, graph->nodes[j]);
        emit_driver(e, g, graph, memory_format("candidate%d", i));
        text_add(&functions, "static void call%d(void)\n{\ncandidate%d_%s(%s);\n}\n\n", i, i, t->level->suffix, driver_arguments(g, program));
        text_add(&names, "%scall%d", i ? ", " : "", i);
    }
    add_variables(&variables, &start, t, program, arena_bytes);
    const char *code = level_code(e);
    Text text = {0};
    text_add(&text, "#define _GNU_SOURCE\n%s\n%s%s\n%s\n", generate_header(g), generate_frame(g, code), code, timing_text);
    text_add(&text, "%s\n", variables.data);
    text_indent(&text, functions.data);
    text_indent(&text, memory_format("int main(void)\n{\n%svoid (*const functions[])(void) = {%s};\ntime_functions(functions, %d, %g);\nreturn 0;\n}\n", start.data, names.data, candidates, SECONDS));
    return text.data;
}

/* ---- decisions ---- */

/* Compiles and runs; the seconds of each candidate. False: it took too long. */
static bool measure(Tune *t, const Choice *choice, int candidates, double *seconds)
{
    const char *output = build_and_run(measuring_source(t, choice, candidates));
    if (!output) return false;
    for (int i = 0; i < candidates; i++) {
        char *end;
        seconds[i] = strtod(output, &end);
        if (end == output || !(seconds[i] > 0)) command_error("--tune: the program that measures %s, %s gave no time", choice->layer, choice->pass);
        output = end;
    }
    return true;
}

/* The same work in the same kind of program was measured for another layer. */
static const struct Decision *decided_before(const Tune *t, const Choice *choice)
{
    for (int i = 0; i < t->decision_count; i++) {
        const Choice *other = &t->decisions[i].choice;
        bool same = other->op == choice->op && other->level == choice->level && !strcmp(other->pass, choice->pass) && !strcmp(other->program, choice->program) &&
                    !strcmp(work_sizes(&other->work), work_sizes(&choice->work)) && !(other->cycles < choice->cycles) && !(other->cycles > choice->cycles);
        if (same) return &t->decisions[i];
    }
    return NULL;
}

/* The candidate to be taken among those that are equally fast: the answer for another kind of program, because kernels that are the
 * same are emitted once; else the model's. */
static int usual_answer(const Tune *t, const Choice *choice)
{
    for (int i = 0; i < t->decision_count; i++) {
        const Choice *other = &t->decisions[i].choice;
        if (strcmp(other->layer, choice->layer) || strcmp(other->pass, choice->pass) || other->level != choice->level) continue;
        for (int j = 0; j < choice->candidate_count; j++)
            if (!strcmp(choice->candidates[j], t->decisions[i].answer)) return j;
    }
    return 0;
}

static void decide(Tune *t, const Choice *choice, int number, int count)
{
    int candidates = choice->candidate_count, best = 0;
    double seconds[MOST_CANDIDATES] = {0};
    const struct Decision *before = decided_before(t, choice);
    struct Decision decision = {*choice, choice->candidates[0], NULL};
    if (before) {
        decision.answer = before->answer;
        decision.comment = memory_format("as %s", before->choice.layer);
    } else if (candidates == 1) {
        decision.comment = "the only one";
    } else if (!measure(t, choice, candidates, seconds)) {
        decision.comment = "the model's: measuring took too long";
    } else {
        int usual = usual_answer(t, choice);
        for (int i = 1; i < candidates; i++)
            if (seconds[i] < seconds[best]) best = i;
        if (!(seconds[best] < NOISE * seconds[usual])) best = usual;
        decision.answer = choice->candidates[best];
        Text comment = {0};
        text_add(&comment, "%.4g us", seconds[best] * 1e6);
        for (int i = 0; i < candidates; i++)
            if (i != best) text_add(&comment, "%s%s %.4g", i == (best == 0) ? "; " : ", ", choice->candidates[i], seconds[i] * 1e6);
        decision.comment = comment.data;
    }
    fprintf(stderr, "cnnc: %s %d of %d: %s, %s, %s: %s (%s)\n", choice->level ? "tile" : "way", number, count, choice->layer, choice->pass, choice->program, decision.answer, decision.comment);
    t->decisions = memory_grow(t->decisions, &t->decision_capacity, t->decision_count, sizeof *t->decisions);
    t->decisions[t->decision_count++] = decision;
}

/* Emits everything with what was decided so far, so that all questions are on record, and decides those about ways or tiles. */
static void decide_all(Tune *t, bool ways)
{
    t->source->choices = decided(t, NULL, NULL);
    if (!compile_programs(t->source, t->options, &t->generation)) return;
    t->generation.target = &t->target;
    t->generation.command = "";
    generate_source(&t->generation, NULL);
    const Choices *choices = t->source->choices;
    int count = 0, number = 0;
    for (int i = 0; i < choices->choice_count; i++) count += !choices->choices[i].level == ways && choices->choices[i].candidate_count > 0;
    for (int i = 0; i < choices->choice_count; i++)
        if (!choices->choices[i].level == ways && choices->choices[i].candidate_count > 0) decide(t, &choices->choices[i], ++number, count);
}

const char *tune_plan(Graph *source, const CompileOptions *options)
{
    Tune t = {.options = options, .source = source, .level = target_native_level(options->target)};
    if (!t.level) command_error("--tune measures on this machine, which has no level of --target=%s; --target=native is what it has", options->target->name);
    t.target = (Target){t.level->name, &t.level, 1, options->target->x86};
    decide_all(&t, true);
    decide_all(&t, false);
    if (diagnostics_errors()) return NULL;
    Text text = {0};
    text_add(&text,
             "cnnc plan 1\n"
             "# The kernels of %s for %s, measured by cnnc " CNNC_VERSION " --tune with batches of %lld; to use them: cnnc --plan=FILE.\n"
             "# layer, pass, program, level; tile rows x vectors, of rows x columns x steps of the reduction, or the way it is computed;\n"
             "# behind the # the time of a call, and those of what else was tried.\n",
             source->name,
             t.level->name,
             (long long)t.generation.predict_batch->batch);
    for (int i = 0; i < t.decision_count; i++) {
        const Choice *choice = &t.decisions[i].choice;
        const char *line = memory_format("%s %s %s %s %s %s%s%s", choice->layer, choice->pass, choice->program, choice_level(choice), choice->level ? "tile" : "way", t.decisions[i].answer, choice->level ? " of " : "", choice->level ? work_sizes(&choice->work) : "");
        text_add(&text, "%-80s # %s\n", line, t.decisions[i].comment);
    }
    text_add(&text, "end\n");
    return text.data;
}
