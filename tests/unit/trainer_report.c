/* trainer report: the page is whole, needs nothing from elsewhere, and says what evaluate says, whatever it is given. */
#include "drive.h"
#include "emitted.h"
#include "patience.h"
#include "random.h"
#include "report.h"
#include "toy.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(trainer_report, .init = drive_begin, .fini = drive_end);

static int occurrences(const char *text, const char *words)
{
    int count = 0;
    for (; (text = strstr(text, words)); text++) count++;
    return count;
}

Test(trainer_report, counts_have_commas)
{
    static const struct { int64_t number; const char *text; } cases[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {123456, "123,456"}, {INT64_MAX, "9,223,372,036,854,775,807"}};
    char text[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) cr_expect_str_eq(page_count(cases[i].number, text), cases[i].text);
}

/* n samples of noise with a bright row whose height tells the class. */
static void write_digits(int64_t n)
{
    uint8_t *x = malloc((size_t)n * 784), *y = malloc((size_t)n);
    cr_assert(x && y);
    for (int64_t i = 0; i < n; i++) {
        y[i] = (uint8_t)(i % 10);
        for (int64_t k = 0; k < 784; k++) {
            uint32_t noise = random_bits(random_key(3, (uint64_t)i), (uint32_t)k) % 200;
            x[i * 784 + k] = (uint8_t)(k / 28 == 2 * y[i] + 3 ? 200 : noise);
        }
    }
    write_array("x.npy", ARRAY_UINT8, 3, (const int64_t[]){n, 28, 28}, x);
    write_array("y.npy", ARRAY_UINT8, 1, (const int64_t[]){n}, y);
    free(x);
    free(y);
}

/* The page, which must be well-formed and refer to nothing outside it; free() it. */
static char *page(const char *path)
{
    char *text = file_text(path);
    cr_assert_not_null(text);
    const char *problem = xml_problem(text);
    cr_expect_null(problem, "%s", problem);
    static const char *const referring[] = {"src=\"", "href=\"", "url("};
    static const char *const inside[] = {"src=\"data:image/png;base64,", "href=\"#", "url(#"};
    for (int i = 0; i < 3; i++)
        cr_expect_eq(occurrences(text, referring[i]), occurrences(text, inside[i]), "%s leads elsewhere", referring[i]);
    cr_expect(!strstr(text, "<script") && !strstr(text, "@import"));
    static const char *const wanted[] = {"<meta name=\"viewport\"", "prefers-color-scheme:dark", "<meta charset=\"utf-8\"/>"};
    for (int i = 0; i < 3; i++) cr_expect(strstr(text, wanted[i]), "%s is not there", wanted[i]);
    cr_expect(!strstr(text, "\"nan") && !strstr(text, "-nan") && !strstr(text, "Mnan") && !strstr(text, "\"inf"),
              "coordinates that are no numbers");
    return text;
}

Test(trainer_report, says_what_evaluate_says)
{
    write_digits(60);
    expect_success(RUN(&toy_digits,
                       "fit",
                       "--x",
                       "x.npy",
                       "--y",
                       "y.npy",
                       "--epochs",
                       "3",
                       "--validation-split",
                       "0.2",
                       "--history",
                       "h.csv",
                       "-o",
                       "w"));
    const Run *run = RUN(&toy_digits, "evaluate", "--weights", "w", "--x", "x.npy", "--y", "y.npy");
    expect_success(run);
    double accuracy = figure(run->out, "accuracy");
    expect_success(
        RUN(&toy_digits, "report", "--weights", "w", "--history", "h.csv", "--x", "x.npy", "--y", "y.npy", "-o", "r.html"));
    char *text = page("r.html"), words[64];
    snprintf(words, sizeof words, "<dd>%.2f %%</dd>", 100 * accuracy);
    cr_expect(strstr(text, words), "%s is not there", words);
    int misread = (int)lround(60 * (1 - accuracy));
    cr_assert(misread > 0 && misread <= 48, "%d", misread);
    cr_expect_eq(occurrences(text, "<div class=\"verdict\">"), misread);
    snprintf(words, sizeof words, "%d of 60 samples are misread", misread);
    cr_expect(strstr(text, words), "%s is not there", words);
    cr_expect_eq(occurrences(text, "<figure class=\"chart\">"), 2); /* loss and accuracy, each with its validation */
    cr_expect_eq(occurrences(text, ">validation "), 2);
    cr_expect(strstr(text, ">best: epoch "));
    cr_expect_eq(occurrences(text, "alt=\"filter "), 10);
    cr_expect(strstr(text, "Confusion matrix") && !strstr(text, "Feature maps"));
    free(text);
}

