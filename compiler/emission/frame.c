/* What emitted code stands on: macros of threads and levels, the choice of a level, and copies of those parts of the runtime that it uses. */
#include "emission/generate.h"

#include <ctype.h>
#include <string.h>

static const char *level_condition(const Level *level)
{
    Text text = {0};
    const char *word = level->condition;
    while (*word) {
        size_t length = strcspn(word, " ");
        text_add(&text, "%s__builtin_cpu_supports(\"%.*s\")", text.length ? " && " : "", (int)length, word);
        word += length + (word[length] == ' ');
    }
    return text.data;
}

static void add_levels(Text *text, const Generation *g)
{
    const char *wanted = g->options.threads ? memory_format("%d", g->options.threads < TASKS ? g->options.threads : TASKS) : memory_format("omp_get_max_threads() < %d ? omp_get_max_threads() : %d", TASKS, TASKS);
    const char *threads = g->options.threads ? memory_format(" num_threads(%d)", g->options.threads) : "";
    text_add(text,
             "/* Loops have %d turns at most, and so many threads at most share them, THREADS: WORKER is the number of one among them. */\n"
             "#ifdef _OPENMP\n"
             "extern int omp_get_max_threads(void), omp_get_thread_num(void);\n"
             "#define THREADS (%s)\n"
             "#define PARALLEL_FOR _Pragma(\"omp parallel for schedule(static) num_threads(%s)\")\n"
             "#define WORKER omp_get_thread_num()\n"
             "#else\n"
             "#define THREADS 1\n"
             "#define PARALLEL_FOR\n"
             "#define WORKER 0\n"
             "#endif\n\n",
             TASKS,
             wanted,
             wanted);
    if (g->source->shared)
        text_add(text,
                 "/* What the threads do together for one sample. */\n"
                 "#ifdef _OPENMP\n"
                 "extern int omp_in_parallel(void);\n"
                 "#define ONE_THREAD (%somp_in_parallel())\n"
                 "#define PARALLEL _Pragma(\"omp parallel%s\")\n"
                 "#define SHARED_FOR _Pragma(\"omp for schedule(static)\")\n"
                 "#define SINGLE _Pragma(\"omp single\")\n"
                 "#else\n"
                 "#define ONE_THREAD 1\n"
                 "#define PARALLEL\n"
                 "#define SHARED_FOR\n"
                 "#define SINGLE\n"
                 "#endif\n\n",
                 g->options.threads ? "" : "omp_get_max_threads() == 1 || ",
                 threads);
    text_add(text,
             "/* gcc does not contract x * y + z to one instruction with -std=c11, nor with -O1, unless it is asked to; clang does. */\n"
             "#if defined(__GNUC__) && !defined(__clang__)\n#pragma GCC optimize(\"fp-contract=fast\", \"expensive-optimizations\")\n#endif\n");
    text_add(text, "#define INLINE __attribute__((always_inline)) /* in a large function gcc would rather call what loads a vector */\n");
    text_add(text, "#if defined(__clang__)\n#define UNROLL _Pragma(\"unroll\")\n#else\n#define UNROLL _Pragma(\"GCC unroll 8\")\n#endif\n");
    for (int i = 0; i < g->target->level_count; i++) {
        const Level *level = g->target->levels[i];
        if (level->attribute) text_add(text, "#define LEVEL_%s __attribute__((target(\"%s\")))\n", level->suffix, level->attribute);
        else text_add(text, "#define LEVEL_%s\n", level->suffix);
    }
    text_add(text, "\n");
}

/* The transforms of tiles of that size that the code uses. */
static const char *winograd_tiles(const char *tile, const char *side, const Level *level, const char *code)
{
    Text text = {0};
    for (const char *c = winograd_tiles_text; *c;) {
        if (!strncmp(c, "TILE", 4)) text_add(&text, "%s", tile), c += 4;
        else if (!strncmp(c, "SIDE", 4)) text_add(&text, "%s", side), c += 4;
        else {
            size_t plain = 1 + strcspn(c + 1, "TS");
            text_add_bytes(&text, c, plain);
            c += plain;
        }
    }
    return used_paragraphs(text.data, code, level->lanes, level);
}

/* Functions on vectors shorter than the level's, load_f32x8 say, become load_f32x8_v4: another level may have its own. */
static const char *shorter_vectors(const char *code, const Level *level, int lanes)
{
    if (lanes == level->lanes) return code;
    Text text = {0};
    const char *name = memory_format("32x%d(", lanes), *found;
    for (; (found = strstr(code, name)); code = found + strlen(name)) {
        text_add_bytes(&text, code, (size_t)(found - code));
        text_add(&text, "32x%d_%s(", lanes, level->suffix);
    }
    text_add_bytes(&text, code, strlen(code));
    return text.data;
}

const char *level_code(const Emit *e)
{
    const Level *level = e->level;
    const char *code = e->text.data, *vectors = "";
    code = memory_join(winograd_tiles("2", "4", level, code), code);
    code = memory_join(winograd_tiles("4", "6", level, code), code);
    code = memory_join(used_paragraphs(winograd_text, code, level->lanes, level), code);
    for (int lanes = level->lanes; lanes >= SHORTEST_VECTOR; lanes /= 2) {
        if (!strstr(code, memory_format("f32x%d ", lanes))) continue;
        vectors = memory_join(vectors, shorter_vectors(used_paragraphs(vector_text, code, lanes, level), level, lanes));
        code = shorter_vectors(code, level, lanes);
    }
    return memory_join(vectors, code);
}

