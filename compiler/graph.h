/* The graph: tensors, nodes and their operators, what compile() says of outputs, and the rows of the tables that build them. */
#ifndef GRAPH_H
#define GRAPH_H

#include "callables.h"

#include <stdio.h>

enum {
    MAX_RANK = 6,              /* dimensions of a tensor, the batch not counted */
    MAX_NESTING = 256,         /* brackets, blocks and repeats within one another */
    MAX_LAYERS = 100000,       /* after expansion of blocks and repeats */
    MAX_ERRORS = 20,           /* diagnoses of one run */
    MAX_NAME = 255,            /* bytes of a name */
    MAX_FULL_NAME = 1000,      /* bytes of a layer's name with those of the blocks around it */
};
#define MAX_BYTES ((int64_t)1 << 40) /* weights and plan of one network */
#define MAX_COUNT INT32_MAX          /* numbers of one tensor, for one sample: emitted loops count in int */
#define MAX_SIZE ((int64_t)1 << 53)  /* the largest whole number that a double holds exactly */

typedef struct Graph Graph;
typedef struct Layer Layer;
typedef struct Loss Loss;
typedef struct Names Names;
typedef struct Node Node;
typedef struct Operator Operator;
typedef struct Emit Emit;
typedef struct Choices Choices;
typedef struct Chain Chain;

/* Sizes without the batch. rank -1: unknown, because of an error already reported. */
typedef struct {
    int rank;
    int64_t size[MAX_RANK];
} Shape;

typedef enum { TYPE_FLOAT32, TYPE_INT32, TYPE_UINT8 } DataType;

typedef enum {
    ROLE_INPUT,      /* what the network is given */
    ROLE_ACTIVATION, /* what an operator computes */
    ROLE_WEIGHT,     /* a parameter of the network */
    ROLE_DERIVED,    /* another form of a weight, made from it once and kept with it */
    ROLE_TARGET,     /* what an output is compared with */
    ROLE_SAMPLE_WEIGHT,
    ROLE_LOSS,       /* loss of each sample */
    ROLE_METRIC,     /* the same of what is only reported */
    ROLE_PENALTY,    /* what a regularizer adds to the loss: for each sample, or, of a weight, once */
    ROLE_SLOT,       /* the optimiser's memory of a weight */
    ROLE_STATE,      /* what a node keeps from one step of a sequence to the next, in the caller's struct */
    ROLE_WORKSPACE,  /* scratch of one node */
} TensorRole;

/* How a weight is drawn at first: a distribution with its parameters resolved for this tensor. */
typedef enum { INITIAL_CONSTANT, INITIAL_UNIFORM, INITIAL_NORMAL, INITIAL_TRUNCATED_NORMAL, INITIAL_ORTHOGONAL, INITIAL_IDENTITY } InitialKind;
typedef struct {
    InitialKind kind;
    double a, b; /* constant: a; uniform: from a to b; normals: mean a, deviation b; orthogonal, identity: gain a */
} Initial;

/* Where a tensor has the steps of a sequence that the network reads. */
typedef enum {
    STEPS_NONE,   /* nowhere: it is of the sequence as a whole, or of something else */
    STEPS_AXIS,   /* they are its first axis */
    STEPS_FRAMES, /* each is a frame, or several */
    STEPS_MIXED,  /* they cannot be told apart any more: what it holds depends on several */
} Steps;

/* What a regularizer adds to the loss: l1 sum |x| + l2 sum x^2. */
typedef struct { double l1, l2; } Penalty;

/* How a weight matrix [rows][columns] lies in memory for the kernels:
 * [columns/panel][rows][panel], the last panel filled with zeros. panel 0: as it is. */
typedef struct { int64_t rows, columns, panel; } Packing;

