/* test_drawing.c: the text that is written for Graphviz.
 *
 * Owns: the promises of graph/drawing.h. What Graphviz makes of it is not looked at. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>
#include <unistd.h>

static tg_tape *tape;
static char path[] = "/tmp/tapegrad_drawing_XXXXXX";
static void open_tape(void) {
    tape = tg_tape_new(TG_F64);
    const int file = mkstemp(path);
    cr_assert_geq(file, 0);
    close(file);
}
static void close_tape(void) {
    unlink(path);
    tg_tape_free(tape);
}

TestSuite(drawing, .init = open_tape, .fini = close_tape);

/* The text of the drawing of y. */
static const char *drawn(tg_tensor y, const tg_draw_options *options) {
    static char text[1 << 16];
    cr_assert_eq(tg_draw(path, y, options), TG_OK, "%s", tg_tape_error(tape));
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void expect_in(const char *text, const char *part) {
    cr_expect(strstr(text, part) != NULL, "\"%s\" is not in:\n%s", part, text);
}
static void expect_not_in(const char *text, const char *part) {
    cr_expect(strstr(text, part) == NULL, "\"%s\" is in:\n%s", part, text);
}

/* How often a text occurs in another. */
static int count(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) n++;
    return n;
}

Test(drawing, shows_every_node_once_with_name_operation_value_gradient_and_line) {
    const tg_tensor a = tg_set_name(tg_param_scalar(tape, 5), "a"),
                    b = tg_set_name(tg_param_scalar(tape, 3), "b"),
                    c = tg_set_name(tg_param_scalar(tape, 2), "c");
    const tg_tensor u = tg_set_name(tg_mul_at("src/model.c:7", b, c), "u");
    const tg_tensor v = tg_set_name(tg_add_at("src/model.c:8", a, u), "v");
    const tg_tensor J = tg_set_name(tg_mul_at("src/model.c:9", tg_num(3), v), "J");
    tg_add(J, tg_num(77)); /* not what J was made of */
    tg_tensor d[2];
    cr_assert_eq(tg_gradients(J, 2, ((tg_tensor[]){b, u}), d), TG_OK);
    const tg_draw_options options = {
        .title = "J = 3 (a + b c)", .n_gradients = 2, .of = (tg_tensor[]){b, u}, .gradients = d};
    const char *text = drawn(J, &options);
    expect_in(text, "digraph");
    expect_in(text, "label=\"J = 3 (a + b c)\"");
    expect_in(text, "\"a\\nvalue 5\"");
    expect_in(text, "\"b\\nvalue 3\\ngradient 6\"");
    expect_in(text, "\"u = mul\\nvalue 6\\ngradient 3\\nmodel.c:7\"");
    expect_in(text, "\"J = mul\\nvalue 33\\nmodel.c:9\"");
    expect_in(text, "\"number\\nvalue 3\"");
    expect_not_in(text, "77");
    cr_expect_eq(count(text, "[fillcolor"), 7, "%s", text);
    cr_expect_eq(count(text, " -> "), 6, "%s", text);
    cr_expect_eq(text[strlen(text) - 2], '}');
}

Test(drawing, is_in_canonical_order_from_the_result_inputs_left_to_right) {
    const tg_tensor late = tg_set_name(tg_scalar(tape, 1), "second"),
                    early = tg_set_name(tg_scalar(tape, 2), "first");
    const tg_tensor root =
        tg_set_name(tg_sub(tg_set_name(tg_neg(early), "left"), tg_set_name(tg_exp(late), "right")), "root");
    const char *text = drawn(root, NULL);
    const char *const order[] = {"\"root", "\"left", "\"first", "\"right", "\"second"};
    const char *at = text;
    for (int i = 0; i < 5; i++) {
        const char *found = strstr(at, order[i]);
        cr_expect_not_null(found, "%s is not where it should be in\n%s", order[i], text);
        if (found) at = found;
    }
}

Test(drawing, shows_shapes_and_the_values_of_tiny_tensors_only) {
    const tg_tensor W = tg_param_zeros(tape, TG_SHAPE(30, 4)), x = tg_full(tape, TG_SHAPE(4), 0.5);
    const tg_tensor y = tg_matmul(W, x), total = tg_sum(y);
    const char *text = drawn(total, NULL);
    expect_in(text, "parameter  [30, 4]\"");
    expect_in(text, "input  [4]\\nvalue [0.5 0.5 0.5 0.5]");
    expect_in(text, "matmul  [30]\\ntest");
    expect_in(text, "sum\\nvalue 0");
    text = drawn(total, &(tg_draw_options){.no_values = true, .no_places = true});
    expect_not_in(text, "value");
    expect_not_in(text, "test_drawing.c");
    expect_in(text, "\"sum\"");
}