Test(trainer_report, needs_neither_history_nor_data)
{
    write_digits(20);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_digits, "report", "--weights", "w", "-o", "r.html"));
    char *text = page("r.html");
    cr_expect(strstr(text, "No samples: ") && strstr(text, "filters"));
    cr_expect(!strstr(text, "Confusion") && !strstr(text, "<figure class=\"chart\">"));
    free(text);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w", "--history", "h.csv", "--validation-split", "0", "--callbacks", "none"));
    expect_success(RUN(&toy_digits, "report", "--weights", "w", "--history", "h.csv", "-o", "r.html"));
    text = page("r.html");
    cr_expect_eq(occurrences(text, "<figure class=\"chart\">"), 2);
    cr_expect_eq(occurrences(text, ">validation "), 0, "there was none");
    free(text);
}

Test(trainer_report, of_other_kinds_of_networks)
{
    write_flowers("", 21, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(&toy_flowers, "report", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "-o", "r.html"));
    char *text = page("r.html");
    cr_expect(strstr(text, "Confusion matrix") && !strstr(text, "<img"), "four numbers are no picture");
    free(text);
    float two[] = {1, 2, 3, 4}, one[] = {1, 2};
    write_array("two.npy", ARRAY_FLOAT32, 2, (const int64_t[]){2, 2}, two);
    write_array("one.npy", ARRAY_FLOAT32, 2, (const int64_t[]){2, 1}, one);
    expect_success(RUN(&toy_pair,
                       "fit",
                       "--x",
                       "left=two.npy",
                       "--x",
                       "right=two.npy",
                       "--y",
                       "sum=one.npy",
                       "--y",
                       "product=one.npy",
                       "-o",
                       "p"));
    expect_success(RUN(&toy_pair,
                       "report",
                       "--weights",
                       "p",
                       "--x",
                       "left=two.npy",
                       "--x",
                       "right=two.npy",
                       "--y",
                       "sum=one.npy",
                       "--y",
                       "product=one.npy",
                       "-o",
                       "r.html"));
    text = page("r.html");
    cr_expect(!strstr(text, "Confusion") && strstr(text, "<dt>loss</dt>"));
    free(text);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

Test(trainer_report, whatever_stands_in_a_history)
{
    static const char *const good[] = {
        "epoch,loss\n0,nan\n1,inf\n",
        "epoch,loss,val_loss\n0,1,NA\n1,0.5,0.75\n",
        "epoch;accuracy;loss\n0;0.5;1\n",
        "epoch,<b>&\"',loss\n0,1,2\n1,1e308,-1e308\n",
        "epoch,loss\n0,1e20\n1,1.00000000000001e20\n2,1e20\n",
        "epoch,loss\n7,0\n7,0\n",
        "epoch,loss,loss\n0,1e-320,1\n1,0,1\n",
        "epoch,a\377\001b,loss\n0,1,1\n",
        "epoch,loss\n",
    };
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "is empty"},
        {"loss,epoch\n", "should begin with epoch"},
        {"epoch", "should begin with epoch"},
        {"epoch,loss\n0\n", "line 2: columns are missing"},
        {"epoch,loss\n0,1\n1,2,3\n", "line 3: there are more columns"},
        {"epoch,loss\n0,one\n", "line 2: a number is expected"},
        {"epoch,loss\n1e300,1\n", "line 2: a number is expected"},
        {"epoch,loss\nnan,1\n", "line 2: a number is expected"},
    };
    write_digits(20);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w<&\"'>"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        write_text("h.csv", good[i]);
        expect_success(RUN(&toy_digits, "report", "--weights", "w<&\"'>", "--history", "h.csv", "-o", "r.html"));
        char *text = page("r.html");
        cr_expect(strstr(text, "weights: w&lt;&amp;&quot;&#39;&gt;"), "history %zu", i);
        cr_expect(i != 3 || strstr(text, "<b>&lt;b&gt;&amp;&quot;&#39;</b>"), "%s", text);
        free(text);
    }
    cr_assert_eq(unlink("r.html"), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text("h.csv", bad[i].text);
        const Run *run = RUN(&toy_digits, "report", "--weights", "w<&\"'>", "--history", "h.csv", "-o", "r.html");
        cr_expect(run->status == 1 && strstr(run->err, bad[i].words), "history %zu: %d, %s", i, run->status, run->err);
        cr_expect(access("r.html", F_OK), "a failed run leaves nothing");
    }
}

