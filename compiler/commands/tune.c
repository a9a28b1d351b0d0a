/* --tune: measures on this machine what the cost model predicts, and writes the winners down as a plan.
 *
 * For each choice on record (choose.h) the kernel in question, and little else of the program, is emitted for every candidate,
 * compiled together with the harness of runtime/timing.h, and run. Ways are decided first, then the tiles that the chosen ways ask
 * for. The candidates for a tile are in one program and take turns; those for a way, each of which may want other weights and other
 * nodes around it, are programs of their own, which also run the nodes beside that have no choices: a pooling, say, that one way
 * does by the way. The least time counts. Greedy: what one kernel leaves in the caches for the next is not measured. Another answer
 * than the model's is taken only where it is faster by more than noise. */
#include "passes/choose.h"
#include "commands/command_line.h"
#include "emission/generate.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS 0.3 /* for the turns of one choice's candidates */
#define NOISE 0.98  /* of the time of the answer that would do without measuring */

typedef struct { Choice choice; const char *answer, *comment; } Decision;

typedef struct {
    const CompileInput *input;
    Target target; /* the level of this machine alone */
    const Level *level;
    const char *name; /* of the network */
    int64_t batch;
    const Choices *record; /* of all that can be chosen, from one emission of everything */
    Decision *decisions;
    int decision_count, decision_capacity;
} Tune;

static Planned planned_of(const Choice *choice, const char *answer)
{
    return (Planned){choice->layer, choice->pass, choice->program, choice_level(choice), answer, choice->level ? work_sizes(&choice->work) : "", 0, false, false};
}

/* Everything compiled with what was decided so far, and one answer more where `choice` is not NULL. */
static bool compile_decided(const Tune *t, const Choice *choice, const char *answer, Generation *g)
{
    const CompileInput *in = t->input;
    CompileOptions options = in->options;
    options.choices = choices_new();
    options.quiet = true;
    for (int i = 0; i <= t->decision_count; i++) {
        bool last = i == t->decision_count;
        if (last && !choice) break;
        Planned planned = last ? planned_of(choice, answer) : planned_of(&t->decisions[i].choice, t->decisions[i].answer);
        choices_plan(options.choices, &planned);
    }
    *g = (Generation){.command = ""};
    Graph *source = compile_source(in->file, in->text, in->length, in->definitions, in->definition_count, &options);
    if (!source || !compile_programs(source, &options, g)) return false;
    g->target = &t->target;
    return true;
}

/* ---- the program that measures ---- */

static const Graph *program_graph(const Generation *g, const char *kind)
{
    return !strcmp(kind, "predict") ? g->predict : !strcmp(kind, "batch") ? g->predict_batch : g->train;
}

static bool is_chosen_for(const Choices *choices, const Node *node)
{
    for (int i = 0; i < choices->choice_count; i++)
        if (choices->choices[i].op == node->op && !strcmp(choices->choices[i].layer, node->name)) return true;
    return false;
}

static bool share_tensor(const Node *a, const Node *b)
{
    for (int i = 0; i < a->output_count; i++)
        for (int j = 0; j < b->input_count; j++)
            if (tensor_base(a->outputs[i]) == tensor_base(b->inputs[j])) return true;
    return false;
}

/* Is the node what the choice is about? */
static bool is_meant(const Choice *choice, const Node *node)
{
    bool gradient = node->forward && !(node->op->flags & OPERATOR_UPDATES);
    return !strcmp(node->name, choice->layer) && (choice->op ? node->op == choice->op : gradient);
}

static bool is_measured(const Tune *t, const Graph *graph, const Choice *choice, const Node *node)
{
    if (is_meant(choice, node)) return true;
    if (choice->level || (node->op->flags & OPERATOR_UPDATES) || is_chosen_for(t->record, node)) return false;
    for (int i = 0; i < graph->node_count; i++) {
        const Node *other = graph->nodes[i];
        if (is_meant(choice, other) && (share_tensor(other, node) || share_tensor(node, other))) return true;
    }
    return false;
}

