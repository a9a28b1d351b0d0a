/* What the rows of optimisers and schedules have in common. */
#include "optimizer.h"

#include <float.h>
#include <string.h>

const char *double_text(double value)
{
    const char *text = number_text(value);
    return strpbrk(text, ".e") ? text : memory_format("%s.0", text);
}

void fill_number(Emit *e, const char *hole, double number)
{
    fill(e, hole, "%s", float_text(number));
}

void fill_epsilon(Emit *e, const Object *arguments)
{
    double epsilon = argument_number(arguments, "epsilon");
    fill_number(e, "EPSILON", epsilon < (double)FLT_MIN ? (double)FLT_MIN : epsilon);
}

bool optimizer_check(const Object *arguments)
{
    static const char *const names[] = {"clipnorm", "clipvalue", "global_clipnorm"};
    const char *first = NULL;
    for (int i = 0; i < 3; i++) {
        if (!has_argument(arguments, names[i])) continue;
        if (first) {
            diagnose(argument_place(arguments, names[i]), "%s takes one of `clipnorm`, `clipvalue` and `global_clipnorm`, not several", arguments->entry->name);
            diagnose_note(argument_place(arguments, first), "`%s` stands here", first);
            return false;
        }
        first = names[i];
    }
    return true;
}
