/* gru: gated recurrent unit. With x the product of the input and the kernel and s that of h and the recurrent kernel, each of three columns
 * for each unit, in this order, with biases b of their own,
 *
 *     z = sigmoid(x_z + s_z)   r = sigmoid(x_r + s_r)   g = tanh(x_g + r s_g)   h = z h + (1 - z) g
 *
 * where the reset gate r comes after the product (reset_after=true: bias (2, 3 units), the second row being that of s), or before it:
 * s_g is the product of r h then (bias (3 units)). kernel (features, 3 units), recurrent_kernel (units, 3 units). Source: Cho et al.,
 * Learning phrase representations using RNN encoder-decoder, 2014; keras.io/api/layers/recurrent_layers/gru. */
#include "../kernels/recurrent.h"

static const Parameter parameters[] = {
    {.name = "units", .type = PARAMETER_SIZE, .minimum = 1, .maximum = 0x1p53, .help = "the number of outputs of a step"},
    {.name = "activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "tanh", .help = "of the new candidate"},
    {.name = "recurrent_activation", .type = PARAMETER_OBJECT, .table = &activation_table, .fallback = "sigmoid", .help = "of the gates"},
    RECURRENT_INITIALIZERS,
    RECURRENT_OPTIONS,
    {.name = "reset_after", .type = PARAMETER_BOOLEAN, .fallback = "true", .help = "the reset gate is applied after the product with the recurrent kernel, not before it"},
    {0},
};

enum { Z, R, G };

/* z and r of unit j, and what x and the bias give the candidate. */
static void reference_gates(const Recurrent *r, const double *x, const double *kernel, const double *bias, const double *before, int64_t j, double *gates)
{
    int64_t all = 3 * r->units;
    for (int k = 0; k < 3; k++) {
        int64_t column = k * r->units + j;
        double sum = x[column] + (bias ? bias[column] : 0);
        if (k < G && bias && r->cell->bias_rows == 2) sum += bias[all + column];
        gates[k] = k < G ? recurrent_apply(r->recurrent_activation, sum + recurrent_sum(r, before, kernel, column)) : sum;
    }
}

static void reference_after(const Recurrent *r, const double *x, const double *kernel, const double *bias, const double *before, double *h, double *state)
{
    (void)state;
    for (int64_t j = 0; j < r->units; j++) {
        double gates[3];
        reference_gates(r, x, kernel, bias, before, j, gates);
        double inner = recurrent_sum(r, before, kernel, 2 * r->units + j) + (bias ? bias[5 * r->units + j] : 0);
        h[j] = gates[Z] * before[j] + (1 - gates[Z]) * recurrent_apply(r->activation, gates[G] + gates[R] * inner);
    }
}

static void reference_before(const Recurrent *r, const double *x, const double *kernel, const double *bias, const double *before, double *h, double *state)
{
    double gates[3], *reset = state;
    for (int64_t j = 0; j < r->units; j++) {
        reference_gates(r, x, kernel, bias, before, j, gates);
        reset[j] = gates[R] * before[j];
    }
    for (int64_t j = 0; j < r->units; j++) {
        reference_gates(r, x, kernel, bias, before, j, gates);
        double candidate = recurrent_apply(r->activation, gates[G] + recurrent_sum(r, reset, kernel, 2 * r->units + j));
        h[j] = gates[Z] * before[j] + (1 - gates[Z]) * candidate;
    }
}

static void gate(const CellLines *l, const char *name, int number, const Object *activation)
{
    cell_input(l, name, number);
    cell_inner(l, memory_format("s%s", name), number);
    text_add(&l->e->body, "%s += s%s;\n", name, name);
    cell_gate(l, name, number, activation);
}

static void forward_after(const CellLines *l, int stage)
{
    (void)stage;
    const Recurrent *recurrent = l->recurrent;
    gate(l, "z", Z, recurrent->recurrent_activation);
    gate(l, "r", R, recurrent->recurrent_activation);
    cell_input(l, "g", G);
    cell_inner(l, "s", G);
    cell_keep(l, "inner", "s");
    EMIT(l->e, "g += r * s;");
    cell_gate(l, "g", G, recurrent->activation);
    cell_load(l, "v", "h[m][j]");
    EMIT(l->e, "v = g + z * (v - g);");
    cell_store(l, "h[m][j]", "v");
}

static void backward_after(const CellLines *l, int stage)
{
    (void)stage;
    const Recurrent *recurrent = l->recurrent;
    cell_value(l, "z", Z, recurrent->recurrent_activation);
    cell_value(l, "r", R, recurrent->recurrent_activation);
    cell_value(l, "g", G, recurrent->activation);
    cell_previous(l, "b");
    cell_kept(l, "s", "inner");
    EMIT(l->e, "f32x$L dz = d * (b - g), dg = d * (1.0f - z), dh = d * z;");
    cell_store(l, "d_h[m][j]", "dh");
    cell_derive(l, "dg", G, recurrent->activation);
    EMIT(l->e, "f32x$L dr = dg * s, ds = dg * r;");
    cell_derive(l, "dz", Z, recurrent->recurrent_activation);
    cell_derive(l, "dr", R, recurrent->recurrent_activation);
    cell_give(l, Z, "dz");
    cell_give(l, R, "dr");
    cell_give(l, G, "dg");
    cell_give_inner(l, Z, 0, "dz");
    cell_give_inner(l, R, 0, "dr");
    cell_give_inner(l, G, 0, "ds");
}

static void forward_before(const CellLines *l, int stage)
{
    const Recurrent *recurrent = l->recurrent;
    if (stage == 0) {
        gate(l, "z", Z, recurrent->recurrent_activation);
        gate(l, "r", R, recurrent->recurrent_activation);
        cell_left(l, "v");
        EMIT(l->e, "v = r * v;");
        cell_store(l, "update[m][j]", "z");
        cell_store(l, "reset[m][j]", "v");
        if (l->keeps) cell_store(l, "previous[n][at][1][j]", "v");
        return;
    }
    gate(l, "g", G, recurrent->activation);
    cell_load(l, "z", "update[m][j]");
    cell_load(l, "v", "h[m][j]");
    EMIT(l->e, "v = g + z * (v - g);");
    cell_store(l, "h[m][j]", "v");
}

static void backward_before(const CellLines *l, int stage)
{
    const Recurrent *recurrent = l->recurrent;
    if (stage == 1) {
        cell_previous(l, "b");
        cell_value(l, "z", Z, recurrent->recurrent_activation);
        cell_value(l, "g", G, recurrent->activation);
        EMIT(l->e, "f32x$L dz = d * (b - g), dg = d * (1.0f - z), dh = d * z, none = {0};");
        cell_store(l, "d_h[m][j]", "dh");
        cell_derive(l, "dz", Z, recurrent->recurrent_activation);
        cell_derive(l, "dg", G, recurrent->activation);
        cell_give(l, Z, "dz");
        cell_give(l, G, "dg");
        cell_give_inner(l, Z, 0, "dz");
        cell_give_inner(l, G, 0, "none");
        cell_give_inner(l, Z, 1, "none");
        cell_give_inner(l, R, 1, "none");
        cell_give_inner(l, G, 1, "dg");
        return;
    }
    cell_value(l, "r", R, recurrent->recurrent_activation);
    cell_load(l, "b", "previous[n][at][0][j]");
    cell_load(l, "ds", "d_reset[m][j]");
    cell_load(l, "dh", "d_h[m][j]");
    EMIT(l->e, "f32x$L dr = ds * b;", "ds *= r;");
    cell_mask(l, "ds");
    EMIT(l->e, "dh += ds;");
    cell_store(l, "d_h[m][j]", "dh");
    cell_derive(l, "dr", R, recurrent->recurrent_activation);
    cell_give(l, R, "dr");
    cell_give_inner(l, R, 0, "dr");
}

static const Cell after_cell = {
    .gates = 3,
    .bias_rows = 2,
    .stages = 1,
    .stage = {{"h", 0, 3, true}},
    .arrays = {"h"},
    .states = 1,
    .reads_before = true,
    .d_arrays = {"d_h"},
    .kept = {"inner"},
    .lefts = 1,
    .d_inner = true,
    .formula = "z, r = the gates of x + s, s = h recurrent_kernel; g = tanh(x + r s); h = z h + (1 - z) g",
    .reference = reference_after,
    .forward = forward_after,
    .backward = backward_after,
};

static const Cell before_cell = {
    .gates = 3,
    .bias_rows = 1,
    .stages = 2,
    .stage = {{"h", 0, 2, true}, {"reset", 2, 3, false}},
    .arrays = {"h", "reset", "update"},
    .states = 1,
    .reads_before = true,
    .d_arrays = {"d_h", "d_reset"},
    .lefts = 2,
    .d_inner = true,
    .formula = "z, r = the gates of x + h recurrent_kernel; g = tanh(x + (r h) recurrent_kernel); h = z h + (1 - z) g",
    .reference = reference_before,
    .forward = forward_before,
    .backward = backward_before,
};

static Tensor *build(Graph *graph, const LayerCall *call)
{
    return recurrent_build(graph, call, argument_boolean(call->arguments, "reset_after") ? &after_cell : &before_cell);
}

const Layer gru_layer = {
    .entry = {"gru", "Gated recurrent unit: reads a sequence step by step; two gates decide what it keeps.", parameters, NULL},
    .least_inputs = 1,
    .most_inputs = 1,
    .build = build,
};
