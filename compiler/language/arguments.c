/* A call against its row of a table: which argument is which parameter, and whether it is what the row wants.
 * Then, for those who compile layers, the arguments by name. */
#include "language/expand.h"
#include "language/habits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARAMETERS = 64 }; /* of one row */

/* ---- tables --------------------------------------------------------------------------------------------------- */

static const char *closest_entry(const Table *table, const char *name)
{
    const char **names = NEW_ARRAY(const char *, table->count);
    for (int i = 0; i < table->count; i++) names[i] = table->entries[i]->name;
    return diagnostics_closest(name, names, table->count);
}

static int parameter_count(const Entry *entry)
{
    int count = 0;
    while (entry->parameters && entry->parameters[count].name) count++;
    if (count > MAX_PARAMETERS) die("%s has %d parameters", entry->name, count);
    return count;
}

/* ---- one value --------------------------------------------------------------------------------------------------- */

static bool has_word(const Parameter *parameter, const char *word)
{
    for (const char *const *at = parameter->words; at && *at; at++)
        if (!strcmp(*at, word)) return true;
    return false;
}

static const char *words_text(const Parameter *parameter)
{
    const char *text = "";
    for (const char *const *at = parameter->words; at && *at; at++)
        text = memory_format("%s%s`%s`", text, at == parameter->words ? "" : at[1] ? ", " : " or ", *at);
    return text;
}

static const char *wanted_text(const Parameter *parameter)
{
    const char *text = "";
    switch (parameter->type) {
    case PARAMETER_SIZE: text = "a whole number"; break;
    case PARAMETER_PAIR: text = "a pair such as 3x3 or [3, 3], or one whole number for both"; break;
    case PARAMETER_NUMBER: text = parameter->table ? memory_format("a number or a %s", parameter->table->kind) : "a number"; break;
    case PARAMETER_BOOLEAN: text = "`true` or `false`"; break;
    case PARAMETER_WORD: return parameter->words ? words_text(parameter) : "a word";
    case PARAMETER_STRING: text = "a string, in double quotes"; break;
    case PARAMETER_OBJECT:
        text = memory_format("%s %s", strchr("aeiou", parameter->table->kind[0]) ? "an" : "a", parameter->table->kind);
        break;
    case PARAMETER_TENSOR: text = "the name of a layer"; break;
    case PARAMETER_MAP:
        text = parameter->table ? memory_format("a map such as {0: 3, 7: 0.5}, or a %s", parameter->table->kind) : "a map such as {0: 3, 7: 0.5}";
        break;
    }
    if (parameter->words) text = memory_format("%s, or %s", text, words_text(parameter));
    if (parameter->fallback && !strcmp(parameter->fallback, "none")) text = memory_format("%s, or `none`", text);
    return text;
}

static bool refuse(const char *callee, const Parameter *parameter, const Value *value)
{
    diagnose(value->place, "`%s` of %s must be %s, not %s", parameter->name, callee, wanted_text(parameter), value_text(value));
    if (parameter->type == PARAMETER_STRING && value->kind == VALUE_WORD && table_find(&statement_table, callee)) /* Python's arrays */
        diagnose_note(value->place, "data are files, as in %s=\"%s.npy\"; without any the trainer takes the images of its --data", parameter->name, parameter->name);
    return false;
}

/* A name where none of its meanings fits: most likely a word of the row that was mistyped, or a name. */
static bool refuse_word(Scope *scope, const char *callee, const Parameter *parameter, const Value *value)
{
    bool numeric =
        parameter->type == PARAMETER_SIZE || parameter->type == PARAMETER_PAIR || parameter->type == PARAMETER_NUMBER;
    const char *candidates[MAX_PARAMETERS];
    int count = 0;
    for (const char *const *at = parameter->words; at && *at && count < MAX_PARAMETERS - 3; at++) candidates[count++] = *at;
    if (parameter->type == PARAMETER_BOOLEAN) candidates[count++] = "true", candidates[count++] = "false";
    if (parameter->none_is_fallback || (parameter->fallback && !strcmp(parameter->fallback, "none"))) candidates[count++] = "none";
    const char *closest = diagnostics_closest(value->text, candidates, count);
    if (closest) {
        diagnose(value->place, "`%s` of %s cannot be `%s`; did you mean `%s`?", parameter->name, callee, value->text, closest);
        return false;
    }
    static const char *const values[] = {"none", "true", "false"};
    bool value_word = false;
    for (int i = 0; i < 3; i++) value_word = value_word || diagnostics_alike(value->text, values[i]);
    if (!value_word && ((numeric && !parameter->words) || parameter->type == PARAMETER_TENSOR)) {
        scope_report_unknown(scope, value->text, value->place);
        return false;
    }
    refuse(callee, parameter, value);
    if (parameter->table == &loss_table && value_word) diagnose_note(value->place, "each output is trained: one that has no loss is left out of outputs(...)");
    return false;
}

