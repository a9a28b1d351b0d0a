/* Trainings against Keras's, number for number: of each tests/histories/NAME.net the first lines say how it is trained, and perhaps
 * evaluated; NAME.csv is what Keras's CSVLogger wrote of the same, NAME.txt what evaluate() said. $HISTORIES, a pattern, chooses some. */
#include "patience.h"
#include "shell.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fnmatch.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(histories, .init = shell_enter, .fini = shell_leave);

typedef struct {
    char name[64];
} Case;

ParameterizedTestParameters(histories, as_in_keras)
{
    static Case cases[100];
    size_t count = 0;
    const char *pattern = getenv("HISTORIES");
    glob_t found;
    cr_assert(glob("tests/histories/*.net", 0, NULL, &found) == 0 && found.gl_pathc <= sizeof cases / sizeof *cases, "no cases: the tests run from the root of the checkout");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *base = strrchr(found.gl_pathv[i], '/') + 1;
        snprintf(cases[count].name, sizeof cases->name, "%.*s", (int)strcspn(base, "."), base);
        count += !pattern || !fnmatch(pattern, cases[count].name, 0);
    }
    globfree(&found);
    return cr_make_param_array(Case, cases, count);
}

/* The next word of a line of either text, up to one of `ends`; *at moves behind it. */
static const char *word(const char **at, const char *ends, char buffer[128])
{
    size_t length = strcspn(*at, ends);
    snprintf(buffer, 128, "%.*s", (int)length, *at);
    *at += length;
    return buffer;
}

/* The same words and, but for rounding, the same numbers. */
static void expect_same(const char *name, const char *ours, const char *keras, const char *ends)
{
    char a[128], b[128];
    const char *from = ours, *to = keras;
    while (*from && *to) {
        char *a_end, *b_end, end = from[strcspn(from, ends)];
        word(&from, ends, a);
        word(&to, ends, b);
        double x = strtod(a, &a_end), y = strtod(b, &b_end);
        bool numbers = *a && *b && !*a_end && !*b_end;
        cr_assert(numbers ? fabs(x - y) <= 1e-5 * fmax(fabs(y), 0.1) : !strcmp(a, b), "%s: %s is not %s; ours:\n%s\nKeras's:\n%s", name, a, b, ours, keras);
        cr_assert(*to == end, "%s: ours:\n%s\nKeras's:\n%s", name, ours, keras);
        from += *from != 0;
        to += *to != 0;
    }
    cr_assert(!*from && !*to, "%s: ours:\n%s\nKeras's:\n%s", name, ours, keras);
}

/* What the command prints, carriage returns left out; the caller frees it. */
static char *text_of(const char *command)
{
    const Shell *ended = shell("%s | tr -d '\\r'", command);
    cr_assert(!ended->status && *ended->out, "%s: %s", command, ended->err);
    return strdup(ended->out);
}

ParameterizedTest(Case *c, histories, as_in_keras, .timeout = 120 * PATIENCE)
{
    const char *name = c->name;
    shell_good("cp $ROOT/tests/histories/*.npy . && CFLAGS=\"$QUICK\" $CNNC $ROOT/tests/histories/%s.net -o m", name);
    shell_good("eval ./m $(sed -n '1s/^# //p' $ROOT/tests/histories/%s.net) --verbose 0 --shuffle false --weights $ROOT/tests/histories/%s.safetensors --history h.csv -o m.st", name, name);
    char command[256];
    snprintf(command, sizeof command, "cat $ROOT/tests/histories/%s.csv", name);
    char *ours = text_of("cat h.csv"), *keras = text_of(command);
    expect_same(name, ours, keras, ",\n");
    free(ours);
    free(keras);
    if (shell("test -e $ROOT/tests/histories/%s.txt", name)->status) return;
    snprintf(command, sizeof command, "sort $ROOT/tests/histories/%s.txt", name);
    keras = text_of(command);
    shell_good("eval ./m $(sed -n '2s/^# //p' $ROOT/tests/histories/%s.net) --verbose 0 --weights m.st > figures", name);
    ours = text_of("sort figures");
    expect_same(name, ours, keras, " \n");
    free(ours);
    free(keras);
}
