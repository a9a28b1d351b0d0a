/* A program's memory as a drawing: each buffer of the arena is a box, as wide as it lives and as high as it is large, at its offset.
 * Time, the nodes in their order, goes to the right; the arena's first byte is at the bottom. What lives within a chain stands once for
 * each worker, as it does in memory.
 *
 * Needs: the plan. The SVG needs nothing else and is readable on light and dark ground. */
#include "emission/generate.h"

#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1000,
    LEFT = 84, /* for the numbers of bytes */
    RIGHT = 12,
    TOP = 34,
    PLOT_HEIGHT = 320,
    LABELS = 110, /* below, for the names of layers, which stand aslant */
    LABEL_STEP = 15,
    LETTER = 7,        /* about a letter's width */
    MOST_BOXES = 4000, /* the largest: of more nobody sees anything */
    NAME_BYTES = 18,
};

typedef struct {
    const Graph *graph;
    Text *text;
} Picture;

static double x_of(const Picture *p, int step)
{
    return LEFT + (double)(WIDTH - LEFT - RIGHT) * step / (p->graph->node_count ? p->graph->node_count : 1);
}

static double y_of(const Picture *p, int64_t offset)
{
    return TOP + PLOT_HEIGHT * (1 - (double)offset / (double)(p->graph->arena_bytes ? p->graph->arena_bytes : 1));
}

/* What stands in the memory, as a class of the style sheet. */
static const char *kind_of(const Tensor *tensor)
{
    if (tensor->role == ROLE_WORKSPACE) return "scratch";
    if (tensor->role == ROLE_ACTIVATION) return strncmp(tensor->name, "d_", 2) ? "activation" : "gradient";
    return "result";
}

/* Does the tensor of that number have memory of its own in the arena? */
static bool is_shown(const Graph *graph, int number)
{
    const Tensor *tensor = graph->tensors[number];
    return tensor->offset >= 0 && !tensor->view_of && tensor->bytes && tensor->index == number;
}

static void add_box(const Picture *p, const Tensor *tensor, int64_t offset)
{
    int end = tensor->last < p->graph->node_count ? tensor->last + 1 : p->graph->node_count;
    double x = x_of(p, tensor->first), width = x_of(p, end) - x, y = y_of(p, offset + tensor->bytes), height = y_of(p, offset) - y;
    text_add(p->text, "<g class=\"%s\"><title>", kind_of(tensor));
    text_add_escaped(p->text, memory_format("%s: %s bytes at %s, from step %d to %d", tensor->name, number_with_commas(tensor->bytes), number_with_commas(offset), tensor->first, end - 1), MAX_FULL_NAME);
    text_add(p->text, "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, y, width, height);
    if (height >= 13 && width >= 8 * LETTER) {
        int letters = (int)(width / LETTER) - 1;
        text_add(p->text, "<text x=\"%.1f\" y=\"%.1f\">", x + 4, y + height / 2 + 4);
        text_add_escaped(p->text, tensor->name, letters < MAX_FULL_NAME ? letters : MAX_FULL_NAME);
        text_add(p->text, "</text>");
    }
    text_add(p->text, "</g>\n");
}

static int by_bytes(const void *a, const void *b)
{
    const Tensor *one = *(const Tensor *const *)a, *two = *(const Tensor *const *)b;
    return one->bytes != two->bytes ? (one->bytes > two->bytes ? -1 : 1) : one->index - two->index;
}

static void add_boxes(const Picture *p)
{
    const Graph *graph = p->graph;
    const Tensor **shown = NEW_ARRAY(const Tensor *, graph->tensor_count + 1);
    int64_t workers = plan_workers(graph), shared = graph->arena_bytes - graph->worker_bytes * workers;
    int count = 0, boxes = 0;
    for (int i = 0; i < graph->tensor_count; i++)
        if (is_shown(graph, i)) shown[count++] = graph->tensors[i];
    qsort(shown, (size_t)count, sizeof *shown, by_bytes);
    for (int i = 0; i < count; i++)
        for (int64_t worker = 0; worker < (shown[i]->chain ? workers : 1) && boxes < MOST_BOXES; worker++, boxes++)
            add_box(p, shown[i], shown[i]->offset + (shown[i]->chain ? shared + worker * graph->worker_bytes : 0));
}

/* The layer at which each stretch of nodes works, where there is room for its name. */
static void add_labels(const Picture *p)
{
    const Graph *graph = p->graph;
    double free = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const char *name = graph->nodes[i]->name;
        if (i && !strcmp(name, graph->nodes[i - 1]->name)) continue;
        int end = i + 1;
        while (end < graph->node_count && !strcmp(name, graph->nodes[end]->name)) end++;
        double x = (x_of(p, i) + x_of(p, end)) / 2;
        text_add(p->text, "<path class=\"grid\" d=\"M%.1f %d v%d\"/>", x_of(p, i), TOP, PLOT_HEIGHT);
        if (x < free) continue;
        free = x + LABEL_STEP;
        text_add(p->text, "<text class=\"label\" transform=\"translate(%.1f %d) rotate(-50)\">", x + 4, TOP + PLOT_HEIGHT + 14);
        text_add_escaped(p->text, name, NAME_BYTES);
        text_add(p->text, "</text>\n");
    }
}