typedef struct {
    bool minimum, maximum; /* there is one */
} Bounds;

static Bounds bounds_of(const Parameter *p)
{
    bool whole = p->type == PARAMETER_SIZE || p->type == PARAMETER_PAIR;
    return (Bounds){
        .minimum = isfinite(p->minimum) && (whole || p->above_minimum || p->minimum != 0 || p->maximum > p->minimum),
        .maximum = p->maximum > p->minimum && isfinite(p->maximum) && !(whole && p->maximum >= (double)MAX_SIZE),
    };
}

const char *parameter_range(const Parameter *p)
{
    Bounds bounds = bounds_of(p);
    const char *from = memory_format("%s %s", p->above_minimum ? "above" : "at least", number_text(p->minimum));
    const char *to = memory_format("%s %s", p->below_maximum ? "below" : "at most", number_text(p->maximum));
    return memory_format("%s%s%s", bounds.minimum ? from : "", bounds.minimum && bounds.maximum ? " and " : "", bounds.maximum ? to : "");
}

/* A number that is not what the file says needs a word about where it comes from. */
static void note_definition(const Value *value)
{
    if (value->defined_by) diagnose_note((Place){NO_SPAN, NULL}, "-D gives `%s` its value", value->defined_by);
}

static bool check_range(const char *callee, const Parameter *p, const Value *value, double number)
{
    bool whole = p->type == PARAMETER_SIZE || p->type == PARAMETER_PAIR;
    if (whole && (number != floor(number) || fabs(number) > (double)MAX_SIZE)) {
        const char *why = number != floor(number) ? "must be a whole number" : "must be a whole number of at most 2^53";
        diagnose(value->place, "`%s` of %s %s, not %s", p->name, callee, why, number_text(number));
        note_definition(value);
        return false;
    }
    Bounds bounds = bounds_of(p);
    bool low = bounds.minimum && (p->above_minimum ? number <= p->minimum : number < p->minimum);
    bool high = bounds.maximum && (p->below_maximum ? number >= p->maximum : number > p->maximum);
    if (!low && !high) return true;
    diagnose(value->place, "`%s` of %s must be %s, not %s", p->name, callee, parameter_range(p), number_text(number));
    note_definition(value);
    return false;
}

static bool convert_pair(Scope *scope, const char *callee, const Parameter *parameter, const Value *from, Value *to)
{
    Value numbers[2] = {*from, *from};
    if (from->kind == VALUE_PAIR) {
        numbers[0].number = (double)from->pair.first;
        numbers[1].number = (double)from->pair.second;
    } else if (from->kind == VALUE_LIST && from->list.count == 2) {
        Parameter size = *parameter;
        size.type = PARAMETER_SIZE;
        for (int i = 0; i < 2; i++)
            if (!convert_value(scope, callee, &size, &from->list.items[i], &numbers[i])) return false;
    } else if (from->kind != VALUE_NUMBER) {
        return refuse(callee, parameter, from);
    }
    for (int i = 0; i < 2; i++)
        if (!check_range(callee, parameter, &numbers[i], numbers[i].number)) return false;
    to->kind = VALUE_PAIR;
    to->pair.first = (int64_t)numbers[0].number;
    to->pair.second = (int64_t)numbers[1].number;
    return true;
}