Test(trainer_report, of_samples_that_are_not_finite)
{
    write_flowers("", 21, 1);
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    float *x = malloc(21 * 4 * sizeof *x);
    cr_assert(x);
    for (int i = 0; i < 84; i++) x[i] = i % 2 ? NAN : INFINITY;
    write_array("x.npy", ARRAY_FLOAT32, 2, (const int64_t[]){21, 4}, x);
    free(x);
    const Run *run = RUN(&toy_flowers, "report", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "-o", "r.html");
    cr_expect(run->status == 0 && strstr(run->err, "warning: x.npy holds inf in sample 0"), "%d: %s", run->status, run->err);
    char *text = page("r.html");
    cr_expect(strstr(text, "Misread"));
    free(text);
}

Test(trainer_report, arguments_are_checked)
{
    static const struct {
        const char *words, *arguments[10];
    } cases[] = {
        {"--weights FILE is missing", {"report", "-o", "r.html"}},
        {"-o FILE is missing", {"report", "--weights", "w"}},
        {"nowhere", {"report", "--weights", "w", "-o", "nowhere/r.html"}},
        {"none.csv", {"report", "--weights", "w", "--history", "none.csv", "-o", "r.html"}},
        {"none.npy", {"report", "--weights", "w", "--x", "none.npy", "--y", "y.npy", "-o", "r.html"}},
        {"only 0 samples", {"report", "--weights", "w", "--digit", "5", "-o", "r.html"}},
        {"takes no file", {"report", "x.npy", "--weights", "w", "-o", "r.html"}},
    };
    write_digits(20);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Run *run = run_model(&toy_digits, cases[i].arguments);
        cr_expect(run->status == 1 && strstr(run->err, cases[i].words), "case %zu: %d, %s", i, run->status, run->err);
        cr_expect(access("r.html", F_OK), "a failed run leaves nothing");
    }
}

