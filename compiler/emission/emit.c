/* The writer of emitted C: templates that read like what they emit.
 *
 * A template is a list of lines with holes, `$K`: letters and digits after the dollar, filled from bindings. A hole without a
 * binding is a fault of the compiler's and stops it with the template's own file and line. Lines are kept as they come; the
 * indentation is counted from the braces when a function is complete, after loops have been unrolled where that is wanted.
 *
 * A node's emission consists of phases, each one function and its call. The same node appears in several programs (a batch,
 * a single sample, training); where two functions come out the same to the letter, there is one. */
#include "cnnc.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "emission/emit.h"

enum { UNROLLED_LINES = 200000 };

Emit *emit_new(const EmitOptions *options)
{
    Emit *e = NEW(Emit);
    e->options = *options;
    return e;
}

void emit_begin_level(Emit *e, const Level *level)
{
    e->level = e->full = level;
    names_clear(&e->function_names);
}

void emit_narrow(Emit *e, int64_t columns)
{
    e->narrow = target_narrowed(e->full, columns);
    e->level = &e->narrow;
}

void emit_begin_program(Emit *e, const Graph *graph)
{
    e->graph = graph;
    e->call_count = 0;
}

const Level *emit_level(const Emit *e)
{
    return e->level;
}

const EmitOptions *emit_options(const Emit *e)
{
    return &e->options;
}

Program emit_program(const Emit *e)
{
    return e->graph->program;
}

/* ---- templates ---- */

/* The slot of a hole: its own, or the free one that it would get. */
static Binding *binding_find(Emit *e, const char *hole, size_t length)
{
    size_t hash = 5381;
    for (size_t i = 0; i < length; i++) hash = hash * 33 + (unsigned char)hole[i];
    for (;; hash++) {
        Binding *binding = &e->bindings[hash % BINDING_SLOTS];
        if (!binding->hole[0] || (!memcmp(binding->hole, hole, length) && !binding->hole[length])) return binding;
    }
}

static void bind_text(Emit *e, const char *hole, const char *text, size_t length)
{
    size_t name = strlen(hole);
    if (name >= sizeof e->bindings->hole) die("the name $%s is too long", hole);
    Binding *binding = binding_find(e, hole, name);
    if (!binding->hole[0]) {
        if (e->binding_count++ == MAX_BINDINGS) die("too many bindings");
        memcpy(binding->hole, hole, name + 1);
    }
    if (length >= binding->room) {
        binding->room = 2 * length + 16;
        binding->text = memory_allocate(binding->room);
    }
    memcpy(binding->text, text, length + 1);
    binding->length = length;
}

void fill(Emit *e, const char *hole, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length < 0 || (size_t)length >= sizeof text) die("the binding of $%s is too long", hole);
    bind_text(e, hole, text, (size_t)length);
}

void fill_size(Emit *e, const char *hole, int64_t size)
{
    char digits[24], *end = digits + sizeof digits - 1, *first = end;
    uint64_t rest = size < 0 ? -(uint64_t)size : (uint64_t)size;
    *end = 0;
    do *--first = (char)('0' + rest % 10);
    while (rest /= 10);
    if (size < 0) *--first = '-';
    bind_text(e, hole, first, (size_t)(end - first));
}

void emit_lines(Emit *e, const char *file, int line, const char *const *lines)
{
    for (; *lines; lines++) {
        for (const char *c = *lines; *c;) {
            const char *dollar = strchr(c, '$');
            if (!dollar) {
                text_add_bytes(&e->body, c, strlen(c));
                break;
            }
            text_add_bytes(&e->body, c, (size_t)(dollar - c));
            size_t length = 0;
            while (isalnum((unsigned char)dollar[1 + length])) length++;
            const Binding *binding = length < sizeof binding->hole ? binding_find(e, dollar + 1, length) : NULL;
            if (!length || !binding || !binding->text)
                die_at(file, line, "the hole $%.*s is not bound in: %s", (int)length, dollar + 1, *lines);
            text_add_bytes(&e->body, binding->text, binding->length);
            c = dollar + 1 + length;
        }
        text_add_bytes(&e->body, "\n", 1);
    }
}

