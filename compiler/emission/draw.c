/* The network as a drawing: an SVG that needs nothing else, readable on light and dark ground.
 *
 * A layer is a box: its name, its call, the shape that it gives, its parameters and multiply-adds. Rows follow the longest path from the
 * inputs, so that an edge always leads down; one that passes rows bends once in each, around the boxes. Within a row the order and the places
 * come from sweeps up and down: each item wants to stand at the mean of its neighbours in the row before, and gets the place
 * nearest to that, in the sense of least squares, at which nothing overlaps (pooling adjacent violators). The last sweep goes
 * down, so that a chain hangs straight from where it begins. */
#include "emission/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOX_WIDTH = 268,
    BOX_HEIGHT = 72,
    ROW_HEIGHT = 104,
    GAP = 28,
    MARGIN = 20,
    BEND_WIDTH = 12,
    MOST_BENDS = 20000, /* of a drawing that anyone can read; above, edges go straight */
    NAME_BYTES = 29,    /* that fit into a box, in the sizes of the two fonts */
    LINE_BYTES = 40,
    SWEEPS = 13, /* odd: the last goes down */
    HEAVY = 8,   /* what continues a branch, beside an edge that only passes by */
};

/* What stands in a row: a layer, or the place where an edge passes. */
typedef struct {
    bool bend;
    int row;
    double x, weight;
} Spot;

typedef struct { int from, to; } Edge; /* items, of neighbouring rows but where bends would be too many */

typedef struct { double wanted; int place, item; } Ordered;
typedef struct { double mean, weight; int count; } Block; /* of spots side by side */

typedef struct {
    const Graph *graph;
    Spot *items;
    int item_count, item_capacity;
    Edge *edges;
    int edge_count, edge_capacity;
    int *above, *below; /* edges sorted by their lower and by their upper item; [item]: where its edges begin */
    Edge *by_lower, *by_upper;
    int row_count;
    int **rows, *counts; /* the items of each row, from left to right */
    Ordered *order;      /* scratch for the items of a row */
    Block *block;
    double *offset;
} Drawing;

static int add_item(Drawing *d, bool bend, int row, int weight)
{
    d->items = memory_grow(d->items, &d->item_capacity, d->item_count, sizeof *d->items);
    d->items[d->item_count] = (Spot){.bend = bend, .row = row, .weight = weight};
    return d->item_count++;
}

static void add_edge(Drawing *d, int from, int to)
{
    d->edges = memory_grow(d->edges, &d->edge_capacity, d->edge_count, sizeof *d->edges);
    d->edges[d->edge_count++] = (Edge){from, to};
}

/* Layers and edges with their rows, then bends in the rows that an edge passes. */
static void find_rows(Drawing *d)
{
    const Graph *graph = d->graph;
    int *maker = NEW_ARRAY(int, graph->tensor_count + 1); /* of each tensor: the layer, from 1 */
    int64_t bends = 0;
    for (int i = 0; i < graph->layer_count; i++) {
        const LayerUse *layer = &graph->layers[i];
        int item = add_item(d, false, 0, HEAVY);
        for (int j = 0; j < layer->input_count; j++) {
            int from = maker[layer->inputs[j]->index] - 1;
            if (from < 0) continue;
            if (d->items[from].row >= d->items[item].row) d->items[item].row = d->items[from].row + 1;
            add_edge(d, from, item);
        }
        if (d->items[item].row >= d->row_count) d->row_count = d->items[item].row + 1;
        maker[layer->output->index] = i + 1;
    }
    for (int i = 0; i < d->edge_count; i++) bends += d->items[d->edges[i].to].row - d->items[d->edges[i].from].row - 1;
    if (bends > MOST_BENDS) return;
    int *readers = NEW_ARRAY(int, d->item_count + 1);
    for (int i = 0; i < d->edge_count; i++) readers[d->edges[i].from]++;
    for (int i = 0, count = d->edge_count; i < count; i++) {
        int from = d->edges[i].from, to = d->edges[i].to;
        for (int row = d->items[from].row + 1; row < d->items[to].row; row++) {
            int bend = add_item(d, true, row, readers[d->edges[i].from] == 1 ? HEAVY : 1);
            if (from == d->edges[i].from) d->edges[i].to = bend;
            else add_edge(d, from, bend);
            from = bend;
        }
        if (from != d->edges[i].from) add_edge(d, from, to);
    }
}