Test(drawing, escapes_what_has_a_meaning_to_graphviz) {
    const tg_tensor x = tg_set_name(tg_scalar(tape, 1), "say \"x\\y\"\nthere");
    const char *text = drawn(x, &(tg_draw_options){.title = "a \"title\""});
    expect_in(text, "say \\\"x\\\\y\\\"\\nthere");
    expect_in(text, "a \\\"title\\\"");
}

Test(drawing, marks_nodes_with_a_text_that_is_broken_into_lines) {
    const tg_tensor x = tg_set_name(tg_scalar(tape, 1), "x"), y = tg_set_name(tg_exp(x), "y");
    const tg_tensor marked[] = {y, {0}};
    const char *const marks[] = {"backward gives \"this\" where differences give that", "of no node"};
    const tg_draw_options options = {.n_marks = 2, .marked = marked, .marks = marks, .no_places = true};
    const char *text = drawn(y, &options);
    expect_in(text, "backward gives \\\"this\\\" where differences\\ngive that\"];");
    expect_in(text, "fillcolor=\"#e34a33\"");
    expect_not_in(text, "of no node");
    text = drawn(y, &(tg_draw_options){.n_marks = 1, .marked = &x});
    cr_expect_eq(count(text, "#e34a33"), 1);
}

Test(drawing, of_an_operand_used_twice_has_two_edges_and_one_box) {
    const tg_tensor x = tg_scalar(tape, 3);
    const char *text = drawn(tg_mul(x, x), NULL);
    cr_expect_eq(count(text, "[fillcolor"), 2);
    cr_expect_eq(count(text, " -> "), 2);
    tg_tensor same[12];
    for (int i = 0; i < 12; i++) same[i] = tg_ones(tape, TG_SHAPE(1));
    text = drawn(tg_concat(12, same, 0), NULL);
    cr_expect_eq(count(text, " -> "), 12);
}

Test(drawing, of_deep_diamonds_is_not_exponential) {
    tg_tensor x = tg_scalar(tape, 1);
    for (int i = 0; i < 60; i++) x = tg_add(x, tg_neg(x));
    cr_expect_eq(count(drawn(x, NULL), "[fillcolor"), 121);
}

Test(drawing, ignores_gradients_that_belong_to_no_node_of_it) {
    tg_tape *other = tg_tape_new(TG_F64);
    const tg_tensor x = tg_scalar(tape, 3), foreign = tg_scalar(other, 9);
    const tg_tensor of[] = {foreign, {0}, x, tg_num(0)}, gradients[] = {x, x, {0}, x};
    const char *text = drawn(x, &(tg_draw_options){.n_gradients = 4, .of = of, .gradients = gradients});
    expect_not_in(text, "gradient");
    tg_tape_free(other);
}

Test(drawing, into_a_file_that_cannot_be_written_is_an_error_with_its_name) {
    const tg_tensor x = tg_scalar(tape, 1);
    cr_expect_eq(tg_draw_at("main.c:1", "/nowhere/graph.dot", x, NULL), TG_ERR_FILE);
    EXPECT_ERROR(tape, TG_ERR_FILE, "main.c:1: draw: ", "/nowhere/graph.dot", "No such file");
    cr_expect_eq(tg_draw("/dev/full", x, NULL), TG_ERR_FILE);
    EXPECT_ERROR(tape, TG_ERR_FILE, "/dev/full");
    cr_expect_eq(tg_draw(NULL, x, NULL), TG_ERR_FILE);
    EXPECT_ERROR(tape, TG_ERR_FILE, "draw");
    cr_expect_eq(tg_draw(path, (tg_tensor){0}, NULL), TG_ERR_HANDLE);
    cr_expect_eq(tg_draw(path, tg_num(1), NULL), TG_ERR_HANDLE);
    cr_expect_eq(tg_draw_at("main.c:2", path, (tg_tensor){tape, 99, 1}, NULL), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:2: draw");
}
