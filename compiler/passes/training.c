/* compile() for each output: its loss and by how much that counts, its metrics and their names, its target where that is a tensor of
 * the network.
 *
 * training_pass needs the source graph with shapes; gives graph->uses. Lists go by the order of outputs(), maps by their names; a
 * single loss or metric serves every output. A metric that is the mean of a loss is computed by the operator that computes the loss, in
 * the emitted program: so there is one formula for both, and the logits behind it, as in Keras. */
#include "cnnc.h"

#include <string.h>

/* The outputs as a message lists them. */
static const char *output_names(const Graph *graph)
{
    const char *text = "";
    for (int i = 0; i < graph->output_count; i++) text = memory_format("%s%s%s", text, i ? ", " : "", graph->outputs[i]->name);
    return text;
}

static const char *key_name(const Value *key)
{
    return key->kind != VALUE_TENSOR ? key->text : key->tensor ? key->tensor->name : key->tensor_name;
}

/* Whether the argument can be split among the outputs; reports it where not. */
static bool check_split(const Graph *graph, const char *name)
{
    const Value *value = argument(graph->compile, name);
    int count = value->list.count, errors = diagnostics_errors();
    if (value->kind == VALUE_LIST) {
        bool shared = !count || (count == 1 && (!strstr(name, "loss") || (value->list.lone && strcmp(name, "loss_weights"))));
        if (shared || count == graph->output_count || (graph->output_count == 1 && !strstr(name, "loss"))) return true;
        diagnose(value->place,
                 "`%s` has %d item%s, but the network has %d output%s (%s): a list has one for each",
                 name,
                 count,
                 count == 1 ? "" : "s",
                 graph->output_count,
                 graph->output_count == 1 ? "" : "s",
                 output_names(graph));
    }
    for (int i = 0; value->kind == VALUE_MAP && i < count; i += 2) {
        const Value *key = &value->list.items[i];
        bool known = false, twice = false;
        for (int j = 0; j < graph->output_count; j++) known = known || !strcmp(graph->outputs[j]->name, key_name(key));
        for (int j = 0; j < i; j += 2) twice = twice || !strcmp(key_name(&value->list.items[j]), key_name(key));
        if (!known) diagnose(key->place, "`%s` is no output of the network; its outputs are: %s", key_name(key), output_names(graph));
        if (twice) diagnose(key->place, "`%s` stands twice in `%s`", key_name(key), name);
    }
    return diagnostics_errors() == errors;
}

/* What a list or map says of one output; NULL: nothing. */
static const Value *share_of(const Graph *graph, const char *name, int output)
{
    const Value *value = argument(graph->compile, name);
    if (value->kind == VALUE_LIST) return value->list.count > 1 ? &value->list.items[output] : value->list.count ? &value->list.items[0] : NULL;
    for (int i = 0; i < value->list.count; i += 2)
        if (!strcmp(key_name(&value->list.items[i]), graph->outputs[output]->name)) return &value->list.items[i + 1];
    return NULL;
}

/* Of a loss or a list of one. */
static const Object *only_object(const Value *value)
{
    if (value && value->kind == VALUE_LIST) value = value->list.count == 1 ? &value->list.items[0] : NULL;
    return value && value->kind == VALUE_OBJECT ? value->object : NULL;
}

static bool is_loss(const Object *object)
{
    return table_find(&loss_table, object->entry->name) == object->entry;
}

/* The loss whose mean the metric is, or NULL. */
static const Object *loss_of_metric(const Object *object)
{
    if (is_loss(object)) return object;
    const Metric *metric = (const Metric *)(const void *)object->entry;
    if (!metric->of) return NULL;
    Object *loss = NEW(Object);
    *loss = (Object){.entry = &metric->of->entry, .place = object->place, .name_place = object->name_place};
    return loss;
}

static bool class_indices(const Object *loss)
{
    return ((const Loss *)(const void *)loss->entry)->class_indices;
}

static bool name_taken(const Graph *graph, const char *name)
{
    for (int i = 0; i < graph->output_count; i++)
        for (int j = 0; j < graph->uses[i].metric_count; j++)
            if (!strcmp(graph->uses[i].metrics[j].name, name)) return true;
    return false;
}

