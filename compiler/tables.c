/* The tables: of each .def file an array of its rows' addresses. The first member of every row is its Entry. */
#include "tables.h"

#define ROW(row) (const Entry *)&row,
#define TABLE(what, rows, ...)                                                                                                 \
    {                                                                                                                          \
        .kind = what, .entries = rows, .count = (int)(sizeof rows / sizeof *rows) - 1, __VA_ARGS__                             \
    }

#define LAYER(name, example) ROW(name##_layer)
#define OPTIMIZER(name, example) ROW(name##_optimizer)
#define LOSS(name, example) ROW(name##_loss)
#define ALIAS(spelling, of) &(const Entry){.name = #spelling, .alias_of = #of},
#define ACTIVATION(name, example) ROW(name##_activation)
#define INITIALIZER(name, example) ROW(name##_initializer)
#define REGULARIZER(name, example) ROW(name##_regularizer)
#define SCHEDULE(name, example) ROW(name##_schedule)
#define METRIC(name, example) ROW(name##_metric)
#define CALLBACK(name, example) ROW(name##_callback)
#define STATEMENT(name, example) ROW(name##_statement)

static const Entry *const layers[] = {
#include "layers/layers.def"
    NULL};
static const Entry *const optimizers[] = {
#include "optimizers/optimizers.def"
    NULL};
static const Entry *const losses[] = {
#include "losses/losses.def"
    NULL};
static const Entry *const activations[] = {
#include "activations/activations.def"
    NULL};
static const Entry *const initializers[] = {
#include "initializers.def"
    NULL};
static const Entry *const regularizers[] = {
#include "regularizers.def"
    NULL};
static const Entry *const schedules[] = {
#include "schedules/schedules.def"
    NULL};
static const Entry *const metrics[] = {
#include "metrics.def"
#include "losses/losses.def"
    NULL};
static const Entry *const callbacks[] = {
#include "callbacks.def"
    NULL};
static const Entry *const statements[] = {
#include "statements.def"
    NULL};

static bool schedule_check(const Object *object)
{
    const Schedule *schedule = (const Schedule *)(const void *)object->entry;
    return !schedule->check || schedule->check(object);
}

const Table layer_table = TABLE("layer", layers);
const Table optimizer_table = TABLE("optimizer", optimizers, .check = optimizer_check);
const Table loss_table = TABLE("loss", losses);
const Table activation_table = TABLE("activation", activations);
const Table initializer_table = TABLE("initializer", initializers);
const Table regularizer_table = TABLE("regularizer", regularizers);
const Table schedule_table = TABLE("schedule", schedules, .check = schedule_check);
const Table metric_table = TABLE("metric", metrics);
const Table callback_table = TABLE("callback", callbacks);
const Table statement_table = TABLE("statement", statements);

const Table *const all_tables[] = {&layer_table,
                                   &optimizer_table,
                                   &loss_table,
                                   &activation_table,
                                   &initializer_table,
                                   &regularizer_table,
                                   &schedule_table,
                                   &metric_table,
                                   &callback_table,
                                   &statement_table,
                                   NULL};