void emit_once(Emit *e, const char *line)
{
    if (!e->prologue.data || !strstr(e->prologue.data, line)) text_add(&e->prologue, "%s\n", line);
}

const char *float_text(double value)
{
    if (isnan(value)) return "NAN";
    if (isinf(value)) return value < 0 ? "-INFINITY" : "INFINITY";
    char text[64];
    for (int digits = 1; digits <= 9; digits++) { /* the shortest that reads back */
        snprintf(text, sizeof text, "%.*g", digits, (double)(float)value);
        if (!(strtof(text, NULL) < (float)value) && !(strtof(text, NULL) > (float)value)) break;
    }
    return memory_format("%s%sf", text, strpbrk(text, ".e") ? "" : ".0");
}

void text_indent(Text *text, const char *lines)
{
    Text simple = {0};
    int depth = 0;
    int hanging = 0; /* the statement of a `for` without braces */
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        while (length && isspace((unsigned char)*lines)) lines++, length--;
        simple.length = 0;
        text_add_bytes(&simple, "", 0);
        simplify_line(&simple, lines, length);
        const char *next = lines + length + (lines[length] == '\n');
        lines = simple.data;
        length = simple.length;
        int closing = 0;
        while ((size_t)closing < length && lines[closing] == '}') closing++;
        bool is_label = length && lines[0] == '#';
        int level = is_label ? 0 : depth - closing + hanging;
        for (int i = 0; i < level && length; i++) text_add_bytes(text, "    ", 4);
        text_add_bytes(text, lines, length);
        text_add_bytes(text, "\n", 1);
        bool in_string = false;
        for (size_t i = 0; i < length; i++) {
            if (lines[i] == '"') in_string = !in_string;
            if (!in_string && lines[i] == '{') depth++;
            if (!in_string && lines[i] == '}') depth--;
        }
        if (!is_label && length) {
            bool control = !strncmp(lines, "for (", 5) || !strncmp(lines, "if (", 4) || !strncmp(lines, "else", 4);
            bool open = control && lines[length - 1] != '{' && lines[length - 1] != ';' && lines[length - 1] != '}';
            hanging = open ? hanging + 1 : 0; /* controls without braces hang one under the other */
        }
        lines = next;
    }
}

/* ---- operands ---- */

Tensor *node_operand(const Node *node, int operand)
{
    if (operand < node->input_count) return node->inputs[operand];
    operand -= node->input_count;
    if (operand < node->weight_count) return node->weights[operand];
    operand -= node->weight_count;
    if (operand < node->output_count) return node->outputs[operand];
    operand -= node->output_count;
    for (int i = 0; i < node->epilogue_count; i++) {
        int further = node->epilogue[i]->input_count - 1;
        if (operand < further) return node->epilogue[i]->inputs[1 + operand];
        operand -= further;
    }
    return NULL;
}

bool operand_written(const Node *node, int operand)
{
    operand -= node->input_count;
    if (operand < 0) return false;
    if (operand < node->weight_count && node->op->flags & OPERATOR_TRACKS) return !node->weights[operand]->trainable;
    if (operand < node->weight_count) return node->update || node->op->flags & OPERATOR_UPDATES;
    operand -= node->weight_count;
    return operand < node->output_count;
}

Declared tensor_declared(const Tensor *tensor)
{
    Declared declared = {0};
    if (tensor->role == ROLE_WORKSPACE) return declared;
    if (tensor->batched) declared.sizes[declared.rank++] = -1;
    if (tensor->packing.panel) {
        const Packing *p = &tensor->packing;
        declared = (Declared){3, {(p->columns + p->panel - 1) / p->panel, p->rows, p->panel}};
    } else {
        for (int i = 0; i < tensor->shape.rank; i++) declared.sizes[declared.rank++] = tensor->shape.size[i];
    }
    if (declared.rank == 1 && declared.sizes[0] < 0) declared.rank = 0; /* one number a sample: a flat array */
    return declared;
}

const char *item_type(const Tensor *tensor, bool written)
{
    static const char *const names[] = {[TYPE_FLOAT32] = "float", [TYPE_INT32] = "int32_t", [TYPE_UINT8] = "uint8_t"};
    return memory_format("%s%s", written ? "" : "const ", names[tensor->type]);
}

