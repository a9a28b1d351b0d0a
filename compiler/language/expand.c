/* From statements to the graph: blocks and repeats written out, names resolved, layers numbered.
 *
 * Needs: a syntax tree without errors. Gives: graph->layers and what their `build` adds, inputs' order of declaration,
 * graph->outputs, compile and fit. After an error in a statement its name stands for an unknown tensor, and what uses
 * that stays silent, so that each fault is reported once.
 *
 * Whoever walks a body carries a Scope: what its names mean, the numbering of its layers, the output before. */
#include "language/expand.h"
#include "language/habits.h"

#include <string.h>

static void run_body(Scope *, const Statement *body);

static Span callee_span(const Expression *call)
{
    return (Span){call->span.begin, call->span.begin + (uint32_t)strlen(call->call.text)};
}

/* The output of a statement, NULL after an error: the next layer's input, and what the statement's name stands for. */
static void set_output(Scope *scope, const Statement *statement, Tensor *output)
{
    scope->has_previous = true;
    scope->previous = output;
    if (!statement->name) return;
    Binding *binding = scope_add(scope, statement->name, statement->name_span);
    if (!binding) return;
    binding->value = (Value){.kind = VALUE_TENSOR, .place = scope_place(scope, statement->name_span), .written = true};
    binding->value.tensor = output;
    binding->value.tensor_name = statement->name;
    binding->broken = !output;
}

/* ---- inputs of a layer ---------------------------------------------------------------------------------------- */

