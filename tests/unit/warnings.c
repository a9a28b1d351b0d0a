/* Emitted C compiles without a warning: tools/warnings.sh on the examples and on networks that have every layer and
 * every form of graph. (Without arguments that script takes all networks, which is too long for each run of the tests.) */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(warnings, examples, .timeout = 500)
{
    cr_expect(system("tools/warnings.sh examples/*/*.net >&2") == 0);
}

Test(warnings, layers, .timeout = 500)
{
    cr_expect(system("tools/warnings.sh tests/layers/activation.net tests/layers/average_pooling2d.net "
                     "tests/layers/max_pooling2d.net tests/fixtures/adam_amsgrad.net tests/fixtures/conv2d_same_strides.net "
                     "tests/fixtures/cnn_dropout.net tests/fixtures/concatenate_axes.net "
                     "tests/fixtures/crossentropy_normalised.net tests/fixtures/names.net tests/fixtures/outputs_used.net "
                     "tests/fixtures/residual.net tests/fixtures/rescaling.net >&2") == 0);
}

Test(warnings, sanitizers, .timeout = 500)
{
    cr_expect(system("tools/sanitize.sh cnn_dropout >&2") == 0);
}
