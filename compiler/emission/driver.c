/* Drivers: for each program and level one function that calls the phases in order, with every tensor at its place in the arena. */
#include "emission/generate.h"

#include <string.h>

/* The type of the numbers of an output's target. */
static const char *target_type(const Generation *g, int output)
{
    LossCase c;
    return loss_of_output(g->source, output, &c)->class_indices ? "int32_t" : "float";
}

/* Parameters and the arguments that pass them on come from one walk, so that they cannot differ. */
static const char *driver_list(const Generation *g, Program program, bool bytes, bool types, bool public)
{
    Text text = {0};
    const Graph *source = g->source;
    bool targets = has_targets(program);
    text_add(&text, "%sw", !types ? "" : memory_format("%s%s_weights *", program == PROGRAM_TRAIN || program == PROGRAM_DERIVE ? "" : "const ", source->name));
    if (program == PROGRAM_DERIVE) return text.data;
    if (program == PROGRAM_STEP) text_add(&text, ", %sstate", !types ? "" : memory_format("%s_state *", source->name));
    if (program == PROGRAM_TRAIN) text_add(&text, ", %sslots", !types ? "" : memory_format("%s_weights *", source->name));
    if (program == PROGRAM_GRADIENTS) text_add(&text, ", %sgradients", !types ? "" : memory_format("%s_weights *", source->name));
    for (int i = 0; i < source->input_count; i++)
        text_add(&text, ", %s%s", !types ? "" : source->inputs[i]->type == TYPE_INT32 ? "const int32_t *" : bytes ? "const uint8_t *" : "const float *", input_name(g, program, i));
    for (int i = 0; targets && i < source->output_count; i++)
        if (!source->uses[i].target) text_add(&text, ", %s%s", !types ? "" : memory_format("const %s *", target_type(g, i)), port_name(g, source->outputs, source->output_count, i, "target"));
    if (targets) text_add(&text, ", %ssample_weights", types ? "const float *" : "");
    if (targets && public) text_add(&text, ", %sn", types ? "size_t " : "");
    if (targets && !public) text_add(&text, ", %s", types ? "ptrdiff_t count" : "(ptrdiff_t)n");
    if (program == PROGRAM_TRAIN && public) text_add(&text, ", const %s_training_step *step", source->name);
    if (program == PROGRAM_TRAIN && !public) text_add(&text, ", %s", types ? "const Step *step" : optimizer_of(source, NULL, NULL)->prepare ? "&now" : "step");
    if (program == PROGRAM_EVALUATE || program == PROGRAM_TRAIN) text_add(&text, ", %slosses", types ? "float *" : "");
    for (int i = 0; program != PROGRAM_GRADIENTS && i < source->output_count; i++)
        text_add(&text, ", %s%s", types ? "float *" : "", port_name(g, source->outputs, source->output_count, i, "output"));
    if (program == PROGRAM_PREDICT_BATCH && public) text_add(&text, ", %sn", types ? "size_t " : "");
    if (program == PROGRAM_PREDICT_BATCH && !public) text_add(&text, ", %s", types ? "ptrdiff_t count" : "(ptrdiff_t)count");
    text_add(&text, ", %sarena", types ? public ? "void *" : "unsigned char *" : "(unsigned char *)");
    if (g->timed) text_add(&text, types ? ", void (*lap)(void *context, int layer), void *context" : ", lap, context");
    return text.data;
}

const char *driver_parameters(const Generation *g, Program program, bool bytes, bool public)
{
    return driver_list(g, program, bytes, true, public);
}

const char *driver_arguments(const Generation *g, Program program)
{
    return driver_list(g, program, false, false, false);
}

static int port_number(Tensor *const *ports, int count, const Tensor *tensor)
{
    for (int i = 0; i < count; i++)
        if (ports[i] == tensor) return i;
    return -1;
}

/* The name of the variable that points to a tensor in the arena; unique within the program. */
static const char *variable_name(Names *names, const Tensor *tensor)
{
    const char *name = tensor->role == ROLE_ACTIVATION && strncmp(tensor->identifier, "d_", 2) ? memory_format("%s_out", tensor->identifier) : tensor->identifier;
    if (names_find(names, name) >= 0) name = memory_format("%s_%d", name, tensor->index);
    names_add(names, name);
    return name;
}

typedef struct {
    const Generation *generation;
    const Graph *graph;
    const char **variables; /* by index in graph->tensors */
} Driver;

