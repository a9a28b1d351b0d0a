/* The types of the rows beside layers, and the rows themselves: each stands in its own file and is one line of
 * a .def file. */
#ifndef TABLES_H
#define TABLES_H

#include "cnnc.h"


#define LAYER(name, example) extern const Layer name##_layer;
#define OPTIMIZER(name, example) extern const Optimizer name##_optimizer;
#define LOSS(name, example) extern const Loss name##_loss;
#define ALIAS(spelling, of)
#define ACTIVATION(name, example) extern const Activation name##_activation;
#define INITIALIZER(name, example) extern const Initializer name##_initializer;
#define REGULARIZER(name, example) extern const Entry name##_regularizer;
#define SCHEDULE(name, example) extern const Schedule name##_schedule;
#define METRIC(name, example) extern const Metric name##_metric;
#define CALLBACK(name, example) extern const Entry name##_callback;
#define STATEMENT(name, example) extern const Entry name##_statement;
#include "layers/layers.def"
#include "optimizers/optimizers.def"
#include "losses/losses.def"
#include "activations/activations.def"
#include "initializers.def"
#include "regularizers.def"
#include "schedules/schedules.def"
#include "metrics.def"
#include "callbacks.def"
#include "statements.def"
#undef LAYER
#undef OPTIMIZER
#undef LOSS
#undef ALIAS
#undef ACTIVATION
#undef INITIALIZER
#undef REGULARIZER
#undef SCHEDULE
#undef METRIC
#undef CALLBACK
#undef STATEMENT

#endif
