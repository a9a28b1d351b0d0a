/* Drawing calls: each parameter says its type, its range and its words, and that is enough. Two parameters get help, since few of their
 * values fit the layer's input: `target_shape` and `dims`. */
#include "draw.h"
#include "random.h"

#include <math.h>
#include <string.h>

enum { MOST_DEPTH = 3, USUAL_SIZE = 6, USUAL_PAIR = 2 };

Random random_begin(uint64_t seed)
{
    return (Random){.key = random_key(seed, 77)};
}

uint32_t random_below(Random *random, uint32_t limit)
{
    return (uint32_t)((uint64_t)random_bits(random->key, random->drawn++) * limit >> 32);
}

bool random_one_in(Random *random, uint32_t count)
{
    return random_below(random, count) == 0;
}

static double uniform(Random *random, double low, double high)
{
    return low + (high - low) * random_below(random, 1001) / 1000;
}

const Entry *draw_entry(Random *random, const Table *table)
{
    for (;;) {
        const Entry *entry = table->entries[random_below(random, (uint32_t)table->count)];
        if (!entry->alias_of) return entry;
    }
}

static bool has_maximum(const Parameter *p)
{
    return p->maximum > p->minimum && isfinite(p->maximum);
}

/* What no table allows. */
static void draw_wild(Random *random, Text *text)
{
    static const char *const values[] = {"-1", "0", "1e308", "2147483647", "2147483648", "4294967296", "9007199254740992", "1e-320", "0.5", "none", "[]", "{0: 1}", "relu", "\"a\"", "3x0", "[1, 2, 3]", "1/3"};
    text_add(text, "%s", values[random_below(random, sizeof values / sizeof *values)]);
}

static int64_t draw_size(Random *random, const Parameter *p)
{
    double least = p->minimum, most = least + (p->type == PARAMETER_PAIR ? USUAL_PAIR : USUAL_SIZE);
    if (p->minimum == 0 && !has_maximum(p)) least = 1;
    if (has_maximum(p) && p->maximum < most) most = p->maximum;
    return (int64_t)least + random_below(random, (uint32_t)(most - least) + 1);
}

static void draw_number(Random *random, Text *text, const Parameter *p)
{
    double low = p->minimum, high = low + 1.5;
    bool any = p->minimum == 0 && !has_maximum(p) && !p->above_minimum;
    if (!isfinite(low) || low < -1e6) low = -1.5, high = 1.5;
    if (has_maximum(p) && p->maximum < high) high = p->maximum;
    double value = uniform(random, low, high);
    if (any && random_one_in(random, 2)) value = 0.1;
    if (p->above_minimum && value <= low) value = low + (high - low) / 4;
    if (p->below_maximum && value >= high) value = high - (high - low) / 4;
    text_add(text, "%g", value);
}

static void draw_object(Random *random, const DrawContext *context, Text *text, const Table *table)
{
    draw_call(random, context, text, draw_entry(random, table));
}

/* One value, not a list of them. */
static bool draw_value(Random *random, const DrawContext *context, Text *text, const Parameter *p)
{
    int words = 0;
    while (p->words && p->words[words]) words++;
    if (context->wild && random_one_in(random, 6)) {
        draw_wild(random, text);
    } else if (words && (p->type == PARAMETER_WORD || random_one_in(random, 2))) {
        text_add(text, "%s", p->words[random_below(random, (uint32_t)words)]);
    } else if (p->type == PARAMETER_SIZE) {
        text_add(text, "%lld", (long long)draw_size(random, p));
    } else if (p->type == PARAMETER_PAIR) {
        int64_t first = draw_size(random, p), second = draw_size(random, p);
        if (random_one_in(random, 2)) text_add(text, "%lldx%lld", (long long)first, (long long)second);
        else text_add(text, "%lld", (long long)first);
    } else if (p->table && (p->type == PARAMETER_OBJECT || random_one_in(random, 4))) {
        draw_object(random, context, text, p->table);
    } else if (p->type == PARAMETER_NUMBER) {
        draw_number(random, text, p);
    } else if (p->type == PARAMETER_BOOLEAN) {
        text_add(text, "%s", random_one_in(random, 2) ? "true" : "false");
    } else if (p->type == PARAMETER_STRING) {
        text_add(text, "\"file\"");
    } else if (p->type == PARAMETER_MAP) {
        text_add(text, "{0: 1.5, 1: 0.5}");
    } else if (p->type == PARAMETER_TENSOR && context->layer_count) {
        text_add(text, "%s", context->layers[random_below(random, (uint32_t)context->layer_count)]);
    } else {
        return false;
    }
    return true;
}

/* Sizes with the same product as the input's. */
static void draw_target_shape(Random *random, Text *text, const Shape *input)
{
    int64_t left = shape_count(input);
    for (int i = 0; i < 3 && left > 1; i++) {
        int64_t size = 1 + random_below(random, left < 12 ? (uint32_t)left : 12);
        while (left % size) size--;
        text_add(text, "%lld, ", (long long)size);
        left /= size;
    }
    if (random_one_in(random, 2)) text_add(text, "-1");
    else text_add(text, "%lld", (long long)left);
}

static void draw_dims(Random *random, Text *text, const Shape *input)
{
    int dims[MAX_RANK];
    for (int i = 0; i < input->rank; i++) {
        int other = (int)random_below(random, (uint32_t)i + 1);
        dims[i] = dims[other];
        dims[other] = i + 1;
    }
    for (int i = 0; i < input->rank; i++) text_add(text, "%s%d", i ? ", " : "", dims[i]);
}

static bool draw_rest(Random *random, const DrawContext *context, Text *text, const Parameter *p)
{
    if (context->input && context->input->rank > 0 && !strcmp(p->name, "target_shape")) {
        draw_target_shape(random, text, context->input);
    } else if (context->input && context->input->rank > 0 && !strcmp(p->name, "dims")) {
        draw_dims(random, text, context->input);
    } else {
        for (uint32_t i = 0, count = 1 + random_below(random, 3); i < count; i++) {
            text_add(text, "%s", i ? ", " : "");
            if (!draw_value(random, context, text, p)) return false;
        }
    }
    return true;
}

bool draw_argument(Random *random, const DrawContext *context, Text *text, const Parameter *p)
{
    if (p->rest) return draw_rest(random, context, text, p);
    if (p->fallback && !strcmp(p->fallback, "none") && random_one_in(random, 8)) {
        text_add(text, "none");
        return true;
    }
    bool brackets = p->list && !random_one_in(random, 3);
    if (!brackets) return draw_value(random, context, text, p);
    text_add(text, "[");
    for (uint32_t i = 0, count = 1 + random_below(random, 2); i < count; i++) {
        text_add(text, "%s", i ? ", " : "");
        if (!draw_value(random, context, text, p)) return false;
    }
    text_add(text, "]");
    return true;
}

void draw_call(Random *random, const DrawContext *context, Text *text, const Entry *entry)
{
    if (++random->depth > MOST_DEPTH) {
        text_add(text, "%s", entry->name);
        random->depth--;
        return;
    }
    text_add(text, "%s(", entry->name);
    bool first = true;
    for (const Parameter *p = entry->parameters; p && p->name; p++) {
        if (p->fallback && !random_one_in(random, 4)) continue;
        Text value = {0};
        if (!draw_argument(random, context, &value, p)) continue;
        text_add(text, "%s", first ? "" : ", ");
        if (!p->rest) text_add(text, "%s=", p->name);
        text_add(text, "%s", value.data);
        first = false;
    }
    text_add(text, ")");
    random->depth--;
}
