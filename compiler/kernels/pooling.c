/* Pooling: one number out of each window of each channel; vectors run along the channels.
 *
 * Padding never takes part: windows are cut at the image's border, as Keras does for the maximum and the average. A sequence is an
 * image of one row; a global pooling has one window, the whole image. The gradient
 * of the maximum goes to the first largest number of the window, in reading order, as TensorFlow's does: where it is trained,
 * the forward pass notes its place, so that the images need not be kept. */
#include "kernels.h"

#include <string.h>

enum { MOST_ROW = 4096 }; /* numbers of a row that is laid out on the stack */

Tensor *pooling_build(Graph *graph, const LayerCall *call, const Operator *op, int axes, bool global)
{
    Node *node = graph_node(graph, op, call, NULL, call->inputs, 1);
    Pooling *p = node->detail = NEW(Pooling);
    *p = (Pooling){.axes = axes, .global = global};
    return node->outputs[0];
}

void pooling_shape(Graph *graph, Node *node)
{
    (void)graph;
    const Tensor *x = node->inputs[0];
    const Shape *shape = &x->shape;
    const Object *a = node->arguments;
    Pooling *p = node->detail;
    if (!places_given(node, a->entry->name, p->axes)) return;
    int width = p->axes - 1;
    p->height = p->axes == 2 ? shape->size[0] : 1;
    p->width = shape->size[width];
    p->channels = shape->size[width + 1];
    p->rows = p->columns = 1;
    if (p->global) {
        p->window_height = p->stride_height = p->height;
        p->window_width = p->stride_width = p->width;
        node->outputs[0]->shape = shape_of(3, (const int64_t[]){1, 1, p->channels});
        if (!argument_boolean(a, "keepdims")) node->outputs[0]->shape = shape_of(1, &p->channels);
        else if (p->axes == 1) node->outputs[0]->shape = shape_of(2, (const int64_t[]){1, p->channels});
        return;
    }
    const char *strides = has_argument(a, "strides") ? "strides" : "pool_size";
    bool same = argument_word(a, "padding")[0] == 's';
    if (p->axes == 2) {
        argument_pair(a, "pool_size", &p->window_height, &p->window_width);
        argument_pair(a, strides, &p->stride_height, &p->stride_width);
        if (!window_places(node, "pool_size", x, 0, p->window_height, p->stride_height, same, &p->rows, &p->pad_top)) return;
    } else {
        p->window_height = p->stride_height = 1;
        p->window_width = argument_size(a, "pool_size");
        p->stride_width = argument_size(a, strides);
    }
    if (!window_places(node, "pool_size", x, width, p->window_width, p->stride_width, same, &p->columns, &p->pad_left)) return;
    node->outputs[0]->shape = shape_of(3, (const int64_t[]){p->rows, p->columns, p->channels});
    if (p->axes == 1) node->outputs[0]->shape = shape_of(2, (const int64_t[]){p->columns, p->channels});
}

/* The phase, with every operand as images: a sequence is one of a single row. */
static void begin(Emit *e, const Node *node)
{
    static const char *const of_image[] = {"x", "d_x"}, *const of_windows[] = {"y", "d_y", "selected"};
    const Pooling *p = node->detail;
    for (int i = 0; i < 2; i++)
        if (operand_number(node, of_image[i]) >= 0) phase_operand(e, operand_number(node, of_image[i]), 4, (const int64_t[]){-1, p->height, p->width, p->channels});
    for (int i = 0; i < 3; i++)
        if (operand_number(node, of_windows[i]) >= 0) phase_operand(e, operand_number(node, of_windows[i]), 4, (const int64_t[]){-1, p->rows, p->columns, p->channels});
    emit_narrow(e, p->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, p->rows);
}

static bool is_padded(const Pooling *p)
{
    return (p->rows - 1) * p->stride_height + p->window_height > p->height || (p->columns - 1) * p->stride_width + p->window_width > p->width ||
           p->pad_top || p->pad_left;
}

