/* piecewise_constant_decay: values[i] for the steps t above boundaries[i - 1] and up to boundaries[i].
 * Source: keras.io/api/optimizers/learning_rate_schedules/piecewise_constant_decay. */
#include "schedule.h"

static const Parameter parameters[] = {
    {.name = "boundaries", .type = PARAMETER_SIZE, .maximum = 0x1p53, .list = true, .help = "the last step of each rate but the last, ascending"},
    {.name = "values", .type = PARAMETER_NUMBER, .minimum = 0, .maximum = 1e30, .list = true, .help = "the rates, one more than the boundaries"},
    {0},
};

static bool check(const Object *arguments)
{
    const Value *boundaries = argument(arguments, "boundaries"), *values = argument(arguments, "values");
    if (values->list.count != boundaries->list.count + 1) {
        diagnose(values->place, "`values` must be one more than `boundaries`: %d for %d, not %d", boundaries->list.count + 1, boundaries->list.count, values->list.count);
        return false;
    }
    for (int i = 1; i < boundaries->list.count; i++) {
        const Value *value = &boundaries->list.items[i];
        if (value->number > value[-1].number) continue;
        diagnose(value->place, "`boundaries` must ascend: %s stands behind %s", number_text(value->number), number_text(value[-1].number));
        return false;
    }
    return true;
}

static const char *rate(const Object *arguments)
{
    const Value *boundaries = argument(arguments, "boundaries"), *values = argument(arguments, "values");
    Text text = {0};
    for (int i = 0; i < values->list.count; i++) {
        if (i < boundaries->list.count) text_add(&text, "if (t <= %s) ", double_text(boundaries->list.items[i].number));
        text_add(&text, "return %s;\n", float_text(values->list.items[i].number));
    }
    return text.data;
}

const Schedule piecewise_constant_decay_schedule = {
    .entry = {"piecewise_constant_decay", "One rate after the other.", parameters, NULL},
    .check = check,
    .rate = rate,
};