/* The variable that points to a tensor, at its offset from `from`. */
static void add_variable(Text *out, const Driver *d, const Tensor *tensor, const char *from)
{
    Declared declared = tensor_declared(tensor);
    Text sizes = {0};
    text_add(&sizes, "%s", "");
    for (int i = 1; i < declared.rank; i++) text_add(&sizes, "[%lld]", (long long)declared.sizes[i]);
    text_add(out,
             declared.rank > 1 ? "%s (*const %s)%s = (%s)(%s + %lld);\n" : "%s *const %s%s = (%s)(%s + %lld);\n",
             item_type(tensor, true),
             d->variables[tensor->index],
             sizes.data,
             declared_type(tensor, &declared, true),
             from,
             (long long)tensor->offset);
}

/* An expression for a tensor's memory, as the type that the function declares; where `sample` is not NULL, from that sample on. */
static const char *operand_text(const Driver *d, Tensor *tensor, const Declared *declared, bool written, const char *sample)
{
    const Generation *g = d->generation;
    const Graph *graph = d->graph;
    Tensor *base = tensor_base(tensor);
    Declared own = {0}; /* how the expression is typed: flat unless said otherwise */
    const char *text;
    int number = output_number(graph, base);
    if (number >= 0) text = port_name(g, g->source->outputs, graph->output_count, number, "output");
    else if (base->role == ROLE_INPUT) text = input_name(g, graph->program, port_number(graph->inputs, graph->input_count, base));
    else if (base->role == ROLE_SAMPLE_WEIGHT) text = "sample_weights";
    else if (base->role == ROLE_TARGET) text = port_name(g, g->source->outputs, graph->output_count, (int)base->copies, "target");
    else if (base->role == ROLE_STATE) text = memory_format("state->%s", base->identifier);
    else if (base->role == ROLE_WEIGHT || base->role == ROLE_DERIVED) {
        text = memory_format("w->%s", base->identifier);
        own = tensor_declared(base);
    } else if (base->role == ROLE_SLOT) {
        text = memory_format("slots[%lld].%s", (long long)base->copies, base->weight->identifier);
        own = tensor_declared(base);
    } else if (graph->program == PROGRAM_GRADIENTS && base->weight && !base->batched) {
        text = memory_format("gradients->%s", base->weight->identifier);
        own = tensor_declared(base->weight);
    } else {
        text = d->variables[base->index];
        own = tensor_declared(base);
    }
    bool same = own.rank <= 1 && declared->rank <= 1, shifted = sample && base->batched && !base->chain;
    if (shifted && base->frames > 1) sample = memory_format("%s * %lld", sample, (long long)base->frames); /* the memory is of frames, whoever sees samples in it */
    if (own.rank == declared->rank && own.rank > 1) same = !memcmp(own.sizes + 1, declared->sizes + 1, sizeof *own.sizes * (size_t)(own.rank - 1));
    if (declared->rank <= 1 && own.rank > 1) { /* the first number's address, without a cast */
        Text first = {0};
        text_add(&first, "&%s[%s]", text, shifted ? sample : "0");
        for (int i = 1; i < own.rank; i++) text_add(&first, "[0]");
        return first.data;
    }
    if (shifted) {
        int64_t size = own.rank > 1 ? 1 : shape_count(&base->shape);
        const char *from = memory_format(size > 1 ? "%s + %s * %lld" : "%s + %s", text, sample, (long long)size);
        if (base->role == ROLE_SAMPLE_WEIGHT) from = memory_format("%s ? %s : NULL", text, from); /* these may be missing */
        text = same ? from : memory_format("(%s)", from);
    }
    return same ? text : memory_format("(%s)%s", declared_type(tensor, declared, written), text);
}

/* Into how many tasks a call is cut; 1: none. */
static int64_t call_tasks(const Graph *graph, const PhaseCall *call)
{
    bool extent = call->partition == OVER_EXTENT, alone = program_is_single(graph->program);
    if (alone && (extent ? !call->has_range || !node_is_shared(graph, call->node, call->extent) : !call->has_parts)) return 1;
    if (!alone && !call->has_range) return 1;
    return (extent || alone) && call->extent < TASKS ? call->extent : TASKS;
}

/* The arguments first and last: the task's share of `all`. */
static const char *range_text(const char *all, int64_t tasks, bool by_threads)
{
    const char *number = by_threads ? "tasks" : memory_format("%lld", (long long)tasks);
    if (tasks == 1) return memory_format("0, %s", all);
    if (!strcmp(all, number)) return "task, task + 1";
    return memory_format("%s * task / %s, %s * (task + 1) / %s", all, number, all, number);
}