/* As Keras names them: by the spelling, with the output's name before it where there are several, and what makes a second one differ. */
static const char *metric_name(const Graph *graph, int output, const Object *object, bool weighted)
{
    const char *prefix = graph->output_count > 1 ? memory_format("%s_", graph->outputs[output]->name) : "";
    const char *name = memory_format("%s%s", prefix, object->spelling);
    if (!name_taken(graph, name)) return name;
    if (weighted) name = memory_format("%sweighted_%s", prefix, object->spelling);
    if (!name_taken(graph, name)) return name;
    for (int i = 1;; i++) {
        const char *numbered = memory_format("%s_%d", name, i);
        if (!name_taken(graph, numbered)) return numbered;
    }
}

static void add_metric(Graph *graph, int output, const Object *object, bool weighted)
{
    OutputUse *use = &graph->uses[output];
    const Object *loss = loss_of_metric(object);
    const Shape *shape = &graph->outputs[output]->shape;
    int64_t classes = shape->rank ? shape->size[shape->rank - 1] : 1;
    if (loss && class_indices(loss) != class_indices(use->loss)) {
        diagnose(object->place, "%s takes %s, but the loss takes %s", object->spelling, class_indices(loss) ? "class numbers" : "rows like the output", class_indices(loss) ? "rows like the output" : "class numbers");
        diagnose_note(use->loss->place, "the loss is %s", use->loss->entry->name);
        return;
    }
    if (has_argument(object, "class_id") && argument_size(object, "class_id") >= classes) {
        diagnose(argument_place(object, "class_id"), "there is no class %lld: the output has %lld, from 0", (long long)argument_size(object, "class_id"), (long long)classes);
        return;
    }
    if (has_argument(object, "top_k") && argument_size(object, "top_k") > classes) {
        diagnose(argument_place(object, "top_k"), "`top_k` is %lld, but the output has %lld classes", (long long)argument_size(object, "top_k"), (long long)classes);
        return;
    }
    if (!loss && use->target && use->target->role != ROLE_INPUT) {
        diagnose(object->place, "%s is computed from the targets, and these are no input but a tensor within the network", object->spelling);
        return;
    }
    MetricUse *longer = NEW_ARRAY(MetricUse, use->metric_count + 1);
    if (use->metric_count) memcpy(longer, use->metrics, sizeof *longer * (size_t)use->metric_count);
    longer[use->metric_count] = (MetricUse){object, metric_name(graph, output, object, weighted), loss, weighted};
    use->metrics = longer;
    use->metric_count++;
}

static void add_metrics(Graph *graph, int output, const char *name, bool weighted)
{
    const Value *all = argument(graph->compile, name), *value = share_of(graph, name, output);
    if (graph->output_count == 1 && all->kind == VALUE_LIST) value = all;
    if (!value) return;
    if (value->kind == VALUE_OBJECT) add_metric(graph, output, value->object, weighted);
    for (int i = 0; value->kind == VALUE_LIST && i < value->list.count; i++) {
        const Value *item = &value->list.items[i];
        if (item->kind == VALUE_OBJECT) add_metric(graph, output, item->object, weighted);
        for (int j = 0; item->kind == VALUE_LIST && j < item->list.count; j++) add_metric(graph, output, item->list.items[j].object, weighted);
    }
}

static void set_target(Graph *graph, int output, const Value *name)
{
    OutputUse *use = &graph->uses[output];
    const Tensor *prediction = graph->outputs[output];
    Shape wanted = prediction->shape;
    if (class_indices(use->loss) && wanted.rank) wanted.rank--;
    DataType type = class_indices(use->loss) ? TYPE_INT32 : TYPE_FLOAT32;
    use->target = name->tensor;
    if (name->tensor->type != type) {
        diagnose(name->place, "`%s` holds %s, but the loss %s takes %s", name->tensor_name, type == TYPE_INT32 ? "float32 numbers" : "whole numbers", use->loss->entry->name, type == TYPE_INT32 ? "class numbers" : "float32 numbers");
    } else if (!shape_same(&name->tensor->shape, &wanted)) {
        diagnose(name->place, "the target `%s` is %s, but output %s needs %s", name->tensor_name, shape_string(&name->tensor->shape), prediction->name, shape_string(&wanted));
        note_producer(prediction);
    }
}

