/* cnnc: from a description of a neural network to specialised C.
 *
 * This header is the whole compiler at a glance. The types stand in three headers, in the order in which a network passes through
 * them: language/syntax.h, callables.h, graph.h. Then the functions, grouped under the file that defines them. */
#ifndef CNNC_H
#define CNNC_H

#include "graph.h"

#include <stddef.h>

#define CNNC_VERSION "0.1.0"

/* memory.c: one arena for a run; nothing is freed before its end. */
void *memory_allocate(size_t bytes);                           /* zeroed; never NULL: says so and exits where memory is short */
void *memory_resize(void *piece, size_t old_bytes, size_t bytes); /* a larger one with the same content; the old one is gone */
void *memory_grow(void *items, int *capacity, int count, size_t item_bytes); /* room for one more: doubles when count == *capacity */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2), nonnull(1)));
char *memory_join(const char *first, const char *second);      /* what "%s%s" makes, quickly where it is long */
char *memory_copy(const char *text, size_t length);            /* adds the final zero */
_Noreturn void memory_short(size_t bytes);                      /* says so and exits */
void memory_release(void);                                     /* all of it */
#define NEW(Type) ((Type *)memory_allocate(sizeof(Type)))
#define NEW_ARRAY(Type, count) ((Type *)memory_allocate(sizeof(Type) * (size_t)(count)))

/* names.c: a set of names, numbered 0, 1, ... in the order in which they came. */
typedef struct { const char *text; uint32_t hash; } Name;
struct Names {
    Name *names;
    int count, capacity;
    int *slots; /* open addressing: number + 1, or 0 */
    int slot_count;
};
int names_find(const Names *, const char *text);               /* its number, or -1 */
int names_add(Names *, const char *text);                      /* its number; keeps the pointer where the name is new */
const char *names_intern(Names *, const char *text, size_t length); /* one copy of each text */
void names_clear(Names *);                                     /* in time proportional to what is in it */
const Entry *table_find(const Table *, const char *name);      /* the row; follows aliases; NULL: none */