/* predict --show, where the output is no terminal: two rows a line, no colours. */
Test(trainer_report, predict_shows)
{
    write_digits(10);
    uint8_t *x = calloc(784, 1);
    cr_assert(x);
    for (int k = 0; k < 28; k++) x[k] = x[28 * 3 + k] = 255, x[28 * 4 + k] = x[28 * 5 + k] = 255;
    write_array("one.npy", ARRAY_UINT8, 3, (const int64_t[]){1, 28, 28}, x);
    free(x);
    expect_success(RUN(&toy_digits, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    const Run *run = RUN(&toy_digits, "predict", "--weights", "w", "--show", "one.npy");
    expect_success(run);
    cr_expect_eq(occurrences(run->out, "\n"), 15);
    cr_expect(occurrences(run->out, "▀") == 28 && occurrences(run->out, "▄") == 28 && occurrences(run->out, "█") == 28 &&
                  !strchr(run->out, '\033'),
              "%s",
              run->out);
    run = RUN(&toy_digits, "predict", "--weights", "w", "--show", "one.npy", "-o", "p.npy");
    cr_expect(run->status == 1 && strstr(run->err, "--show"), "%s", run->err);
    write_flowers("", 3, 1); /* no pictures: only the answers */
    expect_success(RUN(&toy_flowers, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "f"));
    run = RUN(&toy_flowers, "predict", "--weights", "f", "--show", "x.npy");
    cr_expect_eq(run->status, 0);
    cr_expect_eq(occurrences(run->out, "\n"), 3);
    cr_expect(strstr(run->err, "warning: --show draws nothing"), "%s", run->err);
}

typedef struct {
    long long bytes, offset, first, last;
} Buffer;

/* A number as it is written for people: 1,234. */
static long long grouped_number(const char **text)
{
    long long number = 0;
    for (; (**text >= '0' && **text <= '9') || (**text == ',' && (*text)[1] != ' '); (*text)++)
        if (**text != ',') number = 10 * number + (**text - '0');
    return number;
}

/* The picture of an arena: all of it is in use at some time, and no two buffers ever share a byte. */
static void check_memory(const char *picture)
{
    static Buffer buffers[4000];
    int count = 0;
    const char *title = strstr(picture, "<title>"), *end = strstr(picture, "</svg>");
    cr_assert(title && end);
    title += strlen("<title>");
    long long arena = grouped_number(&title), most = 0;
    cr_assert(arena > 1000, "%lld", arena);
    for (const char *at = title; (at = strstr(at, "<g class=")) && at < end; at++) {
        const char *words = strstr(at, "<title>");
        if (!words || words > strstr(at, "</g>")) continue; /* of the legend */
        Buffer *buffer = &buffers[count++];
        cr_assert(count < 4000 && (words = strstr(words, ": ")));
        words += 2;
        buffer->bytes = grouped_number(&words);
        cr_assert_eq(strncmp(words, " bytes at ", 10), 0);
        words += 10;
        buffer->offset = grouped_number(&words);
        cr_assert_eq(sscanf(words, ", from step %lld to %lld<", &buffer->first, &buffer->last), 2, "%.60s", words);
        cr_expect(buffer->bytes > 0 && buffer->offset >= 0 && buffer->offset + buffer->bytes <= arena &&
                  buffer->first <= buffer->last);
        if (buffer->offset + buffer->bytes > most) most = buffer->offset + buffer->bytes;
        for (int i = 0; i < count - 1; i++) {
            const Buffer *other = &buffers[i];
            bool together = other->first <= buffer->last && buffer->first <= other->last;
            cr_expect(!together || other->offset + other->bytes <= buffer->offset ||
                          buffer->offset + buffer->bytes <= other->offset,
                      "buffers %d and %d share memory",
                      i,
                      count - 1);
        }
    }
    cr_expect(count > 2 && most > arena - 64, "%d buffers, %lld of %lld bytes", count, most, arena);
}

/* Of each filter so many samples, each once, the strongest first. */
static void check_answers(const char *text, int filters, int samples)
{
    int seen = 0, filter_before = -1;
    double value_before = 0;
    uint64_t known = 0;
    for (; (text = strstr(text, "alt=\"filter ")); text++) {
        int filter, sample;
        double value;
        if (sscanf(text, "alt=\"filter %d gives sample %d %lf\"", &filter, &sample, &value) != 3) continue;
        if (filter != filter_before) known = 0, value_before = INFINITY;
        cr_expect(value <= value_before && !(known >> sample & 1), "filter %d, sample %d", filter, sample);
        known |= (uint64_t)1 << sample;
        filter_before = filter;
        value_before = value;
        seen++;
    }
    cr_expect_eq(seen, filters * samples, "%d", seen);
}

/* A network as cnnc emits it: the feature maps of its layers, what its filters answer to, its drawing, time and memory. */
Test(trainer_emitted_report, shows_the_feature_maps, .timeout = 120 * PATIENCE)
{
    char problem[4096];
    const CnncModel *model = emitted_load("tests/report/digits.net", problem, sizeof problem);
    cr_assert_not_null(model, "%s", problem);
    drive_begin();
    write_digits(12);
    expect_success(RUN(model, "fit", "--x", "x.npy", "--y", "y.npy", "-o", "w"));
    expect_success(RUN(model, "report", "--weights", "w", "--x", "x.npy", "--y", "y.npy", "--digit", "3", "-o", "r.html"));
    char *text = page("r.html");
    cr_expect(strstr(text, "What each layer makes of sample 3"));
    cr_expect_eq(occurrences(text, "alt=\"map "), 1 + 5 + 5, "of rescaling, the convolution, the pooling");
    cr_expect_eq(occurrences(text, "alt=\"filter "), 5 + 5 * 8);
    check_answers(text, 5, 8);
    const char *times = strstr(text, "<h2>Time per layer</h2>"), *memory = strstr(text, "<h2>Memory</h2>");
    cr_assert(times && memory && times < memory);
    cr_expect(strstr(times, "<th>conv2d</th>") < memory && strstr(times, " µs</td>") < memory &&
              strstr(times, "<td>30420</td>") < memory);
    check_memory(memory);
    check_memory(strstr(memory, "<h3>a training step</h3>"));
    cr_expect(strstr(text, "<svg class=\"network\"") && strstr(text, "conv2d(5, 3x3, activation=relu)"));
    free(text);
    drive_end();
}
