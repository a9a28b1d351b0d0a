/* The passes, in order: from text to the four programs that are emitted. */
#include "passes/choose.h"

#include <string.h>

const char *const compile_passes[] = {"ast", "layers", "graph", "shapes", "swap", "backward", "sign", "absorb", "fuse", "chain", "recompute", "plan", NULL};

static bool wanted(const CompileOptions *options, const char *pass)
{
    return options->dump && !strcmp(options->dump_pass, pass);
}

enum {
    LEAST_SHARED = 600000
}; /* operations for one sample, some ten microseconds: below, starting the threads and waiting for them takes as long */

static double operations(const Graph *graph)
{
    double sum = 0;
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->op->macs) sum += (double)node_operations(graph->nodes[i]);
    return sum;
}

static int64_t most_samples(const Graph *source, const CompileOptions *options)
{
    return options->batch ? options->batch : source->fit ? argument_size(source->fit, "batch_size") : 32;
}

/* The statements as a graph without shapes; NULL after errors. */
static Graph *expand(const Statement *statements, const Definition *definitions, int definition_count, const CompileOptions *options, Choices *choices)
{
    Graph *graph = graph_new();
    graph->batch = 1;
    graph->panel = 4;
    graph->quiet = options->quiet;
    graph->direct = options->emit.strict || options->emit.unroll_full;
    graph->openblas = options->emit.openblas;
    graph->choices = choices;
    for (int i = 0; i < options->target->level_count; i++)
        if (options->target->levels[i]->lanes > graph->panel) graph->panel = options->target->levels[i]->lanes;
    Definition *copy = NEW_ARRAY(Definition, definition_count + 1); /* expanding marks the used ones */
    if (definition_count) memcpy(copy, definitions, sizeof *copy * (size_t)definition_count);
    if (!expand_network(graph, statements, copy, definition_count) || diagnostics_errors()) return NULL;
    if (graph->compile && !options->inference_only) graph->train_batch = most_samples(graph, options);
    return graph;
}

static bool work_is_shared(const Graph *graph, const CompileOptions *options)
{
    return options->emit.threads != 1 && !options->emit.unroll_full && operations(graph) >= LEAST_SHARED;
}

/* Where the network reads a sequence that can be cut into steps: the same statements for one step. */
static void add_one_step(Graph *source, const Statement *statements, const Definition *definitions, int definition_count, const CompileOptions *options)
{
    if (!steps_pass(source)) return;
    Graph *one = expand(statements, definitions, definition_count, options, choices_apart(source->choices));
    if (!one) die("a second expansion went wrong");
    source->step_hindrance = steps_one(one, source);
    if (source->step_hindrance) return;
    one->shared = work_is_shared(one, options);
    source->one_step = one;
}

Graph *compile_source(const char *file, const char *text, size_t length, const Definition *definitions, int definition_count,
                      const CompileOptions *options)
{
    diagnostics_begin(file, text, length);
    Statement *statements = parse_network(text, length);
    if (!statements) return NULL;
    if (wanted(options, "ast")) dump_statements(options->dump, statements);
    Graph *graph = expand(statements, definitions, definition_count, options, options->choices ? options->choices : choices_new());
    if (!graph) return NULL;
    if (wanted(options, "layers")) dump_layers(options->dump, graph);
    if (wanted(options, "graph")) dump_graph(options->dump, graph);
    shape_pass(graph);
    if (diagnostics_errors()) return NULL;
    unused_pass(graph, options->quiet);
    training_pass(graph);
    if (diagnostics_errors()) return NULL;
    fit_pass(graph);
    if (diagnostics_errors()) return NULL;
    add_one_step(graph, statements, definitions, definition_count, options);
    if (diagnostics_errors()) return NULL;
    graph->shared = work_is_shared(graph, options);
    if (wanted(options, "shapes")) dump_graph(options->dump, graph);
    return graph;
}

Graph *compile_forward(const char *file, const char *text, size_t length, const Definition *definitions, int definition_count)
{
    return compile_source(
        file, text, length, definitions, definition_count, &(CompileOptions){.target = target_find("x86-64")});
}

/* One program from the source: its own graph, through the passes that are left. */
Graph *compile_program(const Graph *source, Program program, int64_t batch, bool bytes, const CompileOptions *options)
{
    static const char *const titles[] = {"", "predict", "step", "predict_batch", "derive", "evaluate", "train_step", "gradients"};
    Graph *graph = graph_program(source, program, batch, bytes);
    static const struct {
        const char *name;
        void (*run)(Graph *);
        Program from; /* it is for that program and those behind it */
        void (*dump)(FILE *, const Graph *);
    } passes[] = {
        {"swap", swap_pass, PROGRAM_PREDICT, dump_graph},
        {"backward", gradient_pass, PROGRAM_EVALUATE, dump_graph},
        {"sign", sign_pass, PROGRAM_TRAIN, dump_graph},
        {"absorb", absorb_pass, PROGRAM_PREDICT, dump_graph},
        {"fuse", fuse_pass, PROGRAM_PREDICT, dump_graph},
        {"chain", chain_pass, PROGRAM_PREDICT_BATCH, dump_graph},
        {"recompute", recompute_pass, PROGRAM_TRAIN, dump_graph},
        {"plan", plan_pass, PROGRAM_PREDICT, dump_plan},
    };
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (program < passes[i].from) continue;
        passes[i].run(graph);
        if (bytes || !wanted(options, passes[i].name)) continue;
        fprintf(options->dump, "%s# %s\n", program == PROGRAM_PREDICT ? "" : "\n", titles[program]);
        passes[i].dump(options->dump, graph);
    }
    return graph;
}

/* What is made of the weights once: nodes for the derived forms, nothing else. */
static Graph *compile_derivation(const Graph *source)
{
    Graph *graph = graph_program(source, PROGRAM_DERIVE, 1, false);
    graph->node_count = graph->output_count = 0;
    graph_derive(graph, false);
    plan_pass(graph);
    return graph->node_count ? graph : NULL;
}

bool compile_programs(Graph *source, const CompileOptions *options, Generation *generation)
{
    int64_t batch = most_samples(source, options);
    generation->source = source;
    generation->target = options->target;
    generation->options = options->emit;
    generation->derive = compile_derivation(source);
    generation->predict = compile_program(source, PROGRAM_PREDICT, 1, false, options);
    if (source->one_step) generation->step = compile_program(source->one_step, PROGRAM_STEP, 1, false, options);
    generation->predict_batch = compile_program(source, PROGRAM_PREDICT_BATCH, batch, false, options);
    if (source->compile && !options->inference_only) {
        generation->evaluate = compile_program(source, PROGRAM_EVALUATE, batch, false, options);
        generation->train = compile_program(source, PROGRAM_TRAIN, batch, false, options);
        generation->gradients = compile_program(source, PROGRAM_GRADIENTS, batch, false, options);
        bool floats = false;
        for (int i = 0; i < source->input_count; i++) floats = floats || source->inputs[i]->type == TYPE_FLOAT32;
        if (floats) {
            generation->evaluate_bytes = compile_program(source, PROGRAM_EVALUATE, batch, true, options);
            generation->train_bytes = compile_program(source, PROGRAM_TRAIN, batch, true, options);
        }
    }
    return !diagnostics_errors();
}
