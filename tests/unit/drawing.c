/* cnnc model.net -o model.svg: the network as a drawing. */
#include "patience.h"
#include "shell.h"
#include "xml.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(drawing, .init = shell_enter, .fini = shell_leave);

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 24);
    cr_assert(text && fread(text, 1, (1 << 24) - 1, file) > 0);
    fclose(file);
    return text;
}

static int occurrences(const char *text, const char *words)
{
    int count = 0;
    for (; (text = strstr(text, words)); text++) count++;
    return count;
}

typedef struct {
    double x, y, width, height;
} Box;

/* The boxes of a drawing, which must be whole, within it, and apart from one another. */
static int boxes_of(const char *svg, Box *boxes, int most)
{
    double width, height;
    int count = 0;
    const char *size = strstr(svg, "viewBox=");
    const char *problem = xml_problem(svg);
    cr_assert_null(problem, "%s", problem);
    cr_assert(size && sscanf(size, "viewBox=\"0 0 %lf %lf\"", &width, &height) == 2);
    for (const char *at = svg; (at = strstr(at, "<g class=")); at++) {
        cr_assert(count < most);
        Box *box = &boxes[count++];
        cr_assert_eq(sscanf(strstr(at, "translate("), "translate(%lf %lf)", &box->x, &box->y), 2);
        cr_assert_eq(sscanf(strstr(at, "<rect "), "<rect width=\"%lf\" height=\"%lf\"", &box->width, &box->height), 2);
        cr_expect(box->x >= 0 && box->y >= 0 && box->x + box->width <= width && box->y + box->height <= height);
        for (int i = 0; i < count - 1; i++)
            cr_expect(fabs(box->x - boxes[i].x) > box->width || fabs(box->y - boxes[i].y) > box->height,
                      "boxes %d and %d overlap",
                      i,
                      count - 1);
    }
    return count;
}

Test(drawing, of_a_chain)
{
    Box boxes[32];
    shell_good("$CNNC $ROOT/examples/mnist_cnn/mnist_cnn.net -o m.svg");
    char *svg = read_text("m.svg");
    cr_expect_eq(boxes_of(svg, boxes, 32), 10);
    cr_expect_eq(occurrences(svg, "<path class=\"edge\""), 9);
    for (int i = 1; i < 10; i++) cr_expect(boxes[i].y > boxes[i - 1].y && fabs(boxes[i].x - boxes[0].x) < 0.1, "box %d", i);
    static const char *const words[] = {"conv2d(32, 3x3, activation=relu)",
                                        "24 × 24 × 64",
                                        "1,179,776 parameters · 1,179,648 MACs",
                                        "prefers-color-scheme:dark",
                                        "dense(10, softmax)"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) cr_expect(strstr(svg, words[i]), "%s is not there", words[i]);
    free(svg);
}

/* A box has the call as it was written, where a value may stand alone or in a list too. */
Test(drawing, calls_as_they_are_written)
{
    static const char *const calls[] = {"conv2d(2, 3x3, padding=same)",
                                        "conv2d(2, 3x3, padding=1x2)",
                                        "conv2d(2, 3x3, padding=[1x2, 2x1])",
                                        "zero_padding2d([1x2, 2x1])",
                                        "reshape(10, -1)",
                                        "dense(3, relu)"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char text[128], box[128];
        snprintf(text, sizeof text, "model m\ninput(10, 10, 2)\n%s\n", calls[i]);
        shell_file("m.net", text);
        shell_good("$CNNC m.net -o m.svg");
        char *svg = read_text("m.svg");
        snprintf(box, sizeof box, ">%s<", calls[i]);
        cr_expect(strstr(svg, box), "%s is not there:\n%s", box, svg);
        free(svg);
    }
}

Test(drawing, of_branches)
{
    static const struct {
        const char *name;
        int layers, edges;
    } networks[] = {{"googlenet", 0, 0}, {"resnet18", 0, 0}, {"two_outputs", 11, 10}};
    Box *boxes = calloc(1000, sizeof *boxes);
    cr_assert(boxes);
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        shell_good("$CNNC $ROOT/examples/%s/%s.net -o n.svg", networks[i].name, networks[i].name);
        char *svg = read_text("n.svg");
        int layers = boxes_of(svg, boxes, 1000), edges = occurrences(svg, "<path class=\"edge\"");
        cr_expect(
            layers == networks[i].layers || (!networks[i].layers && layers > 50), "%s: %d layers", networks[i].name, layers);
        cr_expect(
            edges == networks[i].edges || (!networks[i].edges && edges > layers), "%s: %d edges", networks[i].name, edges);
        free(svg);
    }
    free(boxes);
}

/* An edge past a row goes around its boxes; branches of the same tensor stand side by side. */
Test(drawing, edges_go_around_boxes)
{
    shell_file("n.net",
               "model skip input(4, 4, 1) a = conv2d(2, 1x1) b = conv2d(2, 1x1)(a) c = conv2d(2, 1x1)(b) d = conv2d(2, 1x1)(a) "
               "add()(a, c, d)");
    shell_good("$CNNC n.net -o n.svg");
    Box boxes[8];
    char *svg = read_text("n.svg");
    cr_expect_eq(boxes_of(svg, boxes, 8), 6);
    cr_expect_eq(occurrences(svg, "<path class=\"edge\""), 7);
    cr_expect(fabs(boxes[2].y - boxes[4].y) < 0.1 && boxes[3].y > boxes[2].y && boxes[5].y > boxes[3].y,
              "b and d stand beside one another");
    for (const char *at = svg; (at = strstr(at, "<path class=\"edge\"")); at++) {
        double x = 0, y;
        int down, length;
        const char *path = strstr(at, " d=\"") + 4, *end = strchr(path, '"');
        for (const char *c = path; c < end; c++) {
            if (sscanf(c, "M%lf %lf%n", &x, &y, &length) == 2) continue;
            if (*c == 'C') cr_assert_eq(sscanf(c, "C%*f %*f %*f %*f %lf %lf", &x, &y), 2);
            if (*c != 'v') continue;
            cr_assert_eq(sscanf(c, "v%d", &down), 1);
            for (int i = 0; i < 6; i++)
                cr_expect(!(x > boxes[i].x && x < boxes[i].x + boxes[i].width) || fabs(boxes[i].y - y) > 1,
                          "an edge goes through box %d",
                          i);
        }
    }
    free(svg);
}

Test(drawing, names_are_nothing_but_names)
{
    shell_file("n.net",
               "model m x = input(3) dense(2, kernel_initializer=glorot_uniform()) compile(optimizer=sgd(), loss=mse) "
               "fit(x=\"<&'>.npy\", y=\"\")");
    shell_good("$CNNC n.net -o n.svg");
    char *svg = read_text("n.svg");
    const char *problem = xml_problem(svg);
    cr_expect_null(problem, "%s", problem);
    free(svg);
    shell_refused(".svg a drawing", "$CNNC n.net -o n.png");
}

Test(drawing, of_a_long_network_is_quick, .timeout = 60 * PATIENCE)
{
    shell_file("n.net", "model long input(2) repeat 20000 { relu() }");
    shell_good("$CNNC n.net -o n.svg");
    char *svg = read_text("n.svg");
    cr_expect_eq(occurrences(svg, "<g class="), 20001);
    free(svg);
}