/* adam is adam(). */
static bool convert_object(Scope *scope, const Parameter *parameter, const Value *from, Value *to)
{
    bool call = from->kind == VALUE_CALL;
    Scope *call_scope = call ? from->scope : scope;
    const char *name = call ? from->call->call.text : from->kind == VALUE_TENSOR ? from->tensor_name : from->text;
    Place place = call ? scope_place(call_scope, from->call->span) : from->place, name_place = place;
    if (call) name_place.span.end = name_place.span.begin + (uint32_t)strlen(name);
    const Entry *entry = table_find(parameter->table, name);
    if (!entry) {
        const char *closest = closest_entry(parameter->table, name), *kind = parameter->table->kind, *advice = habit_of_row(name);
        if (advice)
            diagnose(name_place, "unknown %s `%s`; %s", kind, name, advice);
        else if (closest)
            diagnose(name_place, "unknown %s `%s`; did you mean `%s`?", kind, name, closest);
        else
            diagnose(name_place, "unknown %s `%s`; `cnnc --help` lists what there is", kind, name);
        return false;
    }
    to->kind = VALUE_OBJECT;
    Object *object = check_call(call_scope, entry, call ? from->call->call.items : NULL, place, name_place);
    if (object) object->spelling = name;
    to->object = object;
    return object && (!parameter->table->check || parameter->table->check(object));
}

typedef struct {
    double key;
    const Value *value;
} Key;

static int compare_keys(const void *a, const void *b)
{
    double x = ((const Key *)a)->key, y = ((const Key *)b)->key;
    return x < y ? -1 : x > y;
}

static bool convert_map(Scope *scope, const char *callee, const Parameter *parameter, const Value *from, Value *to)
{
    Parameter key = {.name = parameter->name, .type = PARAMETER_SIZE}, value = *parameter;
    value.type = PARAMETER_NUMBER;
    value.words = NULL;
    int count = from->list.count;
    Key *keys = NEW_ARRAY(Key, count / 2);
    to->kind = VALUE_MAP;
    to->list.items = NEW_ARRAY(Value, count);
    to->list.count = count;
    for (int i = 0; i < count; i++) {
        if (!convert_value(scope, callee, i % 2 ? &value : &key, &from->list.items[i], &to->list.items[i])) return false;
        if (i % 2 == 0) keys[i / 2] = (Key){to->list.items[i].number, &to->list.items[i]};
    }
    qsort(keys, (size_t)count / 2, sizeof(Key), compare_keys);
    for (int i = 1; i < count / 2; i++)
        if (keys[i].key == keys[i - 1].key) {
            bool first = keys[i - 1].value < keys[i].value;
            diagnose(keys[first ? i : i - 1].value->place,
                     "%s stands twice in `%s` of %s",
                     number_text(keys[i].key),
                     parameter->name,
                     callee);
            diagnose_note(keys[first ? i - 1 : i].value->place, "the first one is here");
            return false;
        }
    return true;
}

/* A map from names of outputs, which are checked when these are known (training.c). */
static bool convert_output_map(Scope *scope, const char *callee, const Parameter *parameter, const Value *from, Value *to)
{
    int count = from->list.count;
    bool good = expansion_count(scope->expansion, &scope->expansion->values, count, MAX_VALUES, from->place, "arguments");
    Parameter value = *parameter;
    value.per_output = false;
    value.list = parameter->type == PARAMETER_OBJECT;
    to->list.items = NEW_ARRAY(Value, count);
    for (int i = 0; i < count && good; i++) {
        const Value *item = &from->list.items[i];
        to->list.items[i] = *item;
        if (i % 2) {
            good = convert_value(scope, callee, &value, item, &to->list.items[i]);
        } else if (item->kind != VALUE_TENSOR && item->kind != VALUE_WORD) {
            diagnose(item->place, "`%s` of %s wants names of outputs here, not %s", parameter->name, callee, value_text(item));
            good = false;
        }
    }
    return good;
}