static void check_steps(Graph *graph)
{
    for (int i = 0; i < graph->output_count; i++) {
        const Shape *shape = &graph->outputs[i]->shape;
        if (shape->rank == 2 && shape->size[0] == graph->outputs[0]->shape.size[0]) continue;
        diagnose(argument_place(graph->compile, "sample_weight_mode"),
                 shape->rank == 2 ? "with weights for each step all outputs must have the same steps; %s is %s" : "temporal is for outputs that are sequences, (steps, numbers); %s is %s",
                 graph->outputs[i]->name,
                 shape_string(shape));
        note_producer(graph->outputs[i]);
        return;
    }
}

const char **figure_names(const Graph *graph, int *count)
{
    int most = 1;
    for (int i = 0; i < graph->output_count; i++) most += 1 + graph->uses[i].metric_count;
    const char **names = NEW_ARRAY(const char *, 2 * most);
    int number = 0;
    names[number++] = "loss";
    for (int i = 0; i < graph->output_count; i++) {
        if (graph->output_count > 1) names[number++] = memory_format("%s_loss", graph->outputs[i]->name);
        for (int j = 0; j < graph->uses[i].metric_count; j++) names[number++] = graph->uses[i].metrics[j].name;
    }
    for (int i = 0; i < number; i++) names[number + i] = memory_format("val_%s", names[i]);
    *count = 2 * number;
    return names;
}

/* An output named `val` would have a val_loss, which is the validation's. */
static void check_figures(const Graph *graph)
{
    int count;
    const char **names = figure_names(graph, &count);
    Names of_validation = {0};
    for (int i = count / 2; i < count; i++) names_add(&of_validation, names[i]);
    for (int i = 0; i < graph->output_count; i++) {
        const Tensor *output = graph->outputs[i];
        size_t length = strlen(output->name);
        for (int j = 0; j < count / 2; j++) {
            if (strncmp(names[j], output->name, length) || names[j][length] != '_' || names_find(&of_validation, names[j]) < 0) continue;
            diagnose(output->producer ? output->producer->place : graph->compile->place,
                     "an output cannot be called `%s` here: its `%s` would be a figure of the validation too",
                     output->name,
                     names[j]);
            break;
        }
    }
}

void training_pass(Graph *graph)
{
    if (!graph->compile) return;
    int errors = diagnostics_errors();
    const Value *targets = argument(graph->compile, "target_tensors");
    graph->uses = NEW_ARRAY(OutputUse, graph->output_count);
    graph->temporal = has_argument(graph->compile, "sample_weight_mode");
    if (graph->temporal) check_steps(graph);
    static const char *const split[] = {"loss", "loss_weights", "metrics", "weighted_metrics"};
    for (size_t i = 0; i < sizeof split / sizeof *split; i++) check_split(graph, split[i]);
    if (targets->list.count && targets->list.count != graph->output_count)
        diagnose(targets->place, "`target_tensors` has %d item%s, but the network has %d output%s", targets->list.count, targets->list.count == 1 ? "" : "s", graph->output_count, graph->output_count == 1 ? "" : "s");
    if (diagnostics_errors() > errors) return;
    for (int i = 0; i < graph->output_count; i++) {
        OutputUse *use = &graph->uses[i];
        const Value *weight = share_of(graph, "loss_weights", i);
        use->loss = only_object(share_of(graph, "loss", i));
        use->weight = weight ? weight->number : 1;
        if (!use->loss) {
            diagnose(argument_place(graph->compile, "loss"), "output %s needs one loss", graph->outputs[i]->name);
            return;
        }
        if (targets->list.count) set_target(graph, i, &targets->list.items[i]);
        if (diagnostics_errors() > errors) return;
        add_metrics(graph, i, "metrics", false);
    }
    for (int i = 0; i < graph->output_count; i++) add_metrics(graph, i, "weighted_metrics", true);
    if (graph->output_count > 1) check_figures(graph);
}

int64_t weight_steps(const Graph *graph)
{
    return graph->temporal ? graph->outputs[0]->shape.size[0] : 1;
}