/* The edges sorted by one of their items, and where those of each begin. */
static int *sort_edges(const Drawing *d, bool lower, Edge **sorted)
{
    int *begin = NEW_ARRAY(int, d->item_count + 2);
    *sorted = NEW_ARRAY(Edge, d->edge_count + 1);
    for (int i = 0; i < d->edge_count; i++) begin[(lower ? d->edges[i].to : d->edges[i].from) + 2]++;
    for (int i = 2; i < d->item_count + 2; i++) begin[i] += begin[i - 1];
    for (int i = 0; i < d->edge_count; i++) (*sorted)[begin[(lower ? d->edges[i].to : d->edges[i].from) + 1]++] = d->edges[i];
    return begin;
}

static double item_width(const Spot *item)
{
    return item->bend ? BEND_WIDTH : BOX_WIDTH;
}

/* The mean place of its neighbours above, or of those below; where it has none it stays. */
static double wanted_place(const Drawing *d, int item, bool above)
{
    const int *begin = above ? d->above : d->below;
    double sum = 0, weight = 0;
    for (int i = begin[item]; i < begin[item + 1]; i++) {
        const Spot *other = &d->items[above ? d->by_lower[i].from : d->by_upper[i].to];
        sum += other->weight * other->x;
        weight += other->weight;
    }
    return weight > 0 ? sum / weight : d->items[item].x;
}

static int by_wanted(const void *a, const void *b)
{
    const Ordered *one = a, *two = b;
    return one->wanted < two->wanted ? -1 : one->wanted > two->wanted ? 1 : one->place - two->place;
}

/* The places of a row that are nearest to those wanted: blocks of items side by side, merged for as long as they overlap. */
static void place_row(Drawing *d, int row, bool above, bool sorted)
{
    int count = d->counts[row], blocks = 0;
    Ordered *order = d->order;
    Block *block = d->block;
    double *offset = d->offset, end = 0;
    for (int i = 0; i < count; i++) order[i] = (Ordered){wanted_place(d, d->rows[row][i], above), i, d->rows[row][i]};
    if (sorted) qsort(order, (size_t)count, sizeof *order, by_wanted);
    for (int i = 0; i < count; i++) {
        const Spot *item = &d->items[order[i].item];
        d->rows[row][i] = order[i].item;
        offset[i] = end + item_width(item) / 2;
        end += item_width(item) + GAP;
        block[blocks++] = (Block){order[i].wanted - offset[i], item->weight, 1};
        while (blocks > 1 && block[blocks - 2].mean > block[blocks - 1].mean) {
            Block *left = &block[blocks - 2], *right = &block[blocks - 1];
            left->mean = (left->mean * left->weight + right->mean * right->weight) / (left->weight + right->weight);
            left->weight += right->weight;
            left->count += right->count;
            blocks--;
        }
    }
    for (int b = 0, i = 0; b < blocks; b++)
        for (int k = 0; k < block[b].count; k++, i++) d->items[d->rows[row][i]].x = block[b].mean + offset[i];
}

static void find_places(Drawing *d)
{
    d->order = NEW_ARRAY(Ordered, d->item_count + 1);
    d->block = NEW_ARRAY(Block, d->item_count + 1);
    d->offset = NEW_ARRAY(double, d->item_count + 1);
    d->rows = NEW_ARRAY(int *, d->row_count + 1);
    d->counts = NEW_ARRAY(int, d->row_count + 1);
    for (int i = 0; i < d->item_count; i++) d->counts[d->items[i].row]++;
    for (int i = 0; i < d->row_count; i++) d->rows[i] = NEW_ARRAY(int, d->counts[i] + 1);
    memset(d->counts, 0, sizeof *d->counts * (size_t)d->row_count);
    for (int i = 0; i < d->item_count; i++) d->rows[d->items[i].row][d->counts[d->items[i].row]++] = i;
    d->above = sort_edges(d, true, &d->by_lower);
    d->below = sort_edges(d, false, &d->by_upper);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        bool down = sweep % 2 == 0;
        for (int i = 0; i < d->row_count; i++)
            place_row(d, down ? i : d->row_count - 1 - i, down, sweep < SWEEPS - 1);
    }
}