static bool convert_list(Scope *scope, const char *callee, const Parameter *parameter, const Value *from, Value *to)
{
    Expansion *expansion = scope->expansion;
    if (parameter->per_output && from->kind == VALUE_MAP) return convert_output_map(scope, callee, parameter, from, to);
    Parameter element = *parameter;
    element.list = element.rest = element.per_output = false;
    Value single = *from;
    const Value *items = from->kind == VALUE_LIST ? from->list.items : &single;
    int count = from->kind == VALUE_LIST ? from->list.count : 1;
    if (!count && !parameter->fallback && !parameter->rest) {
        diagnose(from->place, "`%s` of %s must not be empty", parameter->name, callee);
        return false;
    }
    if (!expansion_count(expansion, &expansion->values, count, MAX_VALUES, from->place, "arguments")) return false;
    to->kind = VALUE_LIST;
    to->list.items = NEW_ARRAY(Value, count);
    to->list.count = count;
    to->list.lone = from->kind != VALUE_LIST;
    bool good = true;
    for (int i = 0; i < count && !expansion_stops(expansion); i++) {
        element.list = parameter->per_output && items[i].kind == VALUE_LIST;
        good = convert_value(scope, callee, &element, &items[i], &to->list.items[i]) && good;
    }
    return good;
}

bool convert_value(Scope *scope, const char *callee, const Parameter *parameter, const Value *from, Value *to)
{
    bool word = from->kind == VALUE_WORD;
    bool none = word && parameter->fallback && !strcmp(from->text, "none");
    *to = *from;
    if (none && !strcmp(parameter->fallback, "none")) {
        to->kind = VALUE_NONE;
        return true;
    }
    if (none && !strcmp(parameter->fallback, "[]")) {
        to->kind = VALUE_LIST;
        to->list.count = 0;
        to->list.lone = false;
        return true;
    }
    if (none && parameter->none_is_fallback) {
        Value value;
        return evaluate(scope, parse_expression(parameter->fallback), &value) && convert_value(scope, callee, parameter, &value, to);
    }
    if (parameter->list || parameter->rest) return convert_list(scope, callee, parameter, from, to);
    if (from->kind == VALUE_TENSOR && parameter->type != PARAMETER_TENSOR && has_word(parameter, from->tensor_name)) {
        to->kind = VALUE_WORD;
        to->text = from->tensor_name;
        return true;
    }
    if (word && has_word(parameter, from->text)) return true;

    bool quoted = from->kind == VALUE_STRING && parameter->type != PARAMETER_STRING;
    if (quoted && (parameter->words || parameter->type == PARAMETER_WORD || parameter->type == PARAMETER_OBJECT ||
                   parameter->type == PARAMETER_BOOLEAN)) {
        diagnose(from->place, "words are written without quotes: %s", from->text);
        return false;
    }
    switch (parameter->type) {
    case PARAMETER_SIZE:
    case PARAMETER_NUMBER:
        if (parameter->table && (word || from->kind == VALUE_CALL)) return convert_object(scope, parameter, from, to);
        if (word) return refuse_word(scope, callee, parameter, from);
        return from->kind == VALUE_NUMBER ? check_range(callee, parameter, from, from->number)
                                          : refuse(callee, parameter, from);
    case PARAMETER_PAIR:
        return word ? refuse_word(scope, callee, parameter, from) : convert_pair(scope, callee, parameter, from, to);
    case PARAMETER_BOOLEAN:
        if (!word) return refuse(callee, parameter, from);
        if (strcmp(from->text, "true") && strcmp(from->text, "false")) return refuse_word(scope, callee, parameter, from);
        to->kind = VALUE_BOOLEAN;
        to->boolean = from->text[0] == 't';
        return true;
    case PARAMETER_WORD:
        if (word && !parameter->words) return true;
        return word ? refuse_word(scope, callee, parameter, from) : refuse(callee, parameter, from);
    case PARAMETER_STRING:
        if (word && parameter->words) return refuse_word(scope, callee, parameter, from);
        return from->kind == VALUE_STRING || refuse(callee, parameter, from);
    case PARAMETER_OBJECT:
        if (word && diagnostics_alike(from->text, "none")) return refuse_word(scope, callee, parameter, from);
        if (word || from->kind == VALUE_CALL || from->kind == VALUE_TENSOR) return convert_object(scope, parameter, from, to);
        return refuse(callee, parameter, from);
    case PARAMETER_TENSOR:
        if (from->kind == VALUE_TENSOR) return from->tensor != NULL; /* NULL: its error was reported */
        return word ? refuse_word(scope, callee, parameter, from) : refuse(callee, parameter, from);
    case PARAMETER_MAP:
        if (parameter->table && (word || from->kind == VALUE_CALL)) return convert_object(scope, parameter, from, to);
        return from->kind == VALUE_MAP ? convert_map(scope, callee, parameter, from, to) : refuse(callee, parameter, from);
    }
    die("a parameter of type %d", (int)parameter->type);
}