/* The variables that the drivers' arguments name. */
static void add_variables(Text *text, Text *start, const Generation *g, const Graph *graph, int64_t arena_bytes)
{
    const Graph *source = g->source;
    const char *name = source->name;
    bool train = graph->program == PROGRAM_TRAIN;
    text_add(text, "static %s_weights *w;\nstatic unsigned char *arena;\n", name);
    text_add(start, "w = random_floats(sizeof *w);\narena = random_floats(%lld);\n", (long long)arena_bytes);
    /* As little known to the C compiler as it is to a program. */
    if (graph->program != PROGRAM_PREDICT) text_add(text, "static volatile size_t %s = %lld;\n", train ? "n" : "count", (long long)graph->batch);
    for (int i = 0; i < source->input_count; i++) {
        const char *port = port_name(g, source->inputs, source->input_count, i, "input");
        bool whole = source->inputs[i]->type == TYPE_INT32;
        text_add(text, "static %s *%s;\n", whole ? "int32_t" : "float", port);
        text_add(start, whole ? "%s = calloc(%lld, 4);\n" : "%s = random_floats(%lld * sizeof(float));\n", port, (long long)(graph->batch * shape_count(&source->inputs[i]->shape)));
    }
    for (int i = 0; i < source->output_count; i++) {
        long long count = (long long)(graph->batch * shape_count(&source->outputs[i]->shape));
        const char *output = port_name(g, source->outputs, source->output_count, i, "output"), *target = port_name(g, source->outputs, source->output_count, i, "target");
        LossCase c;
        text_add(text, "static float *%s;\n", output);
        text_add(start, "%s = random_floats(%lld * sizeof(float));\n", output, count);
        if (!train) continue;
        text_add(text, "static %s *%s;\n", loss_of_output(source, i, &c)->class_indices ? "int32_t" : "float", target);
        text_add(start, "%s = calloc(%lld, 4);\n", target, count);
    }
    if (!train) return;
    const char *step = optimizer_of(source, NULL, NULL)->prepare ? "now" : "step[1]"; /* as driver_arguments calls it */
    text_add(text, "static %s_weights *slots;\nstatic Step %s;\nstatic float *losses;\nstatic const float *sample_weights;\n", name, step);
    text_add(start, "slots = random_floats(sizeof *slots * (%s_SLOTS + 1));\n", upper_case(name));
}

/* Times candidates first to last - 1 in one kind of program. Each is that program's driver, with few of its nodes. False: it took
 * too long. */
static bool measure(const Tune *t, const Choice *choice, const char *kind, int first, int last, double *seconds)
{
    Generation g;
    Emit *e = emit_new(&t->input->options.emit);
    emit_begin_level(e, t->level);
    Text functions = {0}, names = {0}, variables = {0}, start = {0}, text = {0};
    const Graph *graph = NULL;
    int64_t arena_bytes = 64;
    for (int i = first; i < last; i++) {
        if (!compile_decided(t, choice, choice->candidates[i], &g)) return false;
        graph = program_graph(&g, kind);
        if (graph->arena_bytes > arena_bytes) arena_bytes = graph->arena_bytes;
        emit_begin_program(e, graph);
        for (int j = 0; j < graph->node_count; j++)
            if (graph->nodes[j]->op->emit && is_measured(t, graph, choice, graph->nodes[j])) emit_node(e, graph->nodes[j]);
        emit_driver(e, &g, graph, memory_format("candidate%d", i));
        text_add(&functions, "static void call%d(void)\n{\ncandidate%d_%s(%s);\n}\n\n", i, i, t->level->suffix, driver_arguments(&g, graph->program));
        text_add(&names, "%scall%d", i > first ? ", " : "", i);
    }
    add_variables(&variables, &start, &g, graph, arena_bytes);
    const char *code = level_code(e);
    text_add(&text, "#define _GNU_SOURCE\n%s\n%s%s\n%s\n%s\n", generate_header(&g), generate_frame(&g, code), code, timing_text, variables.data);
    text_indent(&text, functions.data);
    text_indent(&text, memory_format("int main(void)\n{\n%svoid (*const functions[])(void) = {%s};\ntime_functions(functions, %d, %g);\nreturn 0;\n}\n", start.data, names.data, last - first, SECONDS));
    const char *output = build_and_run(text.data);
    for (int i = first; output && i < last; i++) {
        char *end;
        seconds[i] = strtod(output, &end);
        if (end == output || !(seconds[i] > 0)) command_error("--tune: the program that measures %s, %s gave no time", choice->layer, choice->pass);
        output = end;
    }
    return output != NULL;
}

