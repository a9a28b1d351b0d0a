/* Emitted C compiles without a warning: tools/warnings.sh on the examples and on networks that have every layer and
 * every form of graph. (Without arguments that script takes all networks, which is too long for each run of the tests.) */
#include "patience.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(warnings, examples, .timeout = 500 * PATIENCE)
{
    cr_expect(system("tools/warnings.sh examples/mlp/mlp.net examples/mnist_cnn/mnist_cnn.net examples/lenet5/lenet5.net examples/embed/digit.net "
                     "examples/lstm/lstm.net examples/two_outputs/two_outputs.net examples/augmentation/dense.net "
                     "examples/connectivity/locally_connected.net >&2") == 0);
}

Test(warnings, layers, .timeout = 500 * PATIENCE)
{
    cr_expect(system("tools/warnings.sh tests/layers/activation.net tests/layers/average_pooling2d.net "
                     "tests/layers/max_pooling2d.net tests/fixtures/adam_amsgrad.net tests/fixtures/conv2d_same_strides.net "
                     "tests/fixtures/cnn_dropout.net tests/fixtures/concatenate_axes.net "
                     "tests/fixtures/crossentropy_normalised.net tests/fixtures/names.net tests/fixtures/outputs_used.net "
                     "tests/fixtures/residual.net tests/fixtures/rescaling.net >&2") == 0);
}

Test(warnings, further_layers, .timeout = 900 * PATIENCE)
{
    cr_expect(system("tools/warnings.sh tests/layers/pooling_kinds.net tests/layers/rearranged.net tests/layers/merge.net tests/layers/embedding.net "
                     "tests/layers/losses_of_rows.net tests/layers/losses_of_numbers.net tests/layers/regularizers.net tests/layers/targets_and_steps.net "
                     "tests/layers/batch_normalization.net tests/layers/noise.net tests/fixtures/nadam_arguments.net >&2") == 0);
}

Test(warnings, sanitizers, .timeout = 500 * PATIENCE)
{
    cr_expect(system("tools/sanitize.sh cnn_dropout >&2") == 0);
}