struct Tensor {
    int index;              /* in graph->tensors */
    const char *name;       /* as files and messages say: conv2d/kernel */
    const char *identifier; /* as the emitted C says: conv2d_kernel; unique */
    TensorRole role;
    DataType type;
    Shape shape;
    bool batched;           /* has the batch as a further, first dimension */
    int64_t frames;         /* so many of its shape in each sample: 1 but within time_distributed, whose steps are samples to the layer in it */
    Steps steps;
    Node *producer;         /* NULL for inputs, targets, weights, slots */
    int consumers;          /* how many nodes read it */
    Tensor *view_of;        /* shares this tensor's memory, element for element; NULL: its own */
    Tensor *gradient;       /* of the loss with respect to this tensor, where it is asked for */
    Tensor *weight;         /* of a slot, a weight's gradient or a derived form: the weight */
    const Operator *derive; /* of a derived form: what makes it of the weight */
    Node *reader;           /* of a derived form: the node that it is for */
    Penalty penalty;        /* of weights and layers' outputs that are regularized */
    bool wanted;            /* of an activation: something trainable lies behind it, so its gradient is wanted */
    int64_t period;         /* of a row: numbers that repeat along the samples of whoever reads it, with a margin; else 0 */
    /* of weights */
    bool trainable;
    Initial initial;
    int64_t ones_from, ones_to; /* elements that are 1 at first, whatever the others are */
    Packing packing;
    /* filled in by the plan: */
    int64_t bytes, offset; /* of batched tensors for the whole batch; offset in the arena, -1: not in the arena */
    int first, last;       /* the steps of the schedule between which it is alive */
    int64_t copies;        /* of a workspace: one for each task; of a slot or target: its number */
    int64_t limit;         /* of an input: whole numbers from 0 to below it; 0: any numbers */
    const Chain *chain;    /* not NULL: it is needed within that chain only, for one sample at a time; offset is in the memory of a worker */
};

/* Neighbouring nodes that go through the samples together: each sample goes through all of them before the next one begins. What passes
 * between them needs memory for one sample of each worker, a thread that is at it. */
struct Chain {
    int first, last;  /* nodes */
    Tensor **tensors; /* that live within it: filled in by the plan */
    int tensor_count, tensor_capacity;
};

enum { MAX_OPERANDS = 12 }; /* of one emitted function */
enum { ROW_MARGIN = 16 };   /* numbers behind a row's end, which repeat its beginning: so a vector may start anywhere in it */

/* What an operator is, as far as passes over the whole graph care: they know flags, never names. */
enum {
    OPERATOR_ELEMENTWISE = 1, /* out[i] = f(in[i], further[i], ...), of a row further[i % period]: has `element`; can be fused into another's epilogue */
    OPERATOR_VIEW = 2,        /* the output is the input's memory under another shape: no code */
    OPERATOR_EPILOGUE = 4,    /* applies element-wise nodes to its results before it stores them */
    OPERATOR_NOISE = 8,       /* active in training only: left out elsewhere, but of `gradients`, which shares the functions of train_step and turns it off by step == NULL */
    OPERATOR_FLAT = 16,       /* its emitted function takes operands as flat arrays */
    OPERATOR_MONOTONE = 32,   /* element-wise and never decreasing: commutes with operators that select by order */
    OPERATOR_SELECTS = 64,    /* each output is one of the inputs, chosen by order: max-pooling */
    OPERATOR_UPDATES = 128,   /* writes to its weights, which its code calls w, slot0, slot1 ... */
    OPERATOR_WHOLE = 256,     /* reads whole numbers as they are: to others an int32 input is handed on as float32 */
    OPERATOR_BY_SAMPLES = 512, /* goes over samples, each for itself: phases before that read weights only, phases behind it finish sums; can be linked in a chain */
    OPERATOR_TRACKS = 1024,    /* writes to those of its weights that are not trainable */
    OPERATOR_KEEPS_SIGN = 2048, /* each output is a positive multiple of its input, or 0 and then so is the input's gradient */
    OPERATOR_READS_SIGN = 4096, /* element-wise, and of its second input it needs only to know what is positive */
    OPERATOR_RECTIFIES = 8192,  /* element-wise, and many of its results are zero: a rectifier, or its gradient */
    OPERATOR_CARRIES = 16384,   /* reads the steps of a sequence one after the other and carries something from each to the next */
    OPERATOR_BEGINS = 32768,    /* of what derives: it gives what a memory of the training holds at first, not a form of the weight */
    OPERATOR_DRAWS = 65536,     /* what it computes is random in training; unlike noise it does something elsewhere, too */
};

typedef struct Reference Reference;

