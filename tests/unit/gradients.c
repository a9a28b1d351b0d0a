/* Emitted code against the reference (differences.h), for each tests/layers/NAME.net: a network dropped into that folder is a further test.
 * $LAYERS, a pattern, chooses some. */
#include "differences.h"
#include "arena.h"
#include "emitted.h"
#include "patience.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char net[256];
} Case;

ParameterizedTestParameters(gradients, differences)
{
    char pattern[256];
    const char *chosen = getenv("LAYERS");
    snprintf(pattern, sizeof pattern, "tests/layers/%s.net", chosen && *chosen ? chosen : "*");
    glob_t found;
    size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    Case *cases = cr_malloc((count + 1) * sizeof *cases); /* never of size 0 */
    for (size_t i = 0; i < count; i++) snprintf(cases[i].net, sizeof cases[i].net, "%s", found.gl_pathv[i]);
    globfree(&found);
    return cr_make_param_array(Case, cases, count, NULL);
}

ParameterizedTest(Case *chosen, gradients, differences, .timeout = 500 * PATIENCE)
{
    char problem[4096];
    const CnncModel *model = emitted_load(chosen->net, problem, sizeof problem);
    cr_assert(model, "%s: %s", chosen->net, problem);
    differences_check(chosen->net, model, false);
    arena_check(chosen->net, model);
}

/* Without its folder the test above would have nothing to do, and pass. */
Test(gradients, are_there)
{
    glob_t found;
    cr_assert(glob("tests/layers/*.net", 0, NULL, &found) == 0, "run the tests from the root of the checkout");
    globfree(&found);
}