/* Resolves the second parentheses, or takes the previous statement's output. False: an error, reported before or now. */
static bool find_inputs(Scope *scope, const Statement *statement, const char *callee, Tensor ***inputs, int *count)
{
    static const Parameter input = {.name = "inputs", .type = PARAMETER_TENSOR};
    Expansion *expansion = scope->expansion;
    bool good = true;
    *count = 0;
    if (!statement->has_inputs) {
        if (!scope->has_previous)
            diagnose(scope_place(scope, callee_span(statement->value)),
                     "%s has no input: a network begins with one, as in input(28, 28, 1)",
                     callee);
        *count = 1;
        *inputs = NEW_ARRAY(Tensor *, 1);
        **inputs = scope->previous;
        return scope->has_previous && scope->previous;
    }
    for (const Item *item = statement->inputs; item; item = item->next) ++*count;
    if (!*count) {
        Span empty = {statement->value->span.end, statement->span.end};
        diagnose(scope_place(scope, empty),
                 "%s needs an input; name it here, or leave these parentheses out to take the previous layer's output",
                 callee);
        return false;
    }
    if (!expansion_count(expansion, &expansion->values, *count, MAX_VALUES, scope_place(scope, statement->span), "arguments"))
        return false;
    *inputs = NEW_ARRAY(Tensor *, *count);
    int i = 0;
    for (const Item *item = statement->inputs; item && !expansion_stops(expansion); item = item->next) {
        Value name, tensor;
        if (item->name) {
            diagnose(scope_place(scope, item->name_span), "inputs are given by position, without `%s =`", item->name);
            good = false;
        } else if (!evaluate(scope, item->value, &name)) {
            good = false;
        } else if (name.kind == VALUE_LIST) {
            diagnose(name.place, "inputs stand without brackets, as in %s()(a, b)", callee);
            good = false;
        } else if (convert_value(scope, callee, &input, &name, &tensor)) {
            (*inputs)[i++] = tensor.tensor;
        } else {
            good = false;
        }
    }
    return good && !expansion_stops(expansion);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static Tensor *run_layer(Scope *scope, const Statement *statement, const Layer *layer)
{
    Expansion *expansion = scope->expansion;
    const Expression *call = statement->value;
    Place place = scope_place(scope, (Span){call->span.begin, statement->span.end});
    Place name_place = scope_place(scope, callee_span(call));
    const char *callee = layer->entry.name;
    bool takes_inputs = layer->most_inputs != 0;
    if (!takes_inputs && scope->in_block) {
        diagnose(name_place, "%s stands outside of blocks; inside, `input` is what the block was given", callee);
        return NULL;
    }
    expansion->inputs += !takes_inputs;
    if (++expansion->layers > MAX_LAYERS) {
        diagnose(place, "the network has more than %d layers when blocks and repeats are written out", MAX_LAYERS);
        expansion->stopped = true;
        return NULL;
    }
    const char *name = naming_full(scope, statement);
    Object *arguments = check_call(scope, &layer->entry, call->call.items, scope_place(scope, call->span), name_place);
    LayerCall layer_call = {
        .layer = layer, .arguments = arguments, .name = name, .place = place, .index = expansion->graph->layer_count};
    bool good = true;
    if (takes_inputs) {
        good = find_inputs(scope, statement, callee, &layer_call.inputs, &layer_call.input_count);
    } else if (statement->inputs) {
        diagnose(scope_place(scope, expression_span(statement->inputs->value)), "%s takes no inputs", callee);
        good = false;
    }
    return good && arguments && name ? graph_layer(expansion->graph, &layer_call) : NULL;
}

/* ---- blocks and repeats --------------------------------------------------------------------------------------------- */

static bool enter_use(Scope *scope, Place place)
{
    if (scope->depth < MAX_NESTING) return true;
    diagnose(place, "blocks and repeats are nested too deeply; the limit is %d", MAX_NESTING);
    return false;
}

static const Item *find_block_parameter(Scope *scope, const Statement *block, const Item *argument)
{
    enum { MOST = 64 };
    const char *candidates[MOST];
    int count = 0;
    for (const Item *parameter = block->parameters; parameter; parameter = parameter->next) {
        if (!strcmp(parameter->name, argument->name)) return parameter;
        if (count < MOST) candidates[count++] = parameter->name;
    }
    const char *closest = diagnostics_closest(argument->name, candidates, count);
    Place place = scope_place(scope, argument->name_span);
    if (closest)
        diagnose(place, "no parameter `%s` in block %s; did you mean `%s`?", argument->name, block->name, closest);
    else
        diagnose(place, "no parameter `%s` in block %s", argument->name, block->name);
    return NULL;
}

/* Binds the parameters of a block in its body's scope: the arguments, evaluated where they are written, then the
 * defaults, which may use the parameters before them. */
static bool bind_parameters(Scope *scope, Scope *inner, const Statement *block, const Expression *call)
{
    bool good = true;
    const Item *next = block->parameters;
    for (const Item *argument = call->call.items; argument; argument = argument->next) {
        const Item *parameter = argument->name ? find_block_parameter(scope, block, argument) : next;
        if (!argument->name && next) next = next->next;
        Place place = scope_place(scope, argument->name ? argument->name_span : expression_span(argument->value));
        if (!parameter) {
            if (argument->name) {
                good = false;
                continue;
            }
            diagnose(place, "too many arguments for block %s", block->name);
            diagnose_note(scope_place(inner->parent, block->name_span), "the block is defined here");
            return false;
        }
        if (names_find(&inner->names, parameter->name) >= 0) {
            diagnose(place, "`%s` is given twice", parameter->name);
            good = false;
            continue;
        }
        Binding *binding = scope_add(inner, parameter->name, parameter->name_span);
        binding->broken = !evaluate(scope, argument->value, &binding->value);
        good = good && !binding->broken;
    }
    for (const Item *parameter = block->parameters; parameter && good; parameter = parameter->next) {
        if (names_find(&inner->names, parameter->name) >= 0) continue;
        if (!parameter->value) {
            diagnose(scope_place(scope, callee_span(call)), "block %s needs `%s`", block->name, parameter->name);
            diagnose_note(scope_place(inner->parent, parameter->name_span), "the parameter stands here");
            return false;
        }
        Value value;
        good = evaluate(inner, parameter->value, &value);
        if (good) scope_add(inner, parameter->name, parameter->name_span)->value = value;
    }
    return good;
}

/* NULL: an error, reported; the body is expanded all the same, for the errors in it. */
static Tensor *find_one_input(Scope *scope, const Statement *statement, const char *callee)
{
    Tensor **inputs;
    int count;
    if (!find_inputs(scope, statement, callee, &inputs, &count)) return NULL;
    if (count == 1) return inputs[0];
    Place second = scope_place(scope, expression_span(statement->inputs->next->value));
    diagnose(second, "block %s takes one input, not %d", callee, count);
    return NULL;
}

static Tensor *run_block(Scope *scope, const Statement *statement, Binding *binding, Scope *home)
{
    Expansion *expansion = scope->expansion;
    const Statement *block = binding->block;
    Place place = scope_place(scope, callee_span(statement->value));
    if (binding->broken) return NULL;
    if (binding->active) {
        diagnose(place, "block %s uses itself; blocks cannot be recursive", block->name);
        return NULL;
    }
    if (!enter_use(scope, place)) return NULL;
    Place *use = NEW(Place);
    *use = scope_place(scope, statement->span);
    Scope *inner = scope_enter(expansion, scope->depth + 1, home, block->body, use);
    bool bound = bind_parameters(scope, inner, block, statement->value);
    Tensor *given = find_one_input(scope, statement, block->name);
    if (!bound) return NULL;
    inner->naming = naming_enter(expansion, inner->depth, scope->naming, naming_local(scope, statement), block->body);
    inner->in_block = inner->has_previous = true;
    inner->previous = given;
    Binding *input = scope_add(inner, "input", (Span){block->span.begin, block->span.begin});
    input->value = (Value){.kind = VALUE_TENSOR, .written = true};
    input->value.tensor = given;
    input->value.tensor_name = "input";
    binding->active = true;
    run_body(inner, block->body);
    binding->active = false;
    return inner->previous;
}

static void run_repeat(Scope *scope, const Statement *statement)
{
    static const Parameter rounds = {.name = "count", .type = PARAMETER_SIZE};
    Expansion *expansion = scope->expansion;
    Place place = scope_place(scope, statement->span);
    Value value, count;
    if (!evaluate(scope, statement->value, &value) || !convert_value(scope, "repeat", &rounds, &value, &count)) return;
    if (!enter_use(scope, place)) return;
    Place *use = NEW(Place);
    *use = place;
    int errors = diagnostics_errors();
    for (double i = 0; i < count.number && !expansion_stops(expansion); i++) {
        if (!expansion_count(expansion, &expansion->steps, 1, MAX_STEPS, place, "statements and rounds")) return;
        Scope *round = scope_enter(expansion, scope->depth + 1, scope, statement->body, use);
        round->naming = scope->naming;
        round->in_block = scope->in_block;
        round->in_repeat = true;
        round->has_previous = scope->has_previous;
        round->previous = scope->previous;
        run_body(round, statement->body);
        scope->has_previous = round->has_previous;
        scope->previous = round->previous;
        if (diagnostics_errors() > errors) { /* the next rounds would say the same */
            scope->has_previous = true;
            scope->previous = NULL;
            return;
        }
    }
}

/* ---- statements that make no layer -------------------------------------------------------------------------------------- */

static void run_model(Scope *scope, const Statement *statement)
{
    Expansion *expansion = scope->expansion;
    Place place = scope_place(scope, statement->span);
    if (scope->depth) {
        diagnose(place, "`model` stands outside of blocks and repeats");
    } else if (expansion->model) {
        diagnose(place, "a second `model`: a file describes one network");
        diagnose_note(scope_place(scope, expansion->model->span), "the first one is here");
    } else {
        expansion->model = statement;
        expansion->graph->name = statement->name;
    }
}

/* The last -D of this name, or NULL. It overrides what the file says, outside of blocks and repeats. */
static const Definition *find_definition(const Scope *scope, const char *name)
{
    Definition *found = NULL;
    for (int i = 0; i < scope->expansion->definition_count && !scope->depth; i++) {
        Definition *definition = &scope->expansion->definitions[i];
        if (strcmp(definition->name, name)) continue;
        definition->used = true;
        found = definition;
    }
    return found;
}

static bool is_row(const char *word)
{
    bool found = false;
    for (const Table *const *table = all_tables; *table; table++) found = found || table_find(*table, word);
    return found;
}

static void run_let(Scope *scope, const Statement *statement)
{
    static const Parameter number = {.name = "value", .type = PARAMETER_NUMBER};
    const Definition *definition = find_definition(scope, statement->name);
    Value value, converted;
    bool good = evaluate(scope, statement->value, &value);
    if (good && value.kind == VALUE_WORD && is_row(value.text)) {
        diagnose(value.place, "`let` names a number, not the word `%s`", value.text);
        good = false;
    } else if (good && value.kind == VALUE_WORD) {
        scope_report_unknown(scope, value.text, value.place);
        good = false;
    } else if (good && value.kind != VALUE_NUMBER) {
        diagnose(value.place, "`let` names a number, not %s", value_text(&value));
        good = false;
    } else if (good) {
        good = convert_value(scope, "let", &number, &value, &converted);
    }
    Binding *binding = scope_add(scope, statement->name, statement->name_span);
    if (!binding) return;
    binding->broken = !good;
    binding->value = value;
    if (!good || !definition) return;
    binding->value.number = definition->value;
    binding->value.defined_by = definition->name;
}

static void define_block(Scope *scope, const Statement *block)
{
    Place place = scope_place(scope, block->name_span);
    bool layer = table_find(&layer_table, block->name), row = table_find(&statement_table, block->name);
    if (layer || row) {
        diagnose(place, "`%s` is a %s already; choose another name for this block", block->name, layer ? "layer" : "statement");
        return;
    }
    Binding *binding = scope_add(scope, block->name, block->name_span);
    if (!binding) return;
    binding->block = block;
    Names names = {0};
    bool has_default = false, has_layers = false;
    for (const Item *parameter = block->parameters; parameter; parameter = parameter->next) {
        Place at = scope_place(scope, parameter->name_span);
        int count = names.count;
        names_add(&names, parameter->name);
        if (!strcmp(parameter->name, "input")) {
            diagnose(at, "`input` is what a block was given; choose another name for this parameter");
            binding->broken = true;
        } else if (names.count == count) {
            diagnose(at, "a second parameter `%s`", parameter->name);
            binding->broken = true;
        } else if (has_default && !parameter->value) {
            diagnose(at, "a parameter without a default after one with a default");
            binding->broken = true;
        }
        has_default = has_default || parameter->value;
    }
    for (const Statement *statement = block->body; statement; statement = statement->next)
        has_layers = has_layers || statement->kind == STATEMENT_CALL || statement->kind == STATEMENT_REPEAT;
    if (!has_layers) {
        diagnose(place, "block %s has no layers", block->name);
        binding->broken = true;
    }
}

/* The first of these statements, so that a second is an error even where the first is faulty. */
static const Statement **first_of(Expansion *expansion, const char *name)
{
    if (!strcmp(name, "compile")) return &expansion->compile;
    if (!strcmp(name, "fit")) return &expansion->fit;
    if (!strcmp(name, "outputs")) return &expansion->outputs;
    die("no statement %s", name);
}

static void add_output(Graph *graph, Tensor *tensor)
{
    graph->outputs = memory_grow(graph->outputs, &graph->output_capacity, graph->output_count, sizeof(Tensor *));
    graph->outputs[graph->output_count++] = tensor;
}

static void set_outputs(Graph *graph, const Object *arguments)
{
    const Value *names = argument(arguments, "layers");
    for (int i = 0; i < names->list.count; i++) {
        const Value *name = &names->list.items[i];
        bool twice = false;
        for (int j = 0; j < graph->output_count; j++) twice = twice || graph->outputs[j] == name->tensor;
        if (twice) {
            diagnose(name->place, "`%s` is an output already", name->tensor_name);
            continue;
        }
        if (name->tensor->role == ROLE_INPUT && name->tensor->type == TYPE_INT32) {
            diagnose(name->place, "`%s` is an input of whole numbers, outputs are float32: linear()(%s) makes one of it", name->tensor_name, name->tensor_name);
            continue;
        }
        add_output(graph, name->tensor);
        tensor_rename(name->tensor, name->tensor_name); /* the last tensor of a block is called otherwise */
    }
}

/* compile, fit, outputs: rows of the table of statements. */
static void run_statement_row(Scope *scope, const Statement *statement, const Entry *entry)
{
    Graph *graph = scope->expansion->graph;
    const Expression *call = statement->value;
    Place name_place = scope_place(scope, callee_span(call));
    const Statement **first = first_of(scope->expansion, entry->name);
    Span second_parentheses = {call->span.end, statement->span.end};
    if (scope->depth) {
        diagnose(name_place, "%s stands outside of blocks and repeats", entry->name);
    } else if (statement->name) {
        diagnose(scope_place(scope, statement->name_span), "%s makes no layer that could have a name", entry->name);
    } else if (statement->has_inputs) {
        diagnose(scope_place(scope, second_parentheses), "%s takes no inputs", entry->name);
    } else if (*first) {
        diagnose(name_place, "a second `%s`", entry->name);
        diagnose_note(scope_place(scope, callee_span((*first)->value)), "the first one is here");
    } else {
        *first = statement;
        const Object *arguments = check_call(scope, entry, call->call.items, scope_place(scope, call->span), name_place);
        if (!arguments) return;
        if (first == &scope->expansion->compile) graph->compile = arguments;
        if (first == &scope->expansion->fit) graph->fit = arguments;
        if (first == &scope->expansion->outputs) set_outputs(graph, arguments);
    }
}

/* ---- statements ------------------------------------------------------------------------------------------------------- */

static void report_callee(Scope *scope, const char *callee, Place place, const Binding *binding)
{
    enum { MOST = 1000 };
    const char *candidates[MOST];
    int count = 0;
    if (binding && binding->value.kind == VALUE_TENSOR) {
        diagnose(place, "`%s` is a layer's output and cannot be called: layers do not share weights", callee);
        diagnose_note(scope_place(scope, binding->span), "it is defined here");
        return;
    }
    if (binding) {
        diagnose(place, "`%s` is %s and cannot be called", callee, value_text(&binding->value));
        diagnose_note(scope_place(scope, binding->span), "it is defined here");
        return;
    }
    if (scope_report_order(scope, callee, place)) return;
    for (const Table *const *table = all_tables; *table; table++) {
        if (*table == &layer_table || *table == &statement_table || !table_find(*table, callee)) continue;
        const char *article = strchr("aeiou", (*table)->kind[0]) ? "an" : "a";
        diagnose(place, "`%s` is %s %s, no layer; it stands as an argument", callee, article, (*table)->kind);
        return;
    }
    for (int i = 0; i < layer_table.count && count < MOST; i++) candidates[count++] = layer_table.entries[i]->name;
    for (int i = 0; i < statement_table.count && count < MOST; i++) candidates[count++] = statement_table.entries[i]->name;
    for (; scope; scope = scope->parent)
        for (int i = 0; i < scope->names.count && count < MOST; i++)
            if (scope->bindings[i].block) candidates[count++] = scope->names.names[i].text;
    const char *closest = diagnostics_closest(callee, candidates, count), *advice = habit_of_callee(callee);
    if (advice)
        diagnose(place, "unknown layer `%s`; %s", callee, advice);
    else if (closest)
        diagnose(place, "unknown layer `%s`; did you mean `%s`?", callee, closest);
    else
        diagnose(place, "unknown layer `%s`; `cnnc --help` lists what there is", callee);
}

static void run_call(Scope *scope, const Statement *statement)
{
    const char *callee = statement->value->call.text;
    Span span = callee_span(statement->value);
    Scope *home;
    Binding *binding = scope_find(scope, callee, span, &home);
    const Entry *row = table_find(&statement_table, callee), *layer = table_find(&layer_table, callee);
    if (binding && binding->block) {
        set_output(scope, statement, run_block(scope, statement, binding, home));
    } else if (row) {
        run_statement_row(scope, statement, row);
    } else if (layer) {
        set_output(scope, statement, run_layer(scope, statement, (const Layer *)layer));
    } else {
        report_callee(scope, callee, scope_place(scope, span), binding);
        set_output(scope, statement, NULL);
    }
}

static void run_body(Scope *scope, const Statement *body)
{
    Expansion *expansion = scope->expansion;
    for (const Statement *statement = body; statement && !expansion_stops(expansion); statement = statement->next) {
        Place place = scope_place(scope, statement->span);
        if (!expansion_count(expansion, &expansion->steps, 1, MAX_STEPS, place, "statements and rounds")) return;
        switch (statement->kind) {
        case STATEMENT_MODEL: run_model(scope, statement); break;
        case STATEMENT_LET: run_let(scope, statement); break;
        case STATEMENT_CALL: run_call(scope, statement); break;
        case STATEMENT_BLOCK: define_block(scope, statement); break;
        case STATEMENT_REPEAT: run_repeat(scope, statement); break;
        }
    }
}

/* ---- the network -------------------------------------------------------------------------------------------------------- */

static void report_unused_definitions(const Expansion *expansion, const Statement *network)
{
    enum { MOST = 1000 };
    const char *lets[MOST];
    int count = 0;
    for (; network && count < MOST; network = network->next)
        if (network->kind == STATEMENT_LET) lets[count++] = network->name;
    for (int i = 0; i < expansion->definition_count; i++) {
        const Definition *definition = &expansion->definitions[i];
        if (definition->used) continue;
        const char *closest = diagnostics_closest(definition->name, lets, count);
        diagnose((Place){NO_SPAN, NULL},
                 "-D %s=%s: no `let %s` in this file%s%s%s",
                 definition->name,
                 number_text(definition->value),
                 definition->name,
                 closest ? "; did you mean `" : "",
                 closest ? closest : "",
                 closest ? "`?" : "");
    }
}

bool expand_network(Graph *graph, const Statement *network, Definition *definitions, int definition_count)
{
    int errors = diagnostics_errors();
    Expansion *expansion = NEW(Expansion);
    expansion->graph = graph;
    expansion->definitions = definitions;
    expansion->definition_count = definition_count;
    graph->name = "model";
    Scope *scope = scope_enter(expansion, 0, NULL, network, NULL);
    scope->naming = naming_enter(expansion, 0, NULL, NULL, network);
    run_body(scope, network);
    if (expansion_stops(expansion)) return false;

    if (expansion->fit && !expansion->compile)
        diagnose((Place){callee_span(expansion->fit->value), NULL},
                 "fit without compile: say how the network is trained, as in compile(adam, mean_squared_error)");
    report_unused_definitions(expansion, network);
    if (diagnostics_errors() == errors && expansion->layers == 0)
        diagnose((Place){NO_SPAN, NULL}, "the network has no layers; it begins with an input, as in input(28, 28, 1)");
    else if (diagnostics_errors() == errors && expansion->layers == expansion->inputs)
        diagnose((Place){NO_SPAN, NULL}, "the network has an input but no layers");
    if (diagnostics_errors() > errors) return false;
    if (!expansion->outputs) add_output(graph, scope->previous);
    return true;
}