static void add_sizes(Text *text, const Declared *declared, int from)
{
    for (int i = from; i < declared->rank; i++) {
        if (declared->sizes[i] < 0)
            text_add(text, "[]");
        else
            text_add(text, "[%lld]", (long long)declared->sizes[i]);
    }
}

const char *declared_type(const Tensor *tensor, const Declared *declared, bool written)
{
    Text text = {0};
    text_add(&text, "%s %s", item_type(tensor, written), declared->rank <= 1 ? "*" : "(*)");
    add_sizes(&text, declared, 1);
    return text.data;
}

/* The name of an operand in the emitted function. Inputs, outputs, workspaces: from the operator's list; weights: their own;
 * what the epilogue reads further: e0, e1, ... */
static const char *operand_name(const Node *node, int operand)
{
    int weight = operand - node->input_count, own = node->input_count + node->weight_count + node->output_count;
    if (operand >= own) return memory_format("e%d", operand - own);
    if (weight >= 0 && weight < node->weight_count) {
        if (node->update || node->op->flags & OPERATOR_UPDATES) return weight ? memory_format("slot%d", weight - 1) : "w";
        return strrchr(node->weights[weight]->name, '/') + 1;
    }
    bool input = operand < node->input_count;
    const char *names = node->operands ? node->operands : node->op->operands;
    if (!input) names = strchr(names, ';') + 2;
    for (int i = input ? operand : operand - node->input_count - node->weight_count; i > 0; i--) {
        names += strcspn(names, " ;");
        if (*names != ' ') die("%s: operand %d has no name", node->op->name, operand);
        names++;
    }
    return memory_copy(names, strcspn(names, " ;"));
}

int operand_number(const Node *node, const char *name)
{
    for (int i = 0; i < node->input_count + node->weight_count + node->output_count; i++)
        if (!strcmp(operand_name(node, i), name)) return i;
    return -1;
}

/* Does the body of the phase name that word? */
static bool body_names(const Emit *e, const char *word)
{
    return text_names(e->prologue.data, word) || text_names(e->body.data, word);
}

/* ---- phases ---- */

void emit_node(Emit *e, const Node *node)
{
    const Graph *graph = e->graph, seen = graph_of_frames(graph, node);
    if (node->frames > 1) e->graph = &seen;
    node->op->emit(e, node);
    e->graph = graph;
}

void phase_operand(Emit *e, int operand, int rank, const int64_t *sizes)
{
    Declared *declared = &e->declared[operand];
    declared->rank = rank;
    for (int i = 0; i < rank; i++) declared->sizes[i] = sizes[i];
    e->declared_set[operand] = true;
}

void phase_begin(Emit *e, const Node *node, const char *name, Partition partition, int64_t extent)
{
    e->node = node;
    e->body.length = 0;
    text_add_bytes(&e->body, "", 0);
    e->prologue.length = 0;
    text_add_bytes(&e->prologue, "", 0);
    PhaseCall *call = &e->current;
    memset(call, 0, sizeof *call);
    call->node = node;
    call->partition = partition;
    call->extent = extent;
    call->sums = -1;
    call->function = memory_format("%s_%s", node->identifier, name ? name : node->op->suffix);
    const Tensor *tensor;
    int own = node->input_count + node->weight_count + node->output_count;
    for (int i = 0; (tensor = node_operand(node, i)); i++) {
        bool flat = node->op->flags & OPERATOR_FLAT;
        /* cppcheck-suppress internalAstError ; a literal within ? : is beyond it */
        call->operands[i] = e->declared_set[i] ? e->declared[i] : flat ? (Declared){0} : tensor_declared(tensor);
        if (i >= own && !tensor->period) call->operands[i] = call->operands[node->input_count + node->weight_count]; /* shaped like the output */
    }
    fill_size(e, "L", e->level->lanes);
    bool single = e->options.unroll_full && program_is_single(e->graph->program);
    e->single = single;
    fill(e, "SAMPLES", "%s", single ? "" : "for (ptrdiff_t n = first; n < last; n++) ");
    fill(e, "n", "%s", single ? "0" : "n");
    fill(e, "FIRST", "%s", single ? "0" : "first");
    fill(e, "LAST", "%s", single ? (partition == OVER_EXTENT ? memory_format("%lld", (long long)extent) : "1") : "last");
    fill(e, "COUNT", "%s", single ? "1" : "count");
    fill(e, "TASK", "%s", single ? "0" : "task");
    bool shared = partition == OVER_SAMPLES && !single && node_is_shared(e->graph, node, extent);
    fill(e, "LOW", "%s", shared ? "(int)low" : "0");
    fill(e, "HIGH", "%s", shared ? "(int)high" : memory_format("%lld", (long long)extent));
}