/* ---- one call -------------------------------------------------------------------------------------------------------- */

/* The defaults of a row, made once a run. The place of each is that of the call that uses it. */
static const Value *defaults_of(Expansion *expansion, const Entry *entry)
{
    for (int i = 0; i < expansion->defaults_count; i++)
        if (expansion->defaults[i].entry == entry) return expansion->defaults[i].values;
    Scope *nothing = NEW(Scope);
    nothing->expansion = expansion;
    Value *values = NEW_ARRAY(Value, parameter_count(entry));
    for (int i = 0; i < parameter_count(entry); i++) {
        const Parameter *parameter = &entry->parameters[i];
        int errors = diagnostics_errors();
        Value value;
        if (!parameter->fallback) continue;
        if (!evaluate(nothing, parse_expression(parameter->fallback), &value) ||
            !convert_value(nothing, entry->name, parameter, &value, &values[i])) {
            if (diagnostics_errors() > errors || !expansion_stops(expansion))
                die("the default of `%s` of %s, `%s`, does not fit its own row",
                    parameter->name,
                    entry->name,
                    parameter->fallback);
        }
        values[i].written = false;
    }
    expansion->defaults =
        memory_grow(expansion->defaults, &expansion->defaults_capacity, expansion->defaults_count, sizeof(Defaults));
    expansion->defaults[expansion->defaults_count++] = (Defaults){entry, values};
    return values;
}

/* The statement that has the parameter: epochs in compile(...) belongs into fit(...). NULL: none, or the row is no statement. */
static const Entry *other_statement(const Entry *entry, const char *name)
{
    if (table_find(&statement_table, entry->name) != entry) return NULL;
    for (int i = 0; i < statement_table.count; i++)
        for (const Parameter *p = statement_table.entries[i]->parameters; p && p->name; p++)
            if (!strcmp(p->name, name)) return statement_table.entries[i];
    return NULL;
}

/* The parameter that is meant by another name for it. */
static const char *synonym(const Entry *entry, int count, const char *name)
{
    const char *meant;
    for (int which = 0; (meant = habit_synonym(name, which)); which++)
        for (int i = 0; i < count; i++)
            if (!strcmp(entry->parameters[i].name, meant)) return meant;
    return NULL;
}

static int find_parameter(Scope *scope, const Entry *entry, int count, const Item *argument)
{
    const char *candidates[MAX_PARAMETERS];
    for (int i = 0; i < count; i++)
        if (!strcmp(entry->parameters[i].name, argument->name)) return i;
    for (int i = 0; i < count; i++) candidates[i] = entry->parameters[i].name;
    const char *closest = synonym(entry, count, argument->name), *advice = habit_of_parameter(argument->name);
    const Entry *other = other_statement(entry, argument->name);
    bool meant = closest != NULL;
    if (!meant) closest = diagnostics_closest(argument->name, candidates, count);
    Place place = scope_place(scope, argument->name_span);
    if (!strcmp(argument->name, "name"))
        diagnose(place, "no parameter `name` in %s; a name stands in front, as in `a = %s(...)`", entry->name, entry->name);
    else if (advice && !meant)
        diagnose(place, "no parameter `%s` in %s; %s", argument->name, entry->name, advice);
    else if (other)
        diagnose(place, "no parameter `%s` in %s; it belongs into %s(...)", argument->name, entry->name, other->name);
    else if (habit_not_supported(argument->name))
        diagnose(place, "no parameter `%s` in %s: that one of Keras's is not supported; `cnnc --help %s` lists what there is", argument->name, entry->name, entry->name);
    else if (closest)
        diagnose(place, "no parameter `%s` in %s; did you mean `%s`?", argument->name, entry->name, closest);
    else
        diagnose(place, "no parameter `%s` in %s; `cnnc --help %s` lists what there is", argument->name, entry->name, entry->name);
    return -1;
}

