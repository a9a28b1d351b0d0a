/* The types of the rows beside layers, and the rows themselves: each stands in its own file and is one line of
 * a .def file. */
#ifndef TABLES_H
#define TABLES_H

#include "cnnc.h"


#define LAYER(name) extern const Layer name##_layer;
#define OPTIMIZER(name) extern const Optimizer name##_optimizer;
#define LOSS(name) extern const Loss name##_loss;
#define ALIAS(spelling, of)
#define ACTIVATION(name) extern const Activation name##_activation;
#define INITIALIZER(name) extern const Initializer name##_initializer;
#define REGULARIZER(name) extern const Entry name##_regularizer;
#define SCHEDULE(name) extern const Schedule name##_schedule;
#define METRIC(name) extern const Metric name##_metric;
#define CALLBACK(name) extern const Entry name##_callback;
#define STATEMENT(name) extern const Entry name##_statement;
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
