/* What fit() says against the network that it is for: files for each input and output, classes and figures that there are.
 *
 * Needs: shapes. Gives: diagnoses. */
#include "cnnc.h"

#include <string.h>

static void check_files(const Graph *graph, const char *name, int count, const char *what)
{
    const Value *files = argument(graph->fit, name);
    if (files->list.count == 0 || files->list.count == count) return;
    if (!count) {
        diagnose(files->place, "`%s` of fit names a file, but compile() says which tensors are the targets", name);
        return;
    }
    diagnose(files->place, "`%s` of fit names %d files, but the network has %d %s%s", name, files->list.count, count, what, count == 1 ? "" : "s");
}

/* How many classes the targets of the network's only output can name: a row's largest number is its class, and a lone number, rounded,
 * the class itself. 0: a sample names none; MAX_SIZE: any. */
static int64_t class_count(const Graph *graph)
{
    LossCase loss_case;
    if (graph->output_count != 1 || graph->uses[0].target) return 0;
    const Loss *loss = loss_of_output(graph, 0, &loss_case);
    const OutputUse *use = &graph->uses[0];
    if (loss_case.count != loss_case.classes) return 0;
    if (loss_case.classes > 1) return loss_case.classes;
    bool classifies = strstr(loss->entry.name, "crossentropy");
    for (int i = 0; i < use->metric_count; i++) classifies = classifies || strstr(use->metrics[i].object->entry->name, "accuracy");
    return classifies ? 2 : MAX_SIZE;
}

static void check_class_weight(const Graph *graph)
{
    if (!has_argument(graph->fit, "class_weight")) return;
    const Value *map = argument(graph->fit, "class_weight");
    int64_t classes = class_count(graph);
    if (!classes) diagnose(map->place, "`class_weight` is for networks with one output, whose targets name one class for each sample");
    for (int i = 0; classes && i < map->list.count; i += 2) {
        double class = map->list.items[i].number;
        if (class < (double)classes) continue;
        diagnose(map->list.items[i].place, "there is no class %s; the network has %lld, counted from 0", number_text(class), (long long)classes);
    }
}

static void check_monitors(const Graph *graph)
{
    int count;
    const char **names = figure_names(graph, &count);
    const Value *callbacks = argument(graph->fit, "callbacks");
    for (int i = 0; i < callbacks->list.count; i++) {
        const Object *callback = callbacks->list.items[i].object;
        if (!has_argument(callback, "monitor")) continue;
        const Value *monitor = argument(callback, "monitor");
        bool known = false;
        for (int j = 0; j < count; j++) known = known || !strcmp(names[j], monitor->text);
        if (known) continue;
        const char *closest = diagnostics_closest(monitor->text, names, count);
        diagnose(monitor->place, "%s: there is no `%s` to monitor; did you mean `%s`?", callback->entry->name, monitor->text, closest ? closest : "val_loss");
    }
}

void fit_pass(Graph *graph)
{
    if (!graph->fit || !graph->compile) return;
    check_files(graph, "x", graph->input_count, "input");
    int targets = graph->uses[0].target ? 0 : graph->output_count;
    check_files(graph, "y", targets, "output");
    check_files(graph, "validation_x", graph->input_count, "input");
    check_files(graph, "validation_y", targets, "output");
    check_class_weight(graph);
    check_monitors(graph);
}