/* Whether the parameter takes the word: one of its own, or a row of its table. */
static bool takes_word(const Parameter *parameter, const char *word)
{
    if (parameter->type == PARAMETER_BOOLEAN && (!strcmp(word, "true") || !strcmp(word, "false"))) return true;
    return has_word(parameter, word) || (parameter->type == PARAMETER_OBJECT && table_find(parameter->table, word));
}

/* conv2d(8, 3x3, same): the word is one of a parameter further behind. True: that was reported. */
static bool report_misplaced(const Entry *entry, const Parameter *place, const Value *value)
{
    bool list = value->kind == VALUE_LIST && value->list.count;
    const Value *word = list ? &value->list.items[0] : value;
    if (word->kind != VALUE_WORD || place->type == PARAMETER_TENSOR || takes_word(place, word->text)) return false;
    for (const Parameter *p = entry->parameters; p->name; p++) {
        if (p == place || !takes_word(p, word->text)) continue;
        diagnose(value->place,
                 list ? "this argument is `%s` of %s, not `%s`; write %s=[%s, ...]" : "this argument is `%s` of %s, not `%s`; write %s=%s",
                 place->name,
                 entry->name,
                 p->name,
                 p->name,
                 word->text);
        return true;
    }
    return false;
}

/* The positional arguments from `argument` on, as one list. Leaves `*last` at the last of them. */
static bool convert_rest(Scope *scope, const Entry *entry, const Parameter *parameter, const Item *argument, const Item **last,
                         Value *to)
{
    Expansion *expansion = scope->expansion;
    int count = 0;
    for (const Item *item = argument; item && !item->name; item = item->next) count++;
    Place place = scope_place(scope, expression_span(argument->value));
    if (!expansion_count(expansion, &expansion->values, count, MAX_VALUES, place, "arguments")) return false;
    Value list = {.kind = VALUE_LIST, .place = place, .written = true};
    list.list.items = NEW_ARRAY(Value, count);
    bool good = true;
    for (const Item *item = argument; item && !item->name && !expansion_stops(expansion); item = item->next) {
        good = evaluate(scope, item->value, &list.list.items[list.list.count]) && good;
        list.place.span.end = list.list.items[list.list.count++].place.span.end;
        *last = item;
    }
    return good && convert_value(scope, entry->name, parameter, &list, to);
}

/* False where an argument that has no default is not given. */
static bool check_missing(const Entry *entry, const Item *const *given, int count, Place name)
{
    const char *text = "";
    for (int i = count - 1; i >= 0; i--)
        if (!given[i] && !entry->parameters[i].fallback)
            text = memory_format("`%s`%s%s", entry->parameters[i].name, !*text ? "" : strchr(text, ' ') ? ", " : " and ", text);
    if (*text) diagnose(name, "%s needs %s", entry->name, text);
    return !*text;
}

/* add(a, b), which is add()(a, b). */
static const char *inputs_elsewhere(const Entry *entry)
{
    const Layer *layer = (const Layer *)(const void *)entry;
    if (table_find(&layer_table, entry->name) != entry || layer->most_inputs == 1) return "";
    return memory_format("; its inputs stand in parentheses of their own: %s()(a, b)", entry->name);
}