/* Finds out what the body uses, and words the parameters of the function. */
static const char *parameters(const Emit *e, PhaseCall *call)
{
    Text text = {0};
    const Node *node = call->node;
    const char *separator = "";
    text_add(&text, "(");
    const Tensor *tensor;
    for (int i = 0; (tensor = node_operand(node, i)); i++) {
        const Declared *declared = &call->operands[i];
        const char *name = operand_name(node, i);
        call->used[i] = body_names(e, name);
        if (!call->used[i]) continue;
        /* Pointers to arrays, not x[][24]: of array parameters gcc's -Wstringop-overflow sees errors that are none. */
        text_add(&text,
                 declared->rank > 1 ? "%s%s (*%s)" : "%s%s *%s",
                 separator,
                 item_type(tensor, operand_written(node, i)),
                 name);
        add_sizes(&text, declared, 1);
        separator = ", ";
    }
    call->has_step = body_names(e, "step");
    call->has_count = body_names(e, "count");
    call->has_origin = body_names(e, "origin");
    call->has_range = body_names(e, "first") || body_names(e, "last");
    call->has_parts = body_names(e, "low") || body_names(e, "high");
    call->has_task = body_names(e, "task");
    if (call->has_step) text_add(&text, "%sconst Step *step", separator), separator = ", ";
    if (call->has_count) text_add(&text, "%sptrdiff_t count", separator), separator = ", ";
    if (call->has_origin) text_add(&text, "%sptrdiff_t origin", separator), separator = ", ";
    if (call->has_range) text_add(&text, "%sptrdiff_t first, ptrdiff_t last", separator), separator = ", ";
    if (call->has_parts) text_add(&text, "%sptrdiff_t low, ptrdiff_t high", separator), separator = ", ";
    if (call->has_task) text_add(&text, "%sptrdiff_t task", separator), separator = ", ";
    text_add(&text, "%s)", *separator ? "" : "void");
    return text.data;
}

static const char *const program_suffixes[] = {"", "_single", "_step", "_batch", "_derive", "_evaluate", "_train", "_gradients"};

/* The function of that body and those parameters under the name or one of its variants, which may be there from another
 * program; `free_name` receives the name that it gets where it is new. */
static const Function *function_find(const Emit *e, const char *name, const char *parameter_text, const char *body,
                                     const char **free_name)
{
    const char *own = memory_format("%s%s", name, program_suffixes[e->graph->program]);
    *free_name = NULL;
    for (int i = 0; i < (int)(sizeof program_suffixes / sizeof *program_suffixes); i++) {
        const char *variant = memory_format("%s%s", name, program_suffixes[i]);
        int number = names_find(&e->function_names, variant);
        if (number < 0) {
            if (!*free_name && (i == 0 || !strcmp(variant, own))) *free_name = variant;
        } else if (!strcmp(e->functions[number].body, body) && !strcmp(e->functions[number].parameters, parameter_text)) {
            return &e->functions[number];
        }
    }
    for (int i = 2; !*free_name; i++) /* a layer that is called like a variant */
        if (names_find(&e->function_names, memory_format("%s%d", own, i)) < 0) *free_name = memory_format("%s%d", own, i);
    return NULL;
}

void phase_by_threads(Emit *e)
{
    e->current.by_threads = true;
}

void phase_sums(Emit *e, const char *operand, int64_t floats)
{
    e->current.sums = operand_number(e->node, operand);
    e->current.sums_floats = floats;
}