/* What a node does. A layer's file defines one operator for its forward pass and one for each part of its gradient. */
struct Operator {
    const char *name;     /* convolution_weight_gradient: for dumps */
    const char *suffix;   /* the emitted function is <node>_<suffix> */
    const char *operands; /* names in the emitted C: of inputs; of outputs and workspaces: "x; y work"; weights have their own */
    unsigned flags;
    /* Sizes of the outputs, weights, and the node's detail, from the sizes of the inputs; reports what does not fit. */
    void (*shape)(Graph *, Node *);
    /* Where its output has the steps that its inputs have `from`: by their first axis or as frames. NULL: element-wise and noise where the
     * inputs have them; others treat frames each for itself, but mix what lies along the first axis. */
    Steps (*steps)(const Node *, Steps from);
    int64_t (*macs)(const Node *);          /* multiply-adds for one sample; NULL: none worth counting */
    void (*reference)(const Node *, Reference *); /* naive, in double; NULL for gradients and updates */
    void (*batch_reference)(const Node *, Reference *, int64_t samples); /* in training, of all samples at once, where they depend on one another; else NULL */
    void (*specialise)(Graph *, Node *);    /* makes a copy of the node fit the graph's program, where it does not do the same in all; else NULL */
    /* Adds nodes that compute the gradients of the inputs and weights, given that of the output. NULL: no gradient passes. */
    void (*gradient)(Graph *, Node *, Tensor *d_output);
    void (*values)(const Node *, const float *packed, float *derived); /* of what derives: the same at compile time, for weights in the program */
    void (*workspace)(Graph *, Node *);     /* adds the scratch memory that `emit` will use; NULL: none */
    bool (*absorb)(Graph *, Node *, Node *beside); /* takes over the work of the only reader of its result, or of the maker of an input that nobody else reads; false: not that one */
    void (*emit)(Emit *, const Node *);     /* the C: one or more phases */
    void (*element)(Emit *, const Node *);  /* of element-wise operators: lines that change $X, given $A, $B (further inputs) and $I (index) */
    const char *(*formula)(const Node *);   /* for the comment over the function */
};

/* One operation. Forward, loss, gradient and update are all nodes: what differs is the operator. */
struct Node {
    int index; /* in graph->nodes: the order of execution */
    const Operator *op;
    const char *name;       /* as files and messages say: conv2d, inception/a */
    const char *identifier; /* as the emitted C says */
    int64_t frames;         /* to it a sample is so many: those of its inputs */
    const char *owner;      /* the layer whose name its weights bear: a statement's, or that of a layer within it */
    const Object *arguments;
    Place place;
    int layer; /* the statement in graph->layers that it comes from; -1: none */
    Tensor **inputs;
    int input_count;
    Tensor **weights;
    int weight_count;
    Tensor **outputs;
    int output_count;
    Node *forward;         /* of a gradient node: what it is the gradient of */
    Node *update;          /* the update of a weight that is made with the results, a gradient which is not stored then */
    Node **epilogue;       /* element-wise nodes fused into this one, in order */
    int epilogue_count;
    void *detail;          /* the operator's own resolved sizes */
    const char *operands;  /* instead of the operator's, where they depend on the node */
    uint32_t stream;       /* which random numbers it draws: the number of the layer, MAX_LAYERS more for each of its nodes before this one */
    bool carries;          /* a sequence that the network reads: in the program `step` it keeps its state */
    Chain *chain;          /* to which it belongs, or NULL */
};

/* A statement that made a layer: what the summary lists. */
typedef struct {
    const Layer *layer;
    const char *name;
    const Object *arguments;
    Place place;
    Tensor *output;
    Tensor **inputs;
    int input_count;
} LayerUse;

/* What is wanted of a layer: handed to its `build`. */
typedef struct {
    const Layer *layer;
    const Object *arguments;
    const char *name; /* whole: inception_1/a */
    Place place;
    Tensor **inputs;
    int input_count;
    int index; /* in graph->layers */
    bool turned; /* of a recurrent layer: the sequence that it gives shall stand the other way round */
} LayerCall;

/* A row of the table of layers. */
struct Layer {
    Entry entry;
    int least_inputs, most_inputs; /* most -1: any number */
    /* Adds the layer's nodes; returns the output tensor, or NULL after reporting an error. Shapes are not known yet. */
    Tensor *(*build)(Graph *, const LayerCall *);
};

/* What a graph is for: the source, or one of the emitted functions. */
typedef enum { PROGRAM_SOURCE, PROGRAM_PREDICT, PROGRAM_STEP, PROGRAM_PREDICT_BATCH, PROGRAM_DERIVE, PROGRAM_EVALUATE, PROGRAM_TRAIN, PROGRAM_GRADIENTS } Program;

/* A loss applied to an output: count numbers a sample, in rows of classes. */
typedef struct {
    const Loss *loss;
    const Object *arguments;
    int64_t count, classes;
    double weight;    /* by which it enters the sum over all outputs */
    bool temporal;    /* each row of a sample has a weight of its own */
    double smoothing; /* of labels: 0 is none */
    bool absorbed;    /* the prediction comes from the activation that the loss absorbs: exact, however small */
    bool logits;      /* the loss is computed from that activation's input: it is absorbed, or the prediction is not its output yet */
    bool zero_or_one; /* of losses that take labels of 0 and 1 for -1 and 1: so are all of the batch */
} LossCase;

/* What is emitted for the numbers at row[c] and t[c] and behind them: all of a vector, or the first `lanes`. */
typedef struct {
    const LossCase *loss_case;
    bool gradient; /* is it wanted? */
    int64_t columns;
    int lanes;
} LossRow;