/* Opens the loops over output pixels; the window's rows and columns are h0 .. h1 and w0 .. w1. */
static void emit_windows(Emit *e, const Pooling *p)
{
    fill_size(e, "H", p->height);
    fill_size(e, "W", p->width);
    fill_size(e, "C", p->channels);
    fill_size(e, "P", p->rows);
    fill_size(e, "Q", p->columns);
    fill_size(e, "R", p->window_height);
    fill_size(e, "S", p->window_width);
    fill_size(e, "STRIDEH", p->stride_height);
    fill_size(e, "STRIDEW", p->stride_width);
    fill_size(e, "TOP", p->pad_top);
    fill_size(e, "LEFT", p->pad_left);
    EMIT(e, "for (int p = $LOW; p < $HIGH; p++) {");
    if (is_padded(p))
        EMIT(e,
             "const int h0 = p * $STRIDEH < $TOP ? 0 : p * $STRIDEH - $TOP;",
             "const int h1 = p * $STRIDEH - $TOP + $R < $H ? p * $STRIDEH - $TOP + $R : $H;");
    EMIT(e, "for (int q = 0; q < $Q; q++) {");
    if (is_padded(p))
        EMIT(e,
             "const int w0 = q * $STRIDEW < $LEFT ? 0 : q * $STRIDEW - $LEFT;",
             "const int w1 = q * $STRIDEW - $LEFT + $S < $W ? q * $STRIDEW - $LEFT + $S : $W;");
}

/* A loop over the numbers of the window: their place is x[n]$AT[c]. */
static void emit_window_begin(Emit *e, const Pooling *p)
{
    if (is_padded(p)) {
        fill(e, "AT", "[h][w]");
        EMIT(e, "for (int h = h0; h < h1; h++) {", "for (int w = w0; w < w1; w++) {");
    } else {
        fill(e, "AT", "[p * %lld + r][q * %lld + s]", (long long)p->stride_height, (long long)p->stride_width);
        EMIT(e, "for (int r = 0; r < $R; r++) {", "for (int s = 0; s < $S; s++) {");
    }
}

static void fill_window_size(Emit *e, const Pooling *p)
{
    if (is_padded(p)) fill(e, "SIZE", "(float)((h1 - h0) * (w1 - w0))");
    else fill(e, "SIZE", "%s", float_text((double)(p->window_height * p->window_width)));
}

/* The place in the window, counted from the first that lies on the image. */
static void fill_window_place(Emit *e, const Pooling *p)
{
    fill(e, "OFFSET", is_padded(p) ? "(h - h0) * %lld + w - w0" : "r * %lld + s", (long long)p->window_width);
}

DataType max_pooling_place_type(const Pooling *p)
{
    return p->window_height <= 16 && p->window_width <= 16 ? TYPE_UINT8 : TYPE_INT32;
}

/* An expression that loads places, a statement that stores them; `lanes` of the vector exist. */
static const char *place_load(Emit *e, const Pooling *p, int lanes)
{
    int full = emit_level(e)->lanes;
    bool bytes = max_pooling_place_type(p) == TYPE_UINT8;
    if (bytes && lanes == full) return memory_format("load_u8_i32x%d(&selected[n][p][q][c])", full);
    return memory_format("load_part_%si32x%d(&selected[n][p][q][c], %d)", bytes ? "u8_" : "", full, lanes);
}

static const char *place_store(Emit *e, const Pooling *p, int lanes)
{
    int full = emit_level(e)->lanes;
    bool bytes = max_pooling_place_type(p) == TYPE_UINT8;
    if (bytes && lanes == full) return memory_format("store_u8_i32x%d(&selected[n][p][q][c], place);", full);
    return memory_format("store_part_%si32x%d(&selected[n][p][q][c], place, %d);", bytes ? "u8_" : "", full, lanes);
}