void phase_end(Emit *e)
{
    PhaseCall *call = &e->current;
    Text *whole = &e->whole; /* the body between its braces */
    whole->length = 0;
    text_add(whole, "{\n");
    text_add_bytes(whole, e->prologue.data, e->prologue.length);
    text_add_bytes(whole, e->body.data, e->body.length);
    text_add(whole, "}\n");
    const char *body = whole->data;
    if (e->options.unroll_full) {
        body = unroll_text(body, UNROLLED_LINES);
        if (!body) {
            if (!e->too_large)
                diagnose(call->node->place,
                         "%s is too large for --unroll=full: it would take more than %d lines; leave the option out",
                         call->node->name,
                         UNROLLED_LINES);
            e->too_large = true;
            body = "{\n}\n";
        }
    }
    const char *parameter_text = parameters(e, call), *name;
    const Function *function = function_find(e, call->function, parameter_text, body, &name);
    if (!function) {
        const char *formula = call->node->op->formula ? call->node->op->formula(call->node) : NULL, *level = e->level->suffix;
        if (formula) text_add(&e->text, "/* %s: %s. */\n", call->node->name, formula);
        text_add(&e->text,
                 "%sstatic void %s_%s%s\n",
                 e->level->attribute ? memory_format("LEVEL_%s ", level) : "",
                 name,
                 level,
                 parameter_text);
        text_indent(&e->text, body);
        text_add(&e->text, "\n");
        e->functions = memory_grow(e->functions, &e->function_capacity, e->function_names.count, sizeof(Function));
        e->functions[names_add(&e->function_names, name)] = (Function){name, parameter_text, memory_copy(body, strlen(body))};
    }
    call->function = function ? function->name : name;
    e->calls = memory_grow(e->calls, &e->call_capacity, e->call_count, sizeof(PhaseCall));
    e->calls[e->call_count++] = *call;
    memset(e->declared_set, 0, sizeof e->declared_set);
    e->level = e->full;
}

/* ---- epilogue ---- */

void fill_index(Emit *e, const char *index)
{
    if (e->single || e->current.partition == OVER_EXTENT) fill(e, "I", "%s", index);
    else fill(e, "I", "(uint32_t)(origin * %lld) + %s", (long long)shape_count(&e->node->outputs[0]->shape), index);
}

/* The last subscript of an output runs along its last axis, or, where several axes are seen as one, along all of these: modulo
 * its period it is the place in a row. */
const char *further_load(const Emit *e, const Tensor *further, const char *name, const char *subscript, int lanes)
{
    if (!further->period) return load_text(e, memory_format("&%s%s", name, subscript), lanes);
    const Declared *output = &e->current.operands[e->node->input_count + e->node->weight_count];
    const char *last = strrchr(subscript, '[') + 1;
    int length = (int)strlen(last) - 1;
    if (output->rank > 1 && output->sizes[output->rank - 1] == further->period) return load_text(e, memory_format("&%s[%.*s]", name, length, last), lanes);
    return load_text(e, memory_format("&%s[(size_t)(%.*s) %% %lld]", name, length, last, (long long)further->period), lanes);
}

void emit_epilogue(Emit *e, const Node *node, const char *value, const char *subscript, const char *index, int lanes)
{
    int operand = 0;
    for (int i = 0; i < node->epilogue_count; i++) {
        const Node *element = node->epilogue[i];
        fill(e, "X", "%s", value);
        fill_index(e, index);
        for (int j = 1; j < element->input_count; j++) {
            char hole[2] = {(char)('A' + j - 1), 0};
            fill(e, hole, "%s", further_load(e, element->inputs[j], memory_format("e%d", operand++), subscript, lanes));
        }
        element->op->element(e, element);
    }
}

/* An expression that loads a vector whose first `lanes` numbers exist. */
const char *load_text(const Emit *e, const char *address, int lanes)
{
    int full = e->level->lanes;
    if (lanes == full) return memory_format("load_f32x%d(%s)", full, address);
    return memory_format("load_part_f32x%d(%s, %d)", full, address, lanes);
}

void emit_store(Emit *e, const char *address, const char *value, int lanes)
{
    int full = e->level->lanes;
    if (lanes == full)
        text_add(&e->body, "store_f32x%d(%s, %s);\n", full, address, value);
    else
        text_add(&e->body, "store_part_f32x%d(%s, %s, %d);\n", full, address, value, lanes);
}