Object *check_call(Scope *scope, const Entry *entry, const Item *arguments, Place call, Place name)
{
    Expansion *expansion = scope->expansion;
    int count = parameter_count(entry), position = 0;
    if (!expansion_count(expansion, &expansion->values, count, MAX_VALUES, call, "arguments")) return NULL;
    const Value *defaults = defaults_of(expansion, entry);
    Object *object = NEW(Object);
    *object = (Object){.entry = entry, .values = NEW_ARRAY(Value, count), .place = call, .name_place = name};
    const Item *given[MAX_PARAMETERS] = {NULL};
    bool good = true;
    for (const Item *argument = arguments; argument && !expansion_stops(expansion); argument = argument->next) {
        Place place = scope_place(scope, argument->name ? argument->name_span : expression_span(argument->value));
        int i = argument->name ? find_parameter(scope, entry, count, argument) : position++;
        if (i < 0 || i >= count) {
            if (i >= count && !count) diagnose(place, "%s takes no arguments%s", entry->name, inputs_elsewhere(entry));
            if (i >= count && count) diagnose(place, "too many arguments: %s takes at most %d", entry->name, count);
            good = false;
            if (i >= count) break;
            continue;
        }
        const Parameter *parameter = &entry->parameters[i];
        if (given[i]) {
            diagnose(place, "`%s` is given twice", parameter->name);
            diagnose_note(scope_place(scope, given[i]->name ? given[i]->name_span : expression_span(given[i]->value)),
                          "first given here");
            good = false;
            continue;
        }
        given[i] = argument;
        Value value;
        if (parameter->rest && !argument->name)
            good = convert_rest(scope, entry, parameter, argument, &argument, &object->values[i]) && good;
        else
            good = evaluate(scope, argument->value, &value) && (argument->name || !report_misplaced(entry, parameter, &value)) &&
                   convert_value(scope, entry->name, parameter, &value, &object->values[i]) && good;
    }
    if (!good || !check_missing(entry, given, count, name)) return NULL;
    for (int i = 0; i < count; i++) {
        if (given[i]) continue;
        object->values[i] = defaults[i];
        object->values[i].place = call;
    }
    return object;
}

Object *default_call(const Entry *entry, Place place)
{
    Object *object = NEW(Object);
    int count = parameter_count(entry);
    *object = (Object){.entry = entry, .values = NEW_ARRAY(Value, count), .place = place, .name_place = place};
    const Value *defaults = defaults_of(NEW(Expansion), entry);
    for (int i = 0; i < count; i++) {
        object->values[i] = defaults[i];
        object->values[i].place = place;
    }
    return object;
}

void check_tables(void)
{
    Expansion *expansion = NEW(Expansion);
    for (const Table *const *table = all_tables; *table; table++)
        for (int i = 0; i < (*table)->count; i++) {
            const Entry *entry = (*table)->entries[i];
            for (int j = 0; j < i; j++)
                if (!strcmp((*table)->entries[j]->name, entry->name)) die("a second %s %s", (*table)->kind, entry->name);
            if (table_find(*table, entry->name) == entry) defaults_of(expansion, entry);
        }
}

/* ---- the arguments of a checked call, by name --------------------------------------------------------------------------- */

const Value *argument(const Object *object, const char *name)
{
    const Parameter *parameters = object->entry->parameters;
    for (int i = 0; parameters && parameters[i].name; i++)
        if (!strcmp(parameters[i].name, name)) return &object->values[i];
    die("%s has no parameter %s", object->entry->name, name);
}

static const Value *argument_of_kind(const Object *object, const char *name, ValueKind kind)
{
    const Value *value = argument(object, name);
    if (value->kind != kind) die("`%s` of %s is %s", name, object->entry->name, value_text(value));
    return value;
}

bool has_argument(const Object *object, const char *name)
{
    const Parameter *parameters = object->entry->parameters;
    for (int i = 0; parameters && parameters[i].name; i++)
        if (!strcmp(parameters[i].name, name)) return object->values[i].kind != VALUE_NONE;
    return false;
}

int64_t argument_size(const Object *object, const char *name)
{
    return (int64_t)argument_of_kind(object, name, VALUE_NUMBER)->number;
}

double argument_number(const Object *object, const char *name)
{
    return argument_of_kind(object, name, VALUE_NUMBER)->number;
}

bool argument_boolean(const Object *object, const char *name)
{
    return argument_of_kind(object, name, VALUE_BOOLEAN)->boolean;
}

const char *argument_word(const Object *object, const char *name)
{
    const Value *value = argument(object, name);
    return value->kind == VALUE_STRING ? value->text : argument_of_kind(object, name, VALUE_WORD)->text;
}

void argument_pair(const Object *object, const char *name, int64_t *first, int64_t *second)
{
    const Value *value = argument_of_kind(object, name, VALUE_PAIR);
    *first = value->pair.first;
    *second = value->pair.second;
}

const Object *argument_object(const Object *object, const char *name)
{
    const Value *value = argument(object, name);
    return value->kind == VALUE_NONE ? NULL : argument_of_kind(object, name, VALUE_OBJECT)->object;
}

Place argument_place(const Object *object, const char *name)
{
    return argument(object, name)->place;
}