/* $SUM: what was gathered so far; $A: another number, or, in `join`, what was gathered elsewhere. */
typedef struct { const char *start, *gather, *join, *finish; } Gather;

static void emit_gather(Emit *e, const char *sum, const char *number, const char *gather)
{
    fill(e, "SUM", "%s", sum);
    fill(e, "A", "%s", number);
    EMIT(e, gather);
}

static void emit_forward_channels(Emit *e, const Node *node, int lanes, const void *context)
{
    const Gather *gather = context;
    const Pooling *p = node->detail;
    bool places = operand_number(node, "selected") >= 0;
    fill(e, "START", "%s", gather->start);
    EMIT(e, "f32x$L v = (f32x$L){0} + $START;");
    if (places) EMIT(e, "i32x$L place = {0};");
    emit_window_begin(e, p);
    fill(e, "LOAD", "%s", load_text(e, memory_format("&x[%s]%s[c]", e->single ? "0" : "n", is_padded(p) ? "[h][w]" : memory_format("[p * %lld + r][q * %lld + s]", (long long)p->stride_height, (long long)p->stride_width)), lanes));
    EMIT(e, "const f32x$L a = $LOAD;");
    if (places) {
        fill_window_place(e, p);
        EMIT(e, "const i32x$L larger = a > v;", "place = (larger & ($OFFSET)) | (~larger & place);");
    }
    emit_gather(e, "v", "a", gather->gather);
    EMIT(e, "}", "}");
    if (places) EMIT(e, place_store(e, p, lanes));
    fill_window_size(e, p);
    if (*gather->finish) EMIT(e, gather->finish);
    const char *at = e->single ? "[0][p][q][c]" : "[n][p][q][c]";
    emit_epilogue(e, node, "v", at, memory_format("(uint32_t)(((%s * %lld + p) * %lld + q) * %lld + c)", e->single ? "0" : "n", (long long)p->rows, (long long)p->columns, (long long)p->channels), lanes);
    emit_store(e, memory_format("&y%s", at), "v", lanes);
}

/* ---- one window, the whole image: several sums in turn, since each of them would wait for its last addition ---- */

enum { PART = 2 * ROW_MARGIN, SUMS = 4 }; /* channels at once, side by side in memory; sums, at least */

/* The sum of vector `v` of the part's channels that takes every so manieth pixel. */
static const char *sum_name(int turn, int v)
{
    return memory_format("s%d_%d", turn, v);
}

/* Of each vector of the part's channels `count` pixels: m, m + 1 and so on, or those from `first` on. */
static void emit_turns(Emit *e, int64_t first, int64_t count, int channels, const char *gather)
{
    int lanes = emit_level(e)->lanes;
    for (int t = 0; t < count; t++)
        for (int v = 0; v * lanes < channels; v++) {
            const char *pixel = first >= 0 ? memory_format("%lld", (long long)(first + t)) : t ? memory_format("m + %d", t) : "m";
            const char *from = memory_format(v ? "&x[%s][%s][c + %d]" : "&x[%s][%s][c]", e->single ? "0" : "n", pixel, v * lanes);
            text_add(&e->body, "const f32x%d a%d_%d = %s;\n", lanes, t, v, load_text(e, from, channels - v * lanes < lanes ? channels - v * lanes : lanes));
            emit_gather(e, sum_name(t, v), memory_format("a%d_%d", t, v), gather);
        }
}