/* How a call stands: by itself, in a loop that is a parallel region of its own, in a region of several calls, or in the loop over the
 * samples of a chain. */
typedef enum { CALL_WHOLE, CALL_PARALLEL, CALL_IN_REGION, CALL_IN_CHAIN } CallForm;

/* The memory of the task's shard. */
static const char *shard_text(const Driver *d, const PhaseCall *call)
{
    const char *all = operand_text(d, node_operand(call->node, call->sums), &(Declared){0}, true, NULL);
    return memory_format("%s + task * %lld", all, (long long)call->sums_floats);
}

static void add_clearing(Text *out, const Driver *d, const PhaseCall *call)
{
    if (call->sums >= 0) text_add(out, "memset(%s, 0, %lld * sizeof(float));\n", shard_text(d, call), (long long)call->sums_floats);
}

/* How many samples the node of a call sees. */
static const char *count_text(const Driver *d, const PhaseCall *call, bool one)
{
    int64_t frames = call->node->frames;
    if (one || program_is_single(d->graph->program)) return memory_format("%lld", (long long)frames);
    return frames == 1 ? "count" : memory_format("count * %lld", (long long)frames);
}

/* The call itself. */
static const char *call_text(const Driver *d, const PhaseCall *call, const char *suffix, CallForm form, int64_t tasks)
{
    bool alone = program_is_single(d->graph->program), within = alone && call->has_parts, chained = form == CALL_IN_CHAIN;
    const char *extent = memory_format("%lld", (long long)call->extent);
    const char *all = call->partition == OVER_EXTENT ? extent : count_text(d, call, chained);
    Text text = {0};
    text_add(&text, "%s_%s(", call->function, suffix);
    const char *separator = "";
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(call->node, i)); i++) {
        if (!call->used[i]) continue;
        const char *operand = i == call->sums ? shard_text(d, call) : operand_text(d, tensor, &call->operands[i], operand_written(call->node, i), chained ? "n" : NULL);
        text_add(&text, "%s%s", separator, operand);
        separator = ", ";
    }
    if (call->has_step) text_add(&text, "%s%s", separator, d->graph->program == PROGRAM_GRADIENTS ? "NULL" : "step"), separator = ", ";
    if (call->has_count) text_add(&text, "%s%s", separator, count_text(d, call, false)), separator = ", ";
    if (call->has_origin) text_add(&text, "%s%s", separator, chained ? "n" : "0"), separator = ", ";
    if (call->has_range) text_add(&text, "%s%s", separator, range_text(all, chained || within ? 1 : tasks, call->by_threads)), separator = ", ";
    if (call->has_parts) text_add(&text, "%s%s", separator, range_text(extent, within ? tasks : 1, false)), separator = ", ";
    if (call->has_task) text_add(&text, "%s%s", separator, tasks > 1 && !chained ? "task" : "0");
    text_add(&text, ");\n");
    return text.data;
}

/* After a phase: tells whoever takes the time which layer it was for; the number behind the last layer's: for none. */
static void add_lap(Text *out, const Driver *d, const PhaseCall *call)
{
    int layer = call->node->layer < 0 ? d->generation->source->layer_count : call->node->layer;
    if (d->generation->timed) text_add(out, "lap(context, %d);\n", layer);
}

static void add_call(Text *out, const Driver *d, const PhaseCall *call, const char *suffix, CallForm form)
{
    int64_t tasks = form == CALL_WHOLE ? 1 : call_tasks(d->graph, call);
    const char *text = call_text(d, call, suffix, form, tasks);
    if (tasks > 1) {
        const char *end = memory_format("%lld", (long long)tasks);
        if (call->by_threads) {
            text_add(out, "{\nconst ptrdiff_t tasks = THREADS < %s ? THREADS : %s;\n", end, end);
            end = "tasks";
        }
        text_add(out, "%s\nfor (ptrdiff_t task = 0; task < %s; task++) {\n", form == CALL_PARALLEL ? "PARALLEL_FOR" : "SHARED_FOR", end);
        add_clearing(out, d, call);
        text_add(out, call->by_threads ? "%s}\n}\n" : "%s}\n", text);
    } else {
        text_add(out, "%s%s", form == CALL_IN_REGION ? "SINGLE\n" : "", text);
    }
    add_lap(out, d, call);
}