/* diagnostics.c: what is wrong, where, and what to do. One source file a run. */
void diagnostics_begin(const char *file, const char *text, size_t length); /* file as the messages name it */
void diagnose(Place place, const char *format, ...) __attribute__((format(printf, 2, 3))); /* an error; counted */
void diagnose_warning(Place place, const char *format, ...) __attribute__((format(printf, 2, 3))); /* nothing is wrong, but most likely not meant so */
void diagnose_note(Place place, const char *format, ...) __attribute__((format(printf, 2, 3))); /* belongs to the error before it */
int diagnostics_errors(void);                                  /* how many errors so far, each place counted once */
bool diagnostics_full(void);                                   /* more than MAX_ERRORS, or the same ones again and again: stop looking */
bool diagnostics_alike(const char *, const char *); /* whether they differ in capitals and underscores only */
const char *diagnostics_closest(const char *name, const char *const *candidates, int count); /* "did you mean", or NULL */
bool diagnostics_is_text(const char *text, size_t length);      /* valid UTF-8 */
int diagnostics_cut(const char *text, int bytes);               /* at most so many bytes, not splitting a character */
_Noreturn void die_at(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define die(...) die_at(__FILE__, __LINE__, __VA_ARGS__)       /* a fault of the compiler's own */

/* parse.c, over lexer.l and parser.y: text to statements. NULL where there was an error (reported). */
Statement *parse_network(const char *text, size_t length);
Expression *parse_expression(const char *text);                /* of a default in a table: must be right */

/* dump.c: text for --dump. */
void dump_statements(FILE *, const Statement *);
void dump_value(FILE *, const Value *, bool defaults);          /* as it would be written, with the arguments that were written or with all */
void dump_object(FILE *, const Object *, bool defaults);
void dump_layers(FILE *, const Graph *);                       /* a line for each layer: name = layer(arguments) <- inputs */

/* arguments.c: a call against its row of a table. */
void check_tables(void);                                       /* each default fits its row, or it dies: for the tests */
const char *parameter_range(const Parameter *);                 /* of its numbers: "at least 0 and below 1"; "": any */
const char *number_text(double);                               /* the shortest text that reads back as the same number */
Object *default_call(const Entry *, Place);                    /* without arguments; what is required is the caller's to fill in */
bool has_argument(const Object *, const char *name);           /* present and not none */
const Value *argument(const Object *, const char *name);       /* dies where the row has no such parameter */
int64_t argument_size(const Object *, const char *name);
double argument_number(const Object *, const char *name);
bool argument_boolean(const Object *, const char *name);
const char *argument_word(const Object *, const char *name);   /* of words and strings */
void argument_pair(const Object *, const char *name, int64_t *first, int64_t *second);
const Object *argument_object(const Object *, const char *name); /* NULL: none */
Place argument_place(const Object *, const char *name);        /* where it was written; a default: the call */

/* expand.c: statements to a graph: names, lets, blocks, repeats, numbering. */
typedef struct { const char *name; double value; bool used; } Definition; /* -D name=value */
bool expand_network(Graph *, const Statement *, Definition *definitions, int definition_count);

/* tables.c: the tables themselves. */
extern const Table layer_table, optimizer_table, loss_table, metric_table, callback_table, activation_table, initializer_table, regularizer_table,
    schedule_table, statement_table;
extern const Table *const all_tables[]; /* ended by NULL */

/* graph.c: building, naming, copying. */
int64_t round_up(int64_t count, int64_t multiple);
Graph *graph_new(void);
Tensor *graph_layer(Graph *, LayerCall *);                     /* checks the number of inputs, builds, lists: what expand calls */
Tensor *graph_inner_layer(Graph *, const LayerCall *, const Object *layer, const char *prefix, Tensor *x, bool turned); /* of a layer that is an argument of another: its output, or NULL after an error; its name is prefix and its own */
Tensor *graph_tensor(Graph *, TensorRole, const char *name);
Tensor *graph_input(Graph *, const LayerCall *, DataType);
Node *graph_node(Graph *, const Operator *, const LayerCall *, const char *name_suffix, Tensor *const *inputs, int input_count); /* one output, shape unknown */
Node *graph_gradient_node(Graph *, const Operator *, Node *forward, const char *suffix, Tensor *const *inputs, int input_count);
void graph_output(Graph *, Node *, Tensor *);                  /* a further output */
Tensor *graph_weight(Graph *, Node *, const char *name, const Shape *, bool trainable); /* of conv2d, "kernel" */
Tensor *graph_workspace(Graph *, Node *, int64_t floats, int64_t copies);
Tensor *graph_row(Graph *, Node *, const char *name, int64_t period); /* a further output of the node, a row */
Tensor *graph_state(Graph *, Node *, const char *name, int64_t floats); /* a further output, which is there already when the node begins */
bool program_is_single(Program);                               /* of one sample: predict and step */
Tensor *graph_derived(Graph *, Node *, Tensor *weight, const char *suffix, const Shape *, const Operator *); /* a further form of a weight, as one more of the node's weights */
void graph_derive(Graph *, bool trainable_only);                /* adds the nodes that make the derived forms of the weights */
int64_t graph_tasks(const Graph *, const Node *, int64_t parts); /* of a phase over samples, each of which can be cut into so many parts */
int64_t node_operations(const Node *);                         /* for one sample: the order of magnitude */
Graph graph_of_frames(const Graph *, const Node *);            /* the graph as the node sees it: frames are samples */
bool node_is_shared(const Graph *, const Node *, int64_t parts); /* are the parts of one sample shared between threads? */
Graph *graph_program(const Graph *source, Program, int64_t batch, bool bytes); /* a copy for one program: noise left out where it is off; weights shared */
Tensor *tensor_base(Tensor *);                                 /* whose memory it is */
bool has_targets(Program);                                     /* does it compute losses, from targets? */
int output_number(const Graph *, const Tensor *base);          /* the output that is computed in the caller's memory, or -1 */
void graph_shorten_views(Graph *);                             /* views of views become views of memory, so that no walk from there on is long */
bool is_result(const Tensor *);                                /* a loss, a metric or a penalty: alive to the end */
void tensor_rename(Tensor *, const char *name);
int64_t shape_count(const Shape *);                            /* elements; -1: unknown or more than MAX_BYTES */
const char *shape_string(const Shape *);                         /* (24, 24, 64) */
bool shape_same(const Shape *, const Shape *);
Shape shape_of(int rank, const int64_t *);
int64_t packing_floats(const Tensor *weight);                  /* elements of the packed form */
int64_t data_bytes(DataType);                                  /* of one number */
int64_t graph_struct_offset(const Graph *, const Tensor *weight, bool packed); /* bytes, in the struct of packed weights or canonical parameters; NULL: its size */
void dump_graph(FILE *, const Graph *);
void dump_plan(FILE *, const Graph *);

/* The passes. Each says in its file what it needs, gives and breaks. */
void shape_pass(Graph *);                                      /* shape.c */
void fit_pass(Graph *);                                        /* fit.c */
void swap_pass(Graph *);                                       /* fuse.c: monotone functions behind selections */
void sign_pass(Graph *);                                       /* fuse.c: one tensor less to keep for the way back */
void absorb_pass(Graph *);                                     /* fuse.c: nodes that another computes on its way */
void gradient_pass(Graph *);                                   /* gradient.c: loss, backward, update nodes */
void fuse_pass(Graph *);                                       /* fuse.c */
void chain_pass(Graph *);                                      /* chain.c */
void recompute_pass(Graph *);                                  /* recompute.c */
void plan_pass(Graph *);                                       /* plan.c */
int64_t plan_workers(const Graph *);                           /* threads that can be at a chain at once, where there are enough of them */
int64_t plan_place(int count, const int64_t *bytes, const int *first, const int *last, int64_t *offsets); /* returns the total */

/* update.c, for gradient.c: what a weight's gradient is for. Where the norm of all gradients is wanted first, `squares` is handed from weight
 * to weight, NULL to the first, and update_rest adds the updates. */
Tensor *update_weight(Graph *, Node *forward, Tensor *weight, Tensor *squares);
void update_rest(Graph *, int forward_count, Tensor *squares);
bool optimizer_check(const Object *);                          /* optimizers/optimizer.c */
const Optimizer *optimizer_of(const Graph *, Slot *slots, int *slot_count); /* as compile() says; update.c */
const Object *schedule_of(const Graph *);                      /* the learning rate, where it is a schedule; else NULL; update.c */

/* gradient.c, for layers */
void gradient_elementwise(Graph *, Node *, const Operator *gradient, Tensor *d_output, Tensor *further); /* d_input from d_output and, where not NULL, one tensor more */
/* Of a product of its input and its first weight, plus a bias (NULL: none): d_y kernel -> d_x, where that is wanted, and x d_y -> d_kernel. */
void gradient_product(Graph *, Node *, const Operator *of_input, const Operator *of_kernel, Tensor *bias, Tensor *d_output);
void gradient_give(Graph *, Tensor *of, Tensor *gradient);     /* adds to what is there already */
Tensor *gradient_tensor(Graph *, Node *, Tensor *of);          /* a new output of a gradient node, of that tensor's size */
bool absorb_update(Graph *, Node *, Node *reader);             /* update.c: for `absorb` of operators that can update a weight by the gradient they have in registers */
bool gradient_wanted(const Graph *, const Tensor *);           /* false: nothing trainable lies behind it */

void bias_gradient(Graph *, Node *forward, Tensor *bias, Tensor *d_output); /* kernels/reduce.c: d_bias = the sums of d_output over all but the last axes, which are those of the bias */

/* layers/dense.c: x kernel, perhaps + bias, of layers that contain such a product. */
Tensor *dense_product(Graph *, const LayerCall *, const char *name_suffix, Tensor *x, int64_t outputs, bool bias);

extern const Operator conversion_operator; /* kernels/elementwise.c: bytes or int32 to float32 */

/* shape.c, for layers */
void note_producer(const Tensor *);                            /* after an error: which layer made that tensor, and its shape */
typedef struct { int64_t before, after; } Margins;
bool margins_read(const Value *, const char *name, Margins [2]); /* of an image, from a list of pairs: [top x bottom, left x right], or height x width on both sides; false after an error */
bool axis_resolve(const Node *, const Shape *, int *axis);      /* the argument `axis`, which counts the batch as 0, as an index of the shape; false after an error */
bool neighbouring_axes(const Node *, const Shape *, int *first, int *count); /* the same for a list, of axes that follow each other; false, and nothing reported: they do not */
/* The places of a window along an axis: how many, and the zeros before the first. Reports a window larger than the input, at that argument. */
bool window_places(const Node *, const char *parameter, const Tensor *, int axis, int64_t window, int64_t stride, bool same, int64_t *places, int64_t *before);

/* target.c: what is known of the machines that the code is for. */
typedef struct {
    const char *suffix;    /* of emitted names: v3 */
    const char *name;      /* x86-64-v3 */
    const char *attribute; /* for __attribute__((target(...))); NULL: none needed */
    const char *condition; /* for the choice at run time: __builtin_cpu_supports arguments joined by spaces; NULL: always */
    int lanes;             /* floats in a vector */
    int registers;
    bool fma;
    bool masks;            /* loads and stores of part of a vector, by mask registers */
} Level;
enum { SHORTEST_VECTOR = 4 };
typedef struct { const char *name; const Level *const *levels; int level_count; bool x86; } Target;
const Target *target_find(const char *name);                   /* NULL: unknown */
extern const char *const target_words[]; /* the names that target_find knows, ended by NULL */
const Level *level_find(const char *name);                     /* x86-64-v3; NULL: unknown */
const char *level_names(void);
const Level *target_native_level(const Target *);              /* the best of its levels that this machine has, or NULL */
Level target_narrowed(const Level *, int64_t columns);         /* the same with vectors no longer than that many columns can fill */
typedef struct { int rows, vectors; } Tile;
enum { MOST_TILE_ROWS = 16, MOST_TILE_VECTORS = 4, MULTIPLY_ADDS = 2 /* of each lane in a cycle, at best */ };
int tile_registers(const Level *, Tile);
double tile_cycles(const Level *, Tile, int64_t rows, int64_t vectors); /* of one step of the reduction, for all tiles of [rows][vectors] */

/* text.c: text that grows. */
typedef struct { char *data; size_t length, capacity; } Text;
void text_add(Text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(Text *, const char *bytes, size_t count);
void text_add_string(Text *, const char *);                     /* as a C string, in quotes */
void text_add_escaped(Text *, const char *string, int bytes);   /* for XML, in which it means nothing but itself; at most so many bytes of it, with an ellipsis */
FILE *stream_begin(char **data, size_t *size); /* a stream into memory, for what prints */
const char *stream_end(FILE *, char **data); /* closes a stream of open_memstream; its text, in the arena */
const char *upper_case(const char *);
uint64_t hash_text(const char *);                               /* FNV-1a, 64 bits */
bool text_is_word(char);                                        /* a letter, a digit or _ */
bool text_names(const char *text, const char *word);            /* is the word in it, not as part of a longer one? */

/* emit.c: the template writer. Lines with holes ($K) that are filled from bindings, and the functions they make up. */
typedef struct { bool unroll_full, openblas, strict, pauses; int threads; /* 0: as many as OpenMP finds */ } EmitOptions;
Emit *emit_new(const EmitOptions *);
void emit_lines(Emit *, const char *file, int line, const char *const *lines);
#define EMIT(e, ...) emit_lines(e, __FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL})
void fill(Emit *, const char *hole, const char *format, ...) __attribute__((format(printf, 3, 4)));
void fill_size(Emit *, const char *hole, int64_t);
void emit_once(Emit *, const char *line);                      /* a line at the head of the function, once however often it is asked for */
const Level *emit_level(const Emit *);
const EmitOptions *emit_options(const Emit *);
Program emit_program(const Emit *);
const char *float_text(double);                                /* a C float constant that reads back exactly */
void text_indent(Text *, const char *lines);                   /* adds the lines, indented by counting braces */

/* A phase is one emitted function and its call: who runs it, over what. */
typedef enum {
    OVER_SAMPLES, /* first to last are samples, each for itself; of each the parts low to high, of as many as its extent, where one is shared */
    OVER_EXTENT,  /* first to last are parts of the extent given, whatever the batch */
    IN_SHARDS,    /* samples, whose sums are made in TASKS shards whatever the number of threads: see phase_sums */
} Partition;
typedef struct { /* how an emitted function sees an operand: float name[sizes[0]][sizes[1]]...; rank 0: float *name */
    int rank;
    int64_t sizes[MAX_RANK + 2]; /* sizes[0] < 0: any number */
} Declared;
typedef struct {
    const char *function;
    const Node *node;
    Partition partition;
    int64_t extent;
    bool by_threads; /* as few tasks as there are threads: see phase_by_threads */
    Declared operands[MAX_OPERANDS];
    bool used[MAX_OPERANDS];                /* only what the body names is passed, */
    bool has_origin, has_range, has_parts, has_count, has_task, has_step; /* and likewise the number in the batch of the operands' first sample, first and last, low and high, the count of samples, the task's number, the step */
    int sums;                               /* IN_SHARDS: the operand that is the shard's, of so many floats; -1: none */
    int64_t sums_floats;
} PhaseCall;
enum { TASKS = 16 }; /* parts that a phase is cut into, whatever the number of threads */
void emit_node(Emit *, const Node *);                          /* all its phases */
void phase_operand(Emit *, int operand, int rank, const int64_t *sizes); /* before phase_begin, where the tensor's own shape will not do */
void phase_begin(Emit *, const Node *, const char *name, Partition, int64_t extent);
void phase_by_threads(Emit *);                               /* after phase_begin over an extent: a task for each thread, so that neighbouring parts go through the same data together; what a part gives must not depend on that */
void phase_sums(Emit *, const char *operand, int64_t floats);  /* after phase_begin: that workspace holds TASKS shards; the function is given its own, zeros at first, and adds to it */
void phase_end(Emit *);
int operand_number(const Node *, const char *name);             /* -1: the node has none of that name */
Tensor *node_operand(const Node *, int operand);               /* inputs, weights, outputs, then the epilogue's further inputs; NULL: no more */
bool operand_written(const Node *, int operand);
Declared tensor_declared(const Tensor *);
const char *declared_type(const Tensor *, const Declared *, bool written); /* as a cast says it */
void emit_epilogue(Emit *, const Node *, const char *value, const char *subscript, const char *index, int lanes);

/* simplify.c: whole-number expressions in brackets of emitted lines, constants folded. */
void simplify_line(Text *, const char *line, size_t length);   /* adds the line, without its end */
bool simplify_constant(const char *text, size_t length, int64_t *value); /* false: not a constant */

/* unroll.c: text of a function to the same without loops whose bounds are constant. */
char *unroll_text(const char *lines, int64_t most_lines);      /* NULL: it would be more lines than that */

/* Where trained weights stand: in model.c, in model_weights.c, or in model_weights.bin. */
typedef enum { WEIGHTS_CODE, WEIGHTS_OBJECT, WEIGHTS_BLOB } WeightsForm;

/* generate.c, trainer_table.c, baked.c, blob.c, summary.c: whole files. */
typedef struct Generation {
    Graph *source, *predict, *predict_batch;
    Graph *step;   /* one frame of a sequence; NULL: it reads none, or cannot be cut into steps */
    Graph *derive; /* NULL: no weight has another form */
    Graph *evaluate, *train, *gradients; /* NULL without compile() */
    Graph *evaluate_bytes, *train_bytes; /* the same on inputs of bytes; NULL: not wanted, or no input is float32 */
    const Target *target;
    EmitOptions options;
    const char *command; /* for the banner */
    const float *const *baked; /* values of each weight, in the order of the source's tensors, or NULL */
    WeightsForm form;    /* of these */
    const char *const *layer_names; /* where the source's outputs are the layers' (features.c): their names */
    struct Generation *layers;      /* that generation, where the source is to check itself; else NULL */
    struct Generation *fused, *fused_batch; /* the same with those outputs only that predict and predict_batch write down anyway; NULL: none but their own */
    bool timed; /* drivers call `lap` after each phase, with the number of its layer */
} Generation;
char *generate_source(const Generation *, const char *header_name); /* NULL: the header inlined */
char *generate_header(const Generation *);
char *generate_table(const Generation *, const char *header_name); /* the trainer's CnncModel */
char *generate_weights(const Generation *, const char *header_name); /* WEIGHTS_OBJECT */
char *generate_blob(const Generation *, size_t *length);        /* WEIGHTS_BLOB */
void print_summary(FILE *, const Generation *);
const char *draw_network(const Graph *source);                 /* an SVG; draw.c */
const char *draw_memory(const Graph *program);                 /* the same of the plan; draw_memory.c */

/* initializers.c */
Initial initializer_resolve(const Object *, const Shape *);
typedef struct { Entry entry; Initial (*resolve)(const Object *, double fan_in, double fan_out); } Initializer;

/* regularizers.c: a layer with the parameters kernel_regularizer and activity_regularizer calls `regularize` with its kernel and with what it
 * gives, and that is all. */
#define REGULARIZER_PARAMETER(what, text)                                                                                      \
    {.name = what "_regularizer", .type = PARAMETER_OBJECT, .table = &regularizer_table, .fallback = "none", .help = "a penalty on " text ", added to the loss"}
void regularize(Tensor *, const Object *arguments, const char *parameter);
bool is_penalized(const Tensor *);
double penalty_reference(const Penalty *, const double *values, int64_t count);
void penalty_nodes(Graph *);                                   /* for all that is penalized in the forward nodes: value, and gradient of outputs */
void penalty_gradient(Graph *, Node *forward, Tensor *weight); /* adds the penalty's share to a weight's gradient that is stored */
void penalty_gradient_emit(Emit *, const Penalty *);           /* adds to the vector g the gradient of the penalty on the vector v */

/* activations/: a row of the table of functions, and a layer of its own. Most are element-wise: expressions as templates, which
 * layers/activation.c makes operators of, with the numbers among the arguments as holes: $MAXVALUE is max_value, INFINITY where it is none.
 * One that is not (softmax) has an operator of its own; linear has neither. */
typedef struct Activation {
    Entry entry;
    const Operator *op;
    const struct Activation *(*variant)(const Object *arguments); /* the row to use, where arguments change more than numbers; NULL: this one */
    const char *formula;
    double (*value)(const Object *arguments, double x); /* the reference */
    const char *forward;  /* changes $X, the value */
    const char *gradient; /* changes $X, the gradient of the output, given $A: the output, or, where it says so, the input */
    bool gradient_reads_input, gradient_reads_sign; /* the latter: only whether it is positive */
    bool monotone;        /* never decreasing */
    bool rectifies;       /* zero, and so is its gradient, where the input is not positive */
} Activation;
extern const Activation relu_activation, leaky_relu_activation, gelu_activation;
Tensor *activation_apply(Graph *, const LayerCall *, Tensor *, const Object *activation); /* object NULL: as it is; layers/activation.c */
const Activation *activation_row(const Object *);                                        /* the row, or the variant of it, that the object asks for */
Tensor *activation_build(Graph *, const LayerCall *);                                    /* of the layer that is called like the activation */
#define ACTIVATION_LAYER(name, help, parameters) {.entry = {name, help, parameters, NULL}, .least_inputs = 1, .most_inputs = 1, .build = activation_build}

void activation_value_emit(Emit *, const Object *);    /* of an element-wise one: changes $X */
void activation_gradient_emit(Emit *, const Object *); /* changes $X, given $A */

/* steps.c: can the network take its input one step at a time? */
bool steps_pass(Graph *source);                                /* marks the sequences; false: it reads none, or source->step_hindrance says why they cannot be cut */
const char *steps_one(Graph *one_step, const Graph *source);   /* makes the former, just expanded, a network for one step; what is in the way, or NULL */
Steps steps_kept(const Node *, Steps);                         /* for `steps` of operators: of each number for itself, */
Steps steps_of_rows(const Node *, Steps);                      /* of each row along the last axis, */
Steps steps_beside_axes(const Node *, Steps);                  /* or what lies along the argument `axis`, for itself */

/* compile.c: the passes, in order. */
typedef struct {
    int64_t batch;       /* 0: as fit() says */
    const Target *target;
    EmitOptions emit;
    Choices *choices;    /* with what a plan says, or NULL */
    bool inference_only;
    bool quiet;          /* the same network was compiled before: without its warnings */
    FILE *dump;          /* NULL, or where the graph after the pass `dump_pass` goes */
    const char *dump_pass;
} CompileOptions;
typedef struct { /* what compile_source is given */
    const char *file, *text;
    size_t length;
    const Definition *definitions;
    int definition_count;
    CompileOptions options;
} CompileInput;
Graph *compile_forward(const char *file, const char *text, size_t length, const Definition *, int definition_count); /* parsed, expanded, with shapes; NULL after errors */
Graph *compile_source(const char *file, const char *text, size_t length, const Definition *, int definition_count, const CompileOptions *);
bool compile_programs(Graph *source, const CompileOptions *, Generation *); /* false after errors */
Graph *compile_program(const Graph *source, Program, int64_t batch, bool bytes, const CompileOptions *);
void selftest_programs(Generation *, const CompileOptions *);   /* selftest.c: from then on the source checks itself */
extern const char *const compile_passes[]; /* names for --dump, ended by NULL */

/* unused.c: leaves out the layers that no output depends on. Needs shapes. */
void unused_pass(Graph *, bool quiet);

/* training.c: what compile() says, for each output. Needs shapes. */
void training_pass(Graph *);
const char **figure_names(const Graph *, int *count);          /* of an epoch, as callbacks name them: loss, accuracy, then the same with val_ */
int64_t weight_steps(const Graph *);                           /* how many weights a sample has */

/* loss.c */
const Loss *loss_of_output(const Graph *, int output, LossCase *); /* by the output's number */
int64_t loss_target_count(const LossCase *);                   /* numbers of one sample's target */
double loss_value(const LossCase *, const double *prediction, const double *target, const double *weights); /* of one sample, naive, in double; weights: one, or one for each row; NULL: 1 */
bool loss_zero_or_one(const double *targets, int64_t count);   /* of a batch: LossCase.zero_or_one */
void add_losses(Graph *);                                      /* the nodes that compute them, and the gradients of what they read */

/* reference.c: the naive interpreter, in double: the truth that all else is checked against. */
double **reference_values(const Graph *, bool training, int64_t samples, const double *const *inputs, double *const *weights); /* of all tensors, by their index: all samples', one behind the other */
void reference_free(const Graph *, double **values);
double reference_loss(const Graph *, bool training, int64_t samples, const double *const *inputs, const double *const *targets,
                      const double *sample_weights, double *const *weights, double *const *outputs);
struct Reference { /* one node of one sample */
    const double *const *inputs, *const *weights;
    double *const *outputs;
};

#endif