static void emit_image_channels(Emit *e, const Node *node, int channels, const void *context)
{
    const Gather *gather = context;
    const Pooling *p = node->detail;
    int lanes = emit_level(e)->lanes, vectors = (channels + lanes - 1) / lanes, turns = vectors < SUMS ? SUMS / vectors : 1;
    int64_t pixels = p->height * p->width, whole = pixels / turns * turns;
    for (int t = 0; t < turns; t++)
        for (int v = 0; v < vectors; v++) EMIT(e, memory_format("f32x$L %s = (f32x$L){0} + %s;", sum_name(t, v), gather->start));
    fill_size(e, "PIXELS", whole);
    if (whole) {
        EMIT(e, memory_format("for (int m = 0; m < $PIXELS; m += %d) {", turns));
        emit_turns(e, -1, turns, channels, gather->gather);
        EMIT(e, "}");
    }
    emit_turns(e, whole, pixels - whole, channels, gather->gather);
    fill(e, "SIZE", "%s", float_text((double)pixels));
    for (int v = 0; v < vectors; v++) {
        for (int t = 1; t < turns; t++) emit_gather(e, sum_name(0, v), sum_name(t, v), gather->join);
        fill(e, "SUM", "%s", sum_name(0, v));
        if (*gather->finish) EMIT(e, gather->finish);
        const char *n = e->single ? "0" : "n", *c = v ? memory_format("c + %d", v * lanes) : "c", *at = memory_format("[%s][%s]", n, c);
        int last = channels - v * lanes < lanes ? channels - v * lanes : lanes;
        emit_epilogue(e, node, sum_name(0, v), at, memory_format("(uint32_t)(%s * %lld + %s)", n, (long long)p->channels, c), last);
        emit_store(e, memory_format("&y%s", at), sum_name(0, v), last);
    }
}

static void emit_image(Emit *e, const Node *node, const Gather *gather)
{
    const Pooling *p = node->detail;
    phase_operand(e, operand_number(node, "x"), 3, (const int64_t[]){-1, p->height * p->width, p->channels});
    phase_operand(e, operand_number(node, "y"), 2, (const int64_t[]){-1, p->channels});
    emit_narrow(e, p->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, (p->channels + PART - 1) / PART);
    EMIT(e, "$SAMPLES{");
    run_parts(e, node, "c", p->channels, PART, emit_image_channels, gather);
    EMIT(e, "}");
    phase_end(e);
}