void add_choice(Text *text, const Generation *g, const char *indent, const char *driver, const char *arguments, bool returns)
{
    int count = g->target->level_count;
    if (count > 1) text_add(text, "#if defined(__x86_64__)\n");
    for (int i = 0; i < count; i++) {
        const char *call = memory_format("%s%s_%s(%s);", returns ? "return " : "", driver, g->target->levels[i]->suffix, arguments);
        if (i < count - 1) text_add(text, "%s%sif (level() == %d) %s\n", indent, i ? "else " : "", count - i - 1, call);
        else text_add(text, "%s%s%s\n", count > 1 ? memory_format("%selse\n#endif\n", indent) : "", indent, call);
    }
}

void add_level_function(Text *text, const Generation *g)
{
    if (g->target->level_count < 2) return;
    text_add(text, "/* The best level that this machine has. Compiled with -DCNNC_LEVEL=1, say, no level above that is chosen. */\n#if defined(__x86_64__)\n#ifndef CNNC_LEVEL\n#define CNNC_LEVEL %d\n#endif\nstatic int level(void)\n{\n", g->target->level_count - 1);
    for (int i = 0; i < g->target->level_count - 1; i++)
        text_add(text, "    if (CNNC_LEVEL >= %d && %s) return %d;\n", g->target->level_count - i - 1, level_condition(g->target->levels[i]), g->target->level_count - i - 1);
    text_add(text, "    return 0;\n}\n#endif\n\n");
}

void add_section(Text *text, const Target *target, const Level *level, const char *code)
{
    bool guarded = level->attribute && target->level_count > 1;
    if (guarded) text_add(text, "#if defined(__x86_64__)\n");
    text_add_bytes(text, code, strlen(code));
    if (guarded) text_add(text, "#endif\n\n");
}

/* What the functions of a training step are told: what the caller says, and what the optimiser makes of that, once a step. */
static void add_step(Text *text, const Generation *g)
{
    const char *name = g->source->name;
    const Optimizer *optimizer = optimizer_of(g->source, NULL, NULL);
    if (!optimizer->prepare) {
        text_add(text, "typedef %s_training_step Step;\n\n", name);
        return;
    }
    text_add(text, "/* What is the same for all weights of a step. */\ntypedef struct {\n    uint64_t seed, step;\n    int refuse_nan;\n    float learning_rate");
    Text values = {0};
    for (int i = 0; optimizer->values[i]; i++) {
        text_add(text, ", %s", optimizer->values[i]);
        text_add(&values, ", (float)%s", optimizer->values[i]);
    }
    text_add(text, ";\n} Step;\n\nstatic inline Step step_begin(const %s_training_step *told)\n", name);
    text_indent(text,
                memory_format("{\nconst double rate = (double)told->learning_rate, t = (double)(told->step + 1);\n%s"
                              "const Step step = {told->seed, told->step, told->refuse_nan, told->learning_rate%s};\nreturn step;\n}\n\n",
                              optimizer->prepare(argument_object(g->source->compile, "optimizer")),
                              values.data));
}

void add_extensions(Text *text)
{
    text_add(text,
             "/* -Wpedantic need not say that this file uses more than C11 and C++17 promise: pointers to arrays that become pointers to constant ones\n"
             " * (C23 has them), compound literals in C++, long strings. */\n"
             "#if defined(__GNUC__)\n#pragma GCC diagnostic ignored \"-Wpedantic\"\n#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n#endif\n\n");
}

const char *generate_frame(const Generation *g, const char *code)
{
    const char *name = g->source->name;
    Text text = {0};
    text_add(&text, "#include <math.h>\n#include <string.h>\n%s\n", strstr(code, "cblas_") ? "#include <cblas.h>\n" : "");
    add_extensions(&text);
    if (g->target->level_count == 1 && g->target->levels[0]->attribute) text_add(&text, "#if !defined(__x86_64__)\n#error \"this file was written for %s; run cnnc with another --target\"\n#endif\n\n", g->target->levels[0]->name);
    add_levels(&text, g);
    text_add(&text, "#ifndef __cplusplus\n_Static_assert(sizeof(%s_parameters) == %s_PARAMETERS_BYTES && sizeof(%s_weights) == %s_WEIGHTS_BYTES, \"the sizes in the header\");\n#endif\n\n", name, upper_case(name), name, upper_case(name));
    if (g->train) add_step(&text, g);
    if (strstr(code, "random_key(") || strstr(code, "random_bits(")) text_add(&text, "%s", used_paragraphs(random_text, code, 0, NULL));
    if (strstr(code, "transform_pixel_")) text_add(&text, "%s", used_paragraphs(transform_text, code, 0, NULL));
    if (strstr(code, "step_key("))
        text_add(&text,
                 "/* Names the random numbers of one step. */\n"
                 "static inline uint64_t step_key(const Step *step)\n{\n    return random_key(random_key(step->seed, 3), step->step);\n}\n\n");
    return text.data;
}