static bool has_written(const Object *object)
{
    bool any = false;
    for (int i = 0; object->entry->parameters && object->entry->parameters[i].name; i++) any = any || object->values[i].written;
    return any;
}

static void put_value(FILE *stream, const Value *value)
{
    if (value->kind == VALUE_OBJECT && !has_written(value->object)) fputs(value->object->entry->name, stream);
    else dump_value(stream, value, false);
}

/* What is written without brackets: the rest of the arguments, and one value where a list of them may stand. */
static bool is_bare(const Parameter *parameter, const Value *value)
{
    return parameter->rest ||
           (parameter->list && value->kind == VALUE_LIST && value->list.count == 1 && value->list.items[0].kind != VALUE_LIST);
}

/* The call as one would write it: without the names of the first arguments, and only what was written. */
static const char *call_text(const LayerUse *layer)
{
    const Parameter *parameter = layer->arguments ? layer->arguments->entry->parameters : NULL;
    char *data = NULL;
    size_t size = 0;
    FILE *stream = stream_begin(&data, &size);
    fputs(layer->layer->entry.name, stream);
    bool named = false;
    int count = 0;
    for (int i = 0; parameter && parameter[i].name; i++) {
        const Value *value = &layer->arguments->values[i];
        named = named || !value->written;
        if (!value->written) continue;
        fputs(count++ ? ", " : "(", stream);
        if (named) fprintf(stream, "%s=", parameter[i].name);
        bool bare = is_bare(&parameter[i], value);
        if (!bare) put_value(stream, value);
        for (int j = 0; bare && j < value->list.count; j++) {
            if (j) fputs(", ", stream);
            put_value(stream, &value->list.items[j]);
        }
    }
    if (count) fputs(")", stream);
    return stream_end(stream, &data);
}

static const char *shape_product(const Shape *shape)
{
    if (shape->rank == 0) return "one number";
    const char *text = memory_format("%lld", (long long)shape->size[0]);
    for (int i = 1; i < shape->rank; i++) text = memory_format("%s × %lld", text, (long long)shape->size[i]);
    return text;
}

static const char *cost_text(const LayerCost *cost)
{
    const char *parameters = cost->parameters ? memory_format("%s parameters", number_with_commas(cost->parameters)) : "";
    return cost->macs ? memory_format("%s%s%s MACs", parameters, *parameters ? " · " : "", number_with_commas(cost->macs)) : parameters;
}

static void add_box(Text *text, const LayerUse *layer, const LayerCost *cost, bool end, double x, int y)
{
    const char *call = call_text(layer), *shape = shape_product(&layer->output->shape), *costs = cost_text(cost);
    text_add(text, "<g class=\"%s\" transform=\"translate(%.1f %d)\"><title>", end ? "end" : cost->parameters ? "learns" : "fixed", x - BOX_WIDTH / 2.0, y);
    text_add_escaped(text, memory_format("%s = %s: %s", layer->name, call, shape), MAX_FULL_NAME);
    text_add(text, "</title><rect width=\"%d\" height=\"%d\" rx=\"8\"/><path class=\"bar\" d=\"M1 9v%d\"/><text class=\"name\" x=\"14\" y=\"19\">", BOX_WIDTH, BOX_HEIGHT, BOX_HEIGHT - 18);
    text_add_escaped(text, layer->name, NAME_BYTES);
    text_add(text, "</text><text x=\"14\" y=\"34\">");
    text_add_escaped(text, call, LINE_BYTES);
    text_add(text, "</text><text class=\"shape\" x=\"14\" y=\"49\">%s</text><text x=\"14\" y=\"63\">%s</text></g>\n", shape, costs);
}

