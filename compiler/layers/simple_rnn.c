/* simple_rnn: h = tanh(x + h recurrent_kernel + bias), with x the product of the input and the kernel, step by step.
 *
 * kernel (features, units), recurrent_kernel (units, units), bias (units). Source: Elman, Finding structure in time, 1990;
 * keras.io/api/layers/recurrent_layers/simple_rnn. */
#include "../kernels/recurrent.h"

static const Parameter parameters[] = {
    {.name = "units", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of outputs of a step"},
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "tanh", .help = "what is applied to the sum"},
    RECURRENT_INITIALIZERS,
    RECURRENT_OPTIONS,
    {0},
};

static void reference(const Recurrent *r, const double *x, const double *kernel, const double *bias, const double *before, double *h, double *state)
{
    (void)state;
    for (int64_t j = 0; j < r->units; j++) h[j] = recurrent_apply(r->activation, x[j] + recurrent_sum(r, before, kernel, j) + (bias ? bias[j] : 0));
}

static void forward(const CellLines *l, int stage)
{
    (void)stage;
    cell_input(l, "v", 0);
    cell_inner(l, "s", 0);
    EMIT(l->e, "v += s;");
    cell_gate(l, "v", 0, l->recurrent->activation);
    cell_store(l, "h[m][j]", "v");
}

static void backward(const CellLines *l, int stage)
{
    (void)stage;
    cell_derive(l, "d", 0, l->recurrent->activation);
    cell_give(l, 0, "d");
}

static const Cell cell = {
    .gates = 1,
    .bias_rows = 1,
    .stages = 1,
    .stage = {{"h", 0, 1, false}},
    .arrays = {"h"},
    .states = 1,
    .d_arrays = {"d_h"},
    .lefts = 1,
    .formula = "h = f(x + h recurrent_kernel)",
    .reference = reference,
    .forward = forward,
    .backward = backward,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return recurrent_build(graph, call, &cell);
}

const Layer simple_rnn_layer = {
    .entry = {"simple_rnn", "Reads a sequence step by step: each output is made of the input and of the output before.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