static void emit_forward(Emit *e, const Node *node, const Gather *gather)
{
    const Pooling *p = node->detail;
    if (p->global && operand_number(node, "selected") < 0) {
        emit_image(e, node, gather);
        return;
    }
    begin(e, node);
    EMIT(e, "$SAMPLES{");
    emit_windows(e, p);
    run_lines(e, node, "c", p->channels, emit_forward_channels, gather);
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

void max_pooling_emit(Emit *e, const Node *node)
{
    emit_forward(e, node, &(Gather){"-INFINITY", "$SUM = max_f32x$L($A, $SUM);", "$SUM = max_f32x$L($A, $SUM);", ""});
}

void average_pooling_emit(Emit *e, const Node *node)
{
    emit_forward(e, node, &(Gather){"0.0f", "$SUM += $A;", "$SUM += $A;", "$SUM = $SUM / $SIZE;"});
}

void l2_pooling_emit(Emit *e, const Node *node)
{
    emit_forward(e, node, &(Gather){"0.0f", "$SUM += $A * $A;", "$SUM += $A;", "$SUM = sqrt_f32x$L($SUM);"});
}

const Pooling *max_pooling_of(const Node *node, bool gradient)
{
    const Pooling *p = node->op->emit == (gradient ? max_pooling_gradient_emit : max_pooling_emit) ? node->detail : NULL;
    return p && p->axes == 2 && !p->global ? p : NULL;
}

/* What the gradient does to d_x: adds where windows overlap, else writes; zeros first where windows leave gaps. */
static bool windows_overlap(const Pooling *p)
{
    return p->stride_height < p->window_height || p->stride_width < p->window_width;
}

/* Does the image have numbers outside all windows? */
static bool has_gaps(const Pooling *p)
{
    return p->stride_height > p->window_height || p->stride_width > p->window_width || p->rows * p->stride_height < p->height ||
           p->columns * p->stride_width < p->width;
}

bool pooling_tiles(const Pooling *p)
{
    return !windows_overlap(p) && !has_gaps(p);
}

/* A number of the window in the image, as a subscript. */
static const char *image_place(const Pooling *p)
{
    return is_padded(p) ? "[n][h][w][c]" : memory_format("[n][p * %lld + r][q * %lld + s][c]", (long long)p->stride_height, (long long)p->stride_width);
}

static void emit_give(Emit *e, const Node *node, int lanes, const char *value)
{
    const Pooling *p = node->detail;
    const char *at = image_place(p);
    const char *to = memory_format("&d_x%s", at);
    if (windows_overlap(p)) value = memory_format("%s + %s", load_text(e, to, lanes), value);
    if (node->epilogue_count) {
        const char *h = is_padded(p) ? "h" : memory_format("p * %lld + r", (long long)p->stride_height);
        const char *w = is_padded(p) ? "w" : memory_format("q * %lld + s", (long long)p->stride_width);
        fill(e, "VALUE", "%s", value);
        EMIT(e, "f32x$L v = $VALUE;");
        value = "v";
        emit_epilogue(e, node, value, at, memory_format("(uint32_t)(((n * %lld + %s) * %lld + %s) * %lld + c)", (long long)p->height, h, (long long)p->width, w, (long long)p->channels), lanes);
    }
    emit_store(e, to, value, lanes);
}

static void emit_max_gradient_channels(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const Pooling *p = node->detail;
    fill(e, "LOAD", "%s", load_text(e, "&d_y[n][p][q][c]", lanes));
    EMIT(e, "const f32x$L d = $LOAD;");
    fill(e, "LOAD", "%s", place_load(e, p, lanes));
    EMIT(e, "const i32x$L place = $LOAD;");
    emit_window_begin(e, p);
    fill_window_place(e, p);
    EMIT(e, "const i32x$L hit = place == ($OFFSET);");
    emit_give(e, node, lanes, memory_format("keep_f32x%d(hit, d)", emit_level(e)->lanes));
    EMIT(e, "}", "}");
}

static void emit_average_gradient_channels(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    fill_window_size(e, node->detail);
    fill(e, "LOAD", "%s", load_text(e, "&d_y[n][p][q][c]", lanes));
    EMIT(e, "const f32x$L d = $LOAD / $SIZE;");
    emit_window_begin(e, node->detail);
    emit_give(e, node, lanes, "d");
    EMIT(e, "}", "}");
}

static void emit_l2_gradient_channels(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const Pooling *p = node->detail;
    fill(e, "LOAD", "%s", load_text(e, "&d_y[n][p][q][c]", lanes));
    fill(e, "ROOT", "%s", load_text(e, "&y[n][p][q][c]", lanes));
    EMIT(e, "const f32x$L root = $ROOT, d = keep_f32x$L(root > 0.0f, $LOAD / root);");
    emit_window_begin(e, p);
    fill(e, "LOAD", "%s", load_text(e, memory_format("&x%s", image_place(p)), lanes));
    EMIT(e, "const f32x$L a = $LOAD;");
    emit_give(e, node, lanes, "d * a");
    EMIT(e, "}", "}");
}

static void emit_gradient(Emit *e, const Node *node, RunLines *work)
{
    const Pooling *p = node->detail;
    begin(e, node);
    EMIT(e, "for (ptrdiff_t n = first; n < last; n++) {");
    if (has_gaps(p) || windows_overlap(p)) EMIT(e, "memset(d_x[n], 0, sizeof d_x[n]);");
    emit_windows(e, p);
    run_lines(e, node, "c", p->channels, work, NULL);
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

void l2_pooling_gradient_emit(Emit *e, const Node *node)
{
    emit_gradient(e, node, emit_l2_gradient_channels);
}

void max_pooling_gradient_emit(Emit *e, const Node *node)
{
    emit_gradient(e, node, emit_max_gradient_channels);
}

static void emit_average_row_channels(Emit *e, const Node *node, int lanes, const void *context)
{
    (void)context;
    const Pooling *p = node->detail;
    bool padded = is_padded(p);
    fill_window_size(e, p);
    fill(e, "LOAD", "%s", load_text(e, "&d_y[n][p][q][c]", lanes));
    EMIT(e, "const f32x$L d = $LOAD / $SIZE;");
    EMIT(e, padded ? "for (int w = w0; w < w1; w++) {" : "for (int s = 0; s < $S; s++) {");
    int whole = emit_level(e)->lanes; /* a whole vector, where what it writes too much is written after it */
    emit_store(e, padded ? memory_format("&row[w * %lld + c]", (long long)p->channels) : memory_format("&row[(q * %lld + s) * %lld + c]", (long long)p->stride_width, (long long)p->channels), "d", p->channels < whole ? whole : lanes);
    EMIT(e, "}");
}

/* Where the channels do not fill vectors and windows do not meet: the row that all rows of the windows receive is laid out, and goes
 * from there as one run. */
static void emit_average_gradient_rows(Emit *e, const Node *node)
{
    const Pooling *p = node->detail;
    int64_t run = p->width * p->channels;
    phase_operand(e, 0, 4, (const int64_t[]){-1, p->rows, p->columns, p->channels});
    phase_operand(e, node->input_count + node->weight_count, 3, (const int64_t[]){-1, p->height, run});
    emit_narrow(e, p->channels);
    phase_begin(e, node, NULL, OVER_SAMPLES, p->rows);
    fill_size(e, "ROOM", run + emit_level(e)->lanes);
    EMIT(e, "float row[$ROOM];", "for (ptrdiff_t n = first; n < last; n++) {");
    emit_windows(e, p);
    run_lines(e, node, "c", p->channels, emit_average_row_channels, NULL);
    EMIT(e, "}");
    if (is_padded(p)) EMIT(e, "for (int h = h0; h < h1; h++) {");
    else EMIT(e, "for (int h = p * $STRIDEH; h < p * $STRIDEH + $R; h++) {");
    run_emit(e, node, run, "&row[j]", "d_x", "[n][h][j]", memory_format("(uint32_t)((n * %lld + h) * %lld + j)", (long long)p->height, (long long)run));
    EMIT(e, "}", "}", "}");
    phase_end(e);
}

void average_pooling_gradient_emit(Emit *e, const Node *node)
{
    const Pooling *p = node->detail;
    if (pooling_tiles(p) && p->channels % emit_level(e)->lanes && p->width * p->channels <= MOST_ROW) emit_average_gradient_rows(e, node);
    else emit_gradient(e, node, emit_average_gradient_channels);
}

void pooling_reference(const Node *node, Reference *r, double start, double (*gather)(double, double), double (*finish)(double, int64_t))
{
    const Pooling *p = node->detail;
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->columns; j++)
            for (int64_t c = 0; c < p->channels; c++) {
                double value = start;
                int64_t count = 0;
                for (int64_t h = i * p->stride_height - p->pad_top; h < i * p->stride_height - p->pad_top + p->window_height; h++)
                    for (int64_t w = j * p->stride_width - p->pad_left; w < j * p->stride_width - p->pad_left + p->window_width; w++) {
                        if (h < 0 || h >= p->height || w < 0 || w >= p->width) continue;
                        value = gather(value, r->inputs[0][(h * p->width + w) * p->channels + c]);
                        count++;
                    }
                r->outputs[0][(i * p->columns + j) * p->channels + c] = finish(value, count);
            }
}

const char *const pooling_paddings[] = {"valid", "same", NULL};

const char *pooling_formula(const Node *node, const char *what)
{
    const Pooling *p = node->detail;
    if (p->global) return memory_format("%s all %lld numbers of each channel", what, (long long)(p->height * p->width));
    return memory_format("%s each window of %lld x %lld, a step being %lld x %lld", what, (long long)p->window_height, (long long)p->window_width, (long long)p->stride_height, (long long)p->stride_width);
}