/* The calls that belong to one chain; returns how many. Those over an extent prepare something before the loop over the
 * samples, or finish sums behind it. */
static int add_chain(Text *out, const Driver *d, const PhaseCall *calls, int count, const char *suffix)
{
    const Chain *chain = calls[0].node->chain;
    int size = 0;
    Text before = {0}, clearing = {0}, samples = {0}, behind = {0};
    const Node *at_samples = NULL; /* the node whose samples came last */
    for (; size < count && calls[size].node->chain == chain; size++) {
        const PhaseCall *call = &calls[size];
        if (call->partition == OVER_EXTENT) {
            add_call(call->node == at_samples ? &behind : &before, d, call, suffix, CALL_PARALLEL);
            continue;
        }
        at_samples = call->node;
        add_clearing(&clearing, d, call);
        text_add(&samples, "%s", call_text(d, call, suffix, CALL_IN_CHAIN, TASKS));
    }
    text_add(out, "%sPARALLEL_FOR\nfor (ptrdiff_t task = 0; task < %d; task++) {\n", before.length ? before.data : "", TASKS);
    const Graph *graph = d->graph;
    int64_t memory = graph->arena_bytes - graph->worker_bytes * plan_workers(graph);
    const char *worker = graph->batch < TASKS ? memory_format("count * task / %d", TASKS) : "WORKER";
    if (chain->tensor_count) text_add(out, "unsigned char *const own = arena + (%lld + %s * %lld);\n", (long long)memory, worker, (long long)graph->worker_bytes);
    for (int i = 0; i < chain->tensor_count; i++)
        if (d->variables[chain->tensors[i]->index]) add_variable(out, d, chain->tensors[i], "own");
    text_add(out, "%sfor (ptrdiff_t n = count * task / %d; n < count * (task + 1) / %d; n++) {\n%s}\n}\n%s", clearing.length ? clearing.data : "", TASKS, TASKS, samples.data, behind.length ? behind.data : "");
    return size;
}

/* Does the call compute losses? */
static bool gives_loss(const PhaseCall *call)
{
    Tensor *tensor;
    for (int i = 0; (tensor = node_operand(call->node, i)); i++)
        if (tensor->role == ROLE_LOSS && call->used[i] && operand_written(call->node, i)) return true;
    return false;
}

/* Behind the last loss, before anything is updated: whoever looks for the origin of a NaN asks to stop here. 0 times infinity or NaN is NaN. */
static void add_refusal(Text *out, const Driver *d)
{
    const Graph *graph = d->graph;
    text_add(out, "if (step->refuse_nan) {\nfloat zero = 0;\n");
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->role == ROLE_LOSS) text_add(out, "for (ptrdiff_t n = 0; n < count; n++) zero += 0.0F * %s[n];\n", d->variables[i]);
    text_add(out, "if (!(zero == 0)) return NAN;\n}\n");
}

/* All calls in order. For a batch each is a parallel loop. For one sample, a matter of microseconds, the phases from the first
 * to the last that are worth it make one region, in which the threads wait for one another after each. */
static void add_calls(Text *out, const Driver *d, const Emit *e)
{
    enum { WORTH = 16384 }; /* operations of a phase: that much takes as long as to wait for a thread */
    bool alone = program_is_single(d->graph->program);
    int first = e->call_count, last = -1;
    for (int i = 0; i < e->call_count && alone; i++) {
        if (call_tasks(d->graph, &e->calls[i]) == 1 || node_operations(e->calls[i].node) < WORTH) continue;
        if (last < 0) first = i;
        last = i;
    }
    int last_loss = e->call_count;
    for (int i = 0; i < e->call_count && d->graph->program == PROGRAM_TRAIN; i++)
        if (gives_loss(&e->calls[i])) last_loss = i;
    const char *suffix = e->level->suffix;
    for (int i = 0; i < e->call_count; i++) {
        if (i > last_loss) {
            add_refusal(out, d);
            last_loss = e->call_count;
        }
        if (e->calls[i].node->chain) {
            i += add_chain(out, d, e->calls + i, e->call_count - i, suffix) - 1;
            continue;
        }
        if (i == first) {
            text_add(out, "if (ONE_THREAD) {\n");
            for (int j = first; j <= last; j++) add_call(out, d, &e->calls[j], suffix, CALL_WHOLE);
            text_add(out, "} else {\nPARALLEL {\n");
        }
        add_call(out, d, &e->calls[i], suffix, !alone ? CALL_PARALLEL : i >= first && i <= last ? CALL_IN_REGION : CALL_WHOLE);
        if (i == last) text_add(out, "}\n}\n");
    }
}