/* A row of the table of losses. The last axis of an output are the rows, over which a loss is the mean of a function of each number
 * and its target, or a function of the row. Then comes the mean over all rows, times the sample's weight (kernels/losses.c). */
struct Loss {
    Entry entry;
    const char *absorbs; /* the activation with which it is computed together, on the logits, or NULL */
    bool class_indices;  /* the target is a class number */
    bool signs;          /* labels of 0 and 1, where a batch has no others, stand for -1 and 1 */
    bool shares;         /* targets are from 0 to 1; of others, which are computed with as they are, the trainer warns */
    bool summed;         /* the sum over a row, not the mean */
    bool negated;        /* as a metric it has the other sign: the larger the better */
    /* Of one number: naive, in double; and lines that declare v, the value, and, where it is wanted, g, its derivative, given $P and $T. */
    double (*element)(const LossCase *, double prediction, double target);
    void (*emit_element)(Emit *, const LossRow *);
    /* Or of a row: naive; and lines that set `value` and, where it is wanted, d[c], the gradient times `scale`. */
    double (*row)(const LossCase *, const double *prediction, const double *target);
    void (*emit_row)(Emit *, const LossRow *);
};

/* A row of the table of metrics, which also lists the losses. The runtime computes them (runtime/metrics.c), but for means of losses. */
typedef struct {
    Entry entry;
    const Loss *of; /* what it is the mean of, or NULL */
} Metric;

/* What compile() says of one output. */
typedef struct {
    const Object *object;
    const char *name; /* as logs say: accuracy, or left_accuracy where there are several outputs */
    const Object *loss; /* what it is the mean of, or NULL: computed from the outputs */
    bool weighted;    /* by the weights of the samples */
} MetricUse;
typedef struct {
    const Object *loss;
    double weight;
    Tensor *target;   /* a tensor of the network, or NULL: it is given with the data */
    MetricUse *metrics;
    int metric_count;
} OutputUse;

/* A memory that an optimiser keeps of each weight, and what its numbers are before the first step. */
typedef struct { const char *name; double start; } Slot;
enum { MOST_SLOTS = 4 };

/* A row of the table of optimisers. */
typedef struct {
    Entry entry;
    int (*slots)(const Object *, Slot *);     /* how many memories, at most MOST_SLOTS */
    /* Lines that change the vector v of weights given their gradient g, the memories m0, m1, ..., and the values: of type float, the
     * same for all weights of a step. NULL: the one value `rate`. */
    void (*update)(Emit *, const Object *);
    const char *const *values;                /* their names, ended by NULL */
    const char *(*prepare)(const Object *);   /* lines that define them, as doubles, given rate and t, the number of the step from 1 */
} Optimizer;

/* A row of the table of schedules, which may stand as an optimiser's learning_rate. */
typedef struct {
    Entry entry;
    bool (*check)(const Object *);            /* do the arguments go together? NULL: always; reports */
    const char *(*rate)(const Object *);      /* lines that return the rate, a float, given t, the number of steps made before, a double */
} Schedule;

struct Graph {
    const char *name; /* of the model */
    Program program;
    int64_t batch;       /* the most samples at once */
    int64_t train_batch; /* of a training step, where there will be one; else 0 */
    bool bytes;          /* its float32 inputs come as bytes */
    int64_t arena_bytes; /* of the plan; at its end the memory of the workers, of each that many: */
    int64_t worker_bytes;
    bool quiet;          /* it was compiled before: without warnings */
    bool direct;         /* no Winograd: exact sums are wanted, or straight-line code */
    bool openblas;       /* matrix products by OpenBLAS: their weights are not packed */
    Choices *choices;    /* of kernels: what was planned and what was chosen (choose.h) */
    bool shared;         /* one sample is work enough for several threads */
    int64_t panel;       /* columns of a panel of packed weights: the longest vector of the target */
    Node **nodes;
    int node_count, node_capacity;
    Tensor **tensors;
    int tensor_count, tensor_capacity;
    Names *weight_identifiers;
    LayerUse *layers;
    int layer_count, layer_capacity;
    Chain **chains;
    int chain_count, chain_capacity;
    Tensor **inputs;
    int input_count, input_capacity;
    Tensor **outputs;
    int output_count, output_capacity;
    const Object *compile; /* NULL: inference only */
    const Object *fit;     /* NULL: not given */
    OutputUse *uses;       /* with compile(): of each output */
    bool temporal;         /* samples have a weight for each of their steps */
    Graph *one_step;       /* of a source that reads sequences: the same network for sequences of one step; NULL: there is none */
    const char *step_hindrance; /* why there is none, though it reads sequences; else NULL */
    Names *state_identifiers;
};

#endif