/* Bytes at the left, at round numbers of their unit. */
static void add_scale(const Picture *p)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double bytes = (double)p->graph->arena_bytes, unit = 1, step = 0.1;
    int number = 0;
    while (bytes / unit >= 1024 && number < 4) unit *= 1024, number++;
    for (int k = 0; bytes / unit / step > 6; k++) step *= k % 3 == 1 ? 2.5 : 2; /* 0.1, 0.2, 0.5, 1, ... */
    for (int k = 0; k * step * unit <= bytes; k++) {
        double at = k * step, y = y_of(p, (int64_t)(at * unit));
        text_add(p->text, "<path class=\"grid\" d=\"M%d %.1f H%d\"/><text class=\"number\" x=\"%d\" y=\"%.1f\">%g %s</text>\n", LEFT - 5, y, WIDTH - RIGHT, LEFT - 9, y + 4, at, units[number]);
    }
}

/* What the colours mean, of those that there are. */
static void add_legend(const Picture *p)
{
    static const char *const kinds[][2] = {{"activation", "activations"}, {"gradient", "gradients"}, {"scratch", "scratch memory of a layer"}, {"result", "losses"}};
    for (int i = 0, x = LEFT; i < 4; i++) {
        bool any = false;
        for (int j = 0; j < p->graph->tensor_count; j++) any = any || (is_shown(p->graph, j) && !strcmp(kind_of(p->graph->tensors[j]), kinds[i][0]));
        if (!any) continue;
        text_add(p->text, "<g class=\"%s\"><rect x=\"%d\" y=\"8\" width=\"14\" height=\"11\"/><text x=\"%d\" y=\"18\">%s</text></g>\n", kinds[i][0], x, x + 20, kinds[i][1]);
        x += 36 + LETTER * (int)strlen(kinds[i][1]);
    }
}

static const char style[] =
    "<style>\n"
    ".memory{--line:#d5dae1;--ink:#1b1f24;--soft:#59626e;--activation:#bcd3fb;--gradient:#fbd0ae;--scratch:#d9dde3;--result:#bfe5cd;font-family:system-ui,sans-serif}\n"
    "@media(prefers-color-scheme:dark){.memory{--line:#3a424c;--ink:#eceff3;--soft:#a7b0bb;--activation:#2b4a80;--gradient:#7a4a1e;--scratch:#434b55;--result:#245c3e}}\n"
    ".memory rect{stroke:var(--line);stroke-width:.6}\n"
    ".memory .activation rect{fill:var(--activation)}.memory .gradient rect{fill:var(--gradient)}.memory .scratch rect{fill:var(--scratch)}.memory .result rect{fill:var(--result)}\n"
    ".memory .grid{stroke:var(--line);stroke-width:.5}\n"
    ".memory text{font-size:11px;fill:var(--ink)}.memory .label,.memory .number{fill:var(--soft);text-anchor:end}\n"
    "</style>\n";

const char *draw_memory(const Graph *graph)
{
    Text text = {0};
    const Picture p = {graph, &text};
    int height = TOP + PLOT_HEIGHT + LABELS;
    text_add(&text, "<svg class=\"memory\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s bytes of memory over time</title>\n%s", WIDTH, height, WIDTH, height, number_with_commas(graph->arena_bytes), style);
    add_legend(&p);
    add_scale(&p);
    add_labels(&p);
    add_boxes(&p);
    text_add(&text, "</svg>\n");
    return text.data;
}