/* The time of each candidate; of what is chosen for all programs alike, of one sample alone and one of a batch. */
static bool measure_all(const Tune *t, const Choice *choice, double *seconds)
{
    int count = choice->candidate_count;
    if (choice->level) return measure(t, choice, choice->program, 0, count, seconds);
    bool all = !strcmp(choice->program, "all");
    for (int i = 0; i < count; i++) {
        double alone = 0;
        if (all && !measure(t, choice, "predict", i, i + 1, seconds)) return false;
        if (all) alone = seconds[i];
        if (all && t->input->options.emit.unroll_full) continue; /* there is no other program */
        if (!measure(t, choice, all ? "batch" : choice->program, i, i + 1, seconds)) return false;
        if (all) seconds[i] = alone + seconds[i] / (double)t->batch;
    }
    return true;
}

/* ---- decisions ---- */

/* The same work in the same kind of program was measured for another layer. */
static const Decision *decided_before(const Tune *t, const Choice *choice)
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
    int best = 0;
    double seconds[MOST_CANDIDATES] = {0};
    const Decision *before = decided_before(t, choice);
    Decision decision = {*choice, choice->candidates[0], NULL};
    if (before) {
        decision.answer = before->answer;
        decision.comment = memory_format("as %s", before->choice.layer);
    } else if (choice->candidate_count == 1) {
        decision.comment = "the only one";
    } else if (!measure_all(t, choice, seconds)) {
        decision.comment = "the model's: measuring took too long";
    } else {
        int usual = usual_answer(t, choice);
        for (int i = 1; i < choice->candidate_count; i++)
            if (seconds[i] < seconds[best]) best = i;
        if (!(seconds[best] < NOISE * seconds[usual])) best = usual;
        decision.answer = choice->candidates[best];
        Text comment = {0};
        text_add(&comment, "%.4g us", seconds[best] * 1e6);
        for (int i = 0; i < choice->candidate_count; i++)
            if (i != best) text_add(&comment, "%s%s %.4g", i == (best == 0) ? "; " : ", ", choice->candidates[i], seconds[i] * 1e6);
        decision.comment = comment.data;
    }
    fprintf(stderr, "cnnc: %s %d of %d: %s, %s, %s: %s (%s)\n", choice->level ? "tile" : "way", number, count, choice->layer, choice->pass, choice->program, decision.answer, decision.comment);
    t->decisions = memory_grow(t->decisions, &t->decision_capacity, t->decision_count, sizeof *t->decisions);
    t->decisions[t->decision_count++] = decision;
}

/* Emits everything with what was decided so far, so that all questions are on record, and decides those about ways or tiles. */
static bool decide_all(Tune *t, bool ways)
{
    Generation g;
    if (!compile_decided(t, NULL, NULL, &g)) return false;
    generate_source(&g, NULL);
    t->batch = g.predict_batch->batch;
    t->name = g.source->name;
    const Choices *choices = t->record = g.source->choices;
    int count = 0, number = 0;
    for (int i = 0; i < choices->choice_count; i++) count += !choices->choices[i].level == ways && choices->choices[i].candidate_count > 0;
    for (int i = 0; i < choices->choice_count; i++)
        if (!choices->choices[i].level == ways && choices->choices[i].candidate_count > 0) decide(t, &choices->choices[i], ++number, count);
    return !diagnostics_errors();
}

const char *tune_plan(const CompileInput *input)
{
    const Target *target = input->options.target;
    Tune t = {.input = input, .level = target_native_level(target)};
    if (!t.level) command_error("--tune measures on this machine, which has no level of --target=%s; --target=native is what it has", target->name);
    t.target = (Target){t.level->name, &t.level, 1, target->x86};
    if (!decide_all(&t, true) || !decide_all(&t, false)) return NULL;
    Text text = {0};
    text_add(&text,
             "cnnc plan 1\n"
             "# The kernels of %s for %s, measured by cnnc " CNNC_VERSION " --tune with batches of %lld; to use them: cnnc --plan=FILE.\n"
             "# layer, pass, program, level; tile rows x vectors, of rows x columns x steps of the reduction, or the way it is computed;\n"
             "# behind the # the time of a call, and those of what else was tried.\n",
             t.name,
             t.level->name,
             (long long)t.batch);
    for (int i = 0; i < t.decision_count; i++) {
        const Planned p = planned_of(&t.decisions[i].choice, t.decisions[i].answer);
        const char *line = memory_format("%s %s %s %s %s %s%s%s", p.layer, p.pass, p.program, p.level, *p.sizes ? "tile" : "way", p.answer, *p.sizes ? " of " : "", p.sizes);
        text_add(&text, "%-80s # %s\n", line, t.decisions[i].comment);
    }
    text_add(&text, "end\n");
    return text.data;
}
