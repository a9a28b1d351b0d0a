/* lstm: long short-term memory. With x the product of the input and the kernel and s that of h and the recurrent kernel, both of four
 * columns for each unit, in this order,
 *
 *     i = sigmoid(x_i + s_i + b_i)   f = sigmoid(x_f + s_f + b_f)   g = tanh(x_g + s_g + b_g)   o = sigmoid(x_o + s_o + b_o)
 *     c = f c + i g                  h = o tanh(c)
 *
 * kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units). Source: Hochreiter and Schmidhuber, Long short-term
 * memory, 1997; keras.io/api/layers/recurrent_layers/lstm. */
#include "../kernels/recurrent.h"

static const Parameter parameters[] = {
    {.name = "units", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of outputs of a step"},
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "tanh", .help = "of what the cell takes in and gives"},
    {.name = "recurrent_activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "sigmoid", .help = "of the gates"},
    RECURRENT_INITIALIZERS,
    {.name = "unit_forget_bias", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "the bias of the forget gate begins with 1"},
    RECURRENT_OPTIONS,
    {0},
};

enum { I, F, G, O };

static void reference(const Recurrent *r, const double *x, const double *kernel, const double *bias, const double *before, double *h, double *state)
{
    for (int64_t j = 0; j < r->units; j++) {
        double sum[4];
        for (int k = 0; k < 4; k++) {
            int64_t column = k * r->units + j;
            sum[k] = x[column] + recurrent_sum(r, before, kernel, column) + (bias ? bias[column] : 0);
        }
        double i = recurrent_apply(r->recurrent_activation, sum[I]), f = recurrent_apply(r->recurrent_activation, sum[F]);
        state[j] = f * state[j] + i * recurrent_apply(r->activation, sum[G]);
        h[j] = recurrent_apply(r->recurrent_activation, sum[O]) * recurrent_apply(r->activation, state[j]);
    }
}

static void gate(const CellLines *l, const char *name, int number, const Object *activation)
{
    cell_input(l, name, number);
    cell_inner(l, memory_format("s%s", name), number);
    text_add(&l->e->body, "%s += s%s;\n", name, name);
    cell_gate(l, name, number, activation);
}

static void forward(const CellLines *l, int stage)
{
    (void)stage;
    const Recurrent *r = l->recurrent;
    gate(l, "i", I, r->recurrent_activation);
    gate(l, "f", F, r->recurrent_activation);
    gate(l, "g", G, r->activation);
    gate(l, "o", O, r->recurrent_activation);
    cell_load(l, "v", "c[m][j]");
    EMIT(l->e, "v = f * v + i * g;");
    cell_store(l, "c[m][j]", "v");
    cell_keep(l, "carry", "v");
    cell_activate(l, "v", r->activation);
    EMIT(l->e, "v = o * v;");
    cell_store(l, "h[m][j]", "v");
}

static void backward(const CellLines *l, int stage)
{
    (void)stage;
    const Recurrent *r = l->recurrent;
    cell_value(l, "i", I, r->recurrent_activation);
    cell_value(l, "f", F, r->recurrent_activation);
    cell_value(l, "g", G, r->activation);
    cell_value(l, "o", O, r->recurrent_activation);
    cell_load(l, "v", "carry[n][at][j]");
    cell_before(l, "b", "carry");
    cell_load(l, "dv", "d_c[m][j]");
    EMIT(l->e, "f32x$L a = v;");
    cell_activate(l, "a", r->activation);
    EMIT(l->e, "f32x$L dp = d * a, da = d * o;");
    cell_derive_at(l, "da", "v", "a", r->activation);
    EMIT(l->e, "dv += da;", "f32x$L di = dv * g, df = dv * b, dg = dv * i;", "dv = dv * f;");
    cell_store(l, "d_c[m][j]", "dv");
    static const char *const names[] = {"di", "df", "dg", "dp"};
    for (int k = 0; k < 4; k++) {
        cell_derive(l, names[k], k, k == G ? r->activation : r->recurrent_activation);
        cell_give(l, k, names[k]);
    }
}

static const Cell cell = {
    .gates = 4,
    .bias_rows = 1,
    .stages = 1,
    .stage = {{"h", 0, 4, false}},
    .arrays = {"h", "c"},
    .states = 2,
    .start = "c",
    .d_arrays = {"d_h", "d_c"},
    .kept = {"carry"},
    .lefts = 1,
    .formula = "i, f, g, o = the gates of x + h recurrent_kernel; c = f c + i g; h = o tanh(c)",
    .reference = reference,
    .forward = forward,
    .backward = backward,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return recurrent_build(graph, call, &cell);
}

const Layer lstm_layer = {
    .entry = {"lstm", "Long short-term memory: reads a sequence step by step; gates decide what it keeps.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