/* What follows the phases: outputs copied to the caller where they were computed elsewhere, and the losses. */
static void add_results(Text *body, const Driver *d)
{
    const Graph *graph = d->graph;
    const Generation *g = d->generation;
    bool targets = has_targets(graph->program);
    if (graph->program == PROGRAM_DERIVE) return;
    for (int i = 0; i < graph->output_count && graph->program != PROGRAM_GRADIENTS; i++) {
        Tensor *tensor = graph->outputs[i];
        if (output_number(graph, tensor_base(tensor)) == i) continue;
        const char *name = port_name(g, g->source->outputs, graph->output_count, i, "output");
        text_add(body,
                 "%smemcpy(%s, %s, %s * %lld * sizeof(float));\n",
                 targets ? memory_format("if (%s) ", name) : "",
                 name,
                 operand_text(d, tensor, &(Declared){0}, false, NULL),
                 program_is_single(graph->program) ? "1" : "(size_t)count",
                 (long long)shape_count(&tensor->shape));
    }
    if (!targets) return;
    text_add(body, "double total = 0;\n");
    int number = 0, output = 0;
    Text penalties = {0}; /* of weights: once, whatever the batch */
    text_add(&penalties, "%s", "");
    for (int i = 0; i < graph->tensor_count; i++) {
        TensorRole role = graph->tensors[i]->role;
        if (role == ROLE_PENALTY && !graph->tensors[i]->batched) text_add(&penalties, "loss += (double)%s[0];\n", d->variables[i]);
        if (role == ROLE_PENALTY && graph->tensors[i]->batched) text_add(body, "for (ptrdiff_t n = 0; n < count; n++) total += (double)%s[n];\n", d->variables[i]);
        if (role != ROLE_LOSS && role != ROLE_METRIC) continue;
        text_add(body, "{\ndouble sum = 0;\nfor (ptrdiff_t n = 0; n < count; n++) sum += (double)%s[n];\n", d->variables[i]);
        if (graph->program != PROGRAM_GRADIENTS) text_add(body, "if (losses) losses[%d] = (float)(sum / (double)count);\n", number++);
        double weight = role == ROLE_LOSS ? graph->uses[output++].weight : 0;
        text_add(body, "%s}\n", role == ROLE_METRIC ? "" : weight < 1 || weight > 1 ? memory_format("total += %s * sum;\n", number_text(weight)) : "total += sum;\n");
    }
    if (penalties.length) text_add(body, "double loss = total / (double)count;\n%sreturn (float)loss;\n", penalties.data);
    else text_add(body, "return (float)(total / (double)count);\n");
}

/* Parameters that this network has no use for. */
static void add_unused(Text *head, const Generation *g, Program program, const char *body)
{
    if (program == PROGRAM_DERIVE) return;
    for (int i = 0; i < g->source->input_count; i++) {
        const char *name = input_name(g, program, i);
        if (!text_names(body, name)) text_add(head, "(void)%s;\n", name);
    }
    if (!strstr(body, "w->")) text_add(head, "(void)w;\n");
    if (!strstr(body, "(arena + ")) text_add(head, "(void)arena;\n");
    if (program == PROGRAM_TRAIN && !strstr(body, "slots[")) text_add(head, "(void)slots;\n");
    if (program == PROGRAM_TRAIN && !strstr(body, "(step") && !strstr(body, " step")) text_add(head, "(void)step;\n");
    if (program == PROGRAM_GRADIENTS && !strstr(body, "gradients->")) text_add(head, "(void)gradients;\n");
}

