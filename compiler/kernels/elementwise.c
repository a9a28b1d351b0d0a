/* Element-wise work that found no host to be fused into: one pass over flat arrays. */
#include "kernels.h"

#include <string.h>

/* Loads, the node's own lines, its epilogue and the store, for the numbers from i on. */
static void emit_element_lines(Emit *e, const Node *node, int lanes)
{
    fill_size(e, "PART", lanes);
    if (node->inputs[0]->type == TYPE_INT32) {
        EMIT(e,
             "i32x$L whole = {0};",
             "memcpy(&whole, &x[i], $PART * sizeof(int32_t));",
             "f32x$L v = __builtin_convertvector(whole, f32x$L);");
    } else if (node->inputs[0]->type == TYPE_UINT8) {
        if (lanes == emit_level(e)->lanes) EMIT(e, "const i32x$L bytes = load_u8_i32x$L(&x[i]);");
        else EMIT(e, "const i32x$L bytes = load_part_u8_i32x$L(&x[i], $PART);");
        EMIT(e, "f32x$L v = __builtin_convertvector(bytes, f32x$L);");
    } else {
        fill(e, "LOAD", "%s", load_text(e, "&x[i]", lanes));
        EMIT(e, "f32x$L v = $LOAD;");
    }
    fill(e, "X", "v");
    fill_index(e, "(uint32_t)i");
    const char *name = node->op->operands;
    for (int j = 1; j < node->input_count; j++) {
        name = strchr(name, ' ') + 1;
        fill(e, (char[]){(char)('A' + j - 1), 0}, "%s", further_load(e, node->inputs[j], memory_format("%.*s", (int)strcspn(name, " ;"), name), "[i]", lanes));
    }
    if (node->op->element) node->op->element(e, node);
    emit_epilogue(e, node, "v", "[i]", "(uint32_t)i", lanes);
    emit_store(e, "&y[i]", "v", lanes);
}

void elementwise_emit(Emit *e, const Node *node)
{
    int64_t size = shape_count(&node->outputs[0]->shape), lanes = emit_level(e)->lanes;
    phase_begin(e, node, NULL, OVER_SAMPLES, 0);
    fill_size(e, "SIZE", size);
    if (e->single) {
        fill_size(e, "FULL", size / lanes * lanes);
        if (size >= lanes) {
            EMIT(e, "for (int i = 0; i < $FULL; i += $L) {");
            emit_element_lines(e, node, (int)lanes);
            EMIT(e, "}");
        }
        if (size % lanes) {
            EMIT(e, "{", "const int i = $FULL;");
            emit_element_lines(e, node, (int)(size % lanes));
            EMIT(e, "}");
        }
    } else {
        EMIT(e, "ptrdiff_t i = first * $SIZE;", "for (; i + $L <= last * $SIZE; i += $L) {");
        emit_element_lines(e, node, (int)lanes);
        EMIT(e, "}");
        if (size % lanes) {
            EMIT(e, "for (; i < last * $SIZE; i++) {");
            emit_element_lines(e, node, 1);
            EMIT(e, "}");
        }
    }
    phase_end(e);
}

static const char *conversion_formula(const Node *node)
{
    return node->inputs[0]->type == TYPE_INT32 ? "whole numbers as floats" : "bytes as floats";
}

static void conversion_shape(Graph *graph, Node *node)
{
    (void)graph;
    node->outputs[0]->shape = node->inputs[0]->shape;
}

static void conversion_reference(const Node *node, Reference *r)
{
    for (int64_t i = 0; i < shape_count(&node->outputs[0]->shape); i++) r->outputs[0][i] = r->inputs[0][i];
}

const Operator conversion_operator = {
    .name = "conversion",
    .suffix = "forward",
    .operands = "x; y",
    .flags = OPERATOR_FLAT | OPERATOR_EPILOGUE | OPERATOR_WHOLE | OPERATOR_BY_SAMPLES | OPERATOR_KEEPS_SIGN,
    .shape = conversion_shape,
    .steps = steps_kept,
    .reference = conversion_reference,
    .emit = elementwise_emit,
    .formula = conversion_formula,
};