static const char style[] =
    "<style>\n"
    ".network{--page:#fff;--box:#f7f8fa;--line:#c3c9d2;--ink:#1b1f24;--soft:#59626e;--learns:#2f6fde;--fixed:#9aa4b1;--end:#1f9d61;font-family:system-ui,sans-serif}\n"
    "@media(prefers-color-scheme:dark){.network{--page:#14171b;--box:#1f242a;--line:#454d57;--ink:#eceff3;--soft:#a7b0bb;--learns:#6ea3ff;--fixed:#6c7682;--end:#45c98a}}\n"
    ".network .page{fill:var(--page)}\n"
    ".network g rect{fill:var(--box);stroke:var(--line)}\n"
    ".network .edge{fill:none;stroke:var(--fixed);stroke-width:1.6}\n"
    ".network .head{fill:var(--fixed)}\n"
    ".network .bar{stroke-width:4;stroke-linecap:round}\n"
    ".network .learns .bar{stroke:var(--learns)}.network .fixed .bar{stroke:var(--fixed)}.network .end .bar{stroke:var(--end)}\n"
    ".network text{fill:var(--soft);font-size:11px}\n"
    ".network .name{fill:var(--ink);font-size:13px;font-weight:600}.network .shape{fill:var(--ink)}\n"
    "</style>\n";

/* From a box's lower side, through the bends, to another's upper side. */
static void add_path(Text *text, const Drawing *d, Edge edge, double left)
{
    const Spot *from = &d->items[edge.from];
    text_add(text, "<path class=\"edge\" marker-end=\"url(#head)\" d=\"M%.1f %d", from->x - left, MARGIN + from->row * ROW_HEIGHT + BOX_HEIGHT);
    for (int at = edge.to;; at = d->by_upper[d->below[at]].to) {
        const Spot *to = &d->items[at];
        int begin = MARGIN + from->row * ROW_HEIGHT + BOX_HEIGHT, end = MARGIN + to->row * ROW_HEIGHT - (to->bend ? 0 : 7), middle = (begin + end) / 2;
        if (fabs(from->x - to->x) < 0.05) text_add(text, "V%d", end);
        else text_add(text, "C%.1f %d %.1f %d %.1f %d", from->x - left, middle, to->x - left, middle, to->x - left, end);
        if (!to->bend) break;
        text_add(text, "v%d", BOX_HEIGHT);
        from = to;
    }
    text_add(text, "\"/>\n");
}

const char *draw_network(const Graph *graph)
{
    Drawing d = {.graph = graph};
    find_rows(&d);
    find_places(&d);
    double left = INFINITY, right = -INFINITY;
    for (int i = 0; i < d.item_count; i++) {
        left = fmin(left, d.items[i].x - item_width(&d.items[i]) / 2 - MARGIN);
        right = fmax(right, d.items[i].x + item_width(&d.items[i]) / 2 + MARGIN);
    }
    if (!d.item_count) left = right = 0;
    int width = (int)ceil(right - left), height = d.row_count * ROW_HEIGHT - (ROW_HEIGHT - BOX_HEIGHT) + 2 * MARGIN;
    Text text = {0};
    text_add(&text, "<svg class=\"network\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>", width, height, width, height);
    text_add_escaped(&text, memory_format("the network %s", graph->name), MAX_FULL_NAME);
    text_add(&text, "</title>\n%s", style);
    text_add(&text, "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"5\" markerHeight=\"5\" orient=\"auto\"><path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n");
    text_add(&text, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height);
    for (int i = 0; i < d.edge_count; i++)
        if (!d.items[d.edges[i].from].bend) add_path(&text, &d, d.edges[i], left);
    const LayerCost *costs = layer_costs(graph);
    for (int i = 0; i < graph->layer_count; i++) {
        bool end = !graph->layers[i].input_count;
        for (int j = 0; j < graph->output_count; j++) end = end || graph->layers[i].output == graph->outputs[j];
        add_box(&text, &graph->layers[i], &costs[i], end, d.items[i].x - left, MARGIN + d.items[i].row * ROW_HEIGHT);
    }
    text_add(&text, "</svg>\n");
    return text.data;
}