/* The variables for what the calls emitted so far read and write in the arena. */
static Driver driver_begin(Text *body, const Emit *e, const Generation *g, const Graph *graph)
{
    Driver d = {g, graph, NEW_ARRAY(const char *, graph->tensor_count + 1)};
    Names used = {0};
    text_add(body, "%s", "");
    bool *needed = NEW_ARRAY(bool, graph->tensor_count + 1);
    for (int i = 0; i < e->call_count; i++) {
        Tensor *tensor;
        for (int j = 0; (tensor = node_operand(e->calls[i].node, j)); j++)
            if (e->calls[i].used[j] && tensor_base(tensor)->offset >= 0) needed[tensor_base(tensor)->index] = true;
    }
    bool targets = has_targets(graph->program);
    for (int i = 0; targets && i < graph->tensor_count; i++) needed[i] = needed[i] || is_result(graph->tensors[i]);
    for (int i = 0; targets && graph->program != PROGRAM_GRADIENTS && i < graph->output_count; i++)
        if (tensor_base(graph->outputs[i])->offset >= 0) needed[tensor_base(graph->outputs[i])->index] = true;
    for (int i = 0; i < graph->tensor_count; i++) {
        const Tensor *tensor = graph->tensors[i];
        if (tensor->role == ROLE_WEIGHT || tensor->role == ROLE_DERIVED || !needed[tensor->index] || tensor != graph->tensors[tensor->index]) continue;
        d.variables[i] = variable_name(&used, tensor);
        if (!tensor->chain) add_variable(body, &d, tensor, "arena");
    }
    return d;
}

void emit_driver(Emit *e, const Generation *g, const Graph *graph, const char *name)
{
    Text body = {0};
    Driver d = driver_begin(&body, e, g, graph);
    bool targets = has_targets(graph->program);
    add_calls(&body, &d, e);
    add_results(&body, &d);
    Text whole = {0};
    text_add(&whole, "{\n");
    add_unused(&whole, g, graph->program, body.data);
    text_add(&whole, "%s}\n", body.data);
    text_add(&e->text, "static %s %s_%s(%s)\n", targets ? "float" : "void", name, e->level->suffix, driver_parameters(g, graph->program, graph->bytes, false));
    text_indent(&e->text, whole.data);
    text_add(&e->text, "\n");
}

/* ---- predict in pieces ---- */

/* One text for each parameter of predict, or only for those that `within` names: `form` with its type ($T), its name ($N), and how it is
 * passed on ($A). */
static const char *for_each_parameter(const Generation *g, const char *form, const char *within)
{
    Text text = {0};
    const char *argument = driver_arguments(g, PROGRAM_PREDICT);
    text_add(&text, "%s", "");
    for (const char *at = driver_parameters(g, PROGRAM_PREDICT, false, false); *at;) {
        size_t length = strcspn(at, ","), passed = strcspn(argument, ",");
        const char *parameter = memory_copy(at, length), *name = strrchr(parameter, '*') + 1;
        for (const char *c = form; *c && (!within || text_names(within, name)); c++) {
            if (*c != '$') text_add_bytes(&text, c, 1);
            else if (*++c == 'T') text_add_bytes(&text, parameter, (size_t)(name - parameter));
            else if (*c == 'N') text_add(&text, "%s", name);
            else text_add_bytes(&text, argument, passed);
        }
        at += length + strspn(at + length, ", ");
        argument += passed + strspn(argument + passed, ", ");
    }
    return text.data;
}

const char *pieces_fields(const Generation *g)
{
    return for_each_parameter(g, "    $T$N;\n", NULL);
}

const char *pieces_begin(const Generation *g)
{
    return for_each_parameter(g, "    progress->$N = $A;\n", NULL);
}

/* Each call of the driver is a piece; copying results that were computed elsewhere belongs to the last. What predict is told comes from
 * the struct, and so does the number of the piece, which differs between levels: their kernels have different phases. */
void emit_pieces(Emit *e, const Generation *g, const Graph *graph)
{
    Text variables = {0}, pieces = {0}, results = {0}, body = {0};
    Driver d = driver_begin(&variables, e, g, graph);
    int last = e->call_count ? e->call_count - 1 : 0;
    text_add(&pieces, "%s", "");
    for (int i = 0; i < e->call_count; i++) {
        text_add(&pieces, "if (piece == %d) ", i);
        add_call(&pieces, &d, &e->calls[i], e->level->suffix, CALL_WHOLE);
    }
    add_results(&results, &d);
    if (results.length) text_add(&pieces, "if (piece == %d) {\n%s}\n", last, results.data);
    text_add(&body, "{\nconst int piece = progress->piece;\nif (piece > %d) return 0;\n", last);
    text_add(&body, "%s", for_each_parameter(g, "$Tconst $N = progress->$N;\n", memory_format("%s%s", variables.data, pieces.data)));
    text_add(&body, "%sprogress->piece++;\n%sreturn piece < %d;\n}\n", variables.data, pieces.data, last);
    text_add(&e->text, "static int run_piece_%s(%s_progress *progress)\n", e->level->suffix, g->source->name);
    text_indent(&e->text, body.data);
    text_add(&e->text, "\n");
}
