/* chain_rule.c: J = 3 (a + b c): values, derivatives, the nudge. */
#include "models/chain_rule.h"

#include <math.h>

#include "models/model_check.h"
#include "ops/elementwise.h"

static const char *const names[3] = {"a", "b", "c"};

/* Also the model that is checked: params are a, b and c. u, v and J are left in `graph` when it is given. */
static tg_tensor record(tg_tape *tape, const tg_tensor *params, void *graph) {
    (void)tape;
    const tg_tensor u = tg_set_name(tg_mul(params[1], params[2]), "u");
    const tg_tensor v = tg_set_name(tg_add(params[0], u), "v");
    const tg_tensor J = tg_set_name(tg_mul(tg_num(3), v), "J");
    tg_chain_rule_result *result = graph;
    if (result) result->u = u, result->v = v, result->J = J;
    return J;
}

static void make_params(tg_tape *tape, const double *at, tg_tensor *params) {
    for (int i = 0; i < 3; i++) params[i] = tg_set_name(tg_param_scalar(tape, at[i]), names[i]);
}

static tg_status differentiate(tg_tape *tape, const double *at, tg_chain_rule_result *result) {
    tg_tensor params[3], gradients[5];
    make_params(tape, at, params);
    record(tape, params, result);
    result->a = params[0], result->b = params[1], result->c = params[2];
    const tg_tensor of[5] = {result->v, result->u, params[0], params[1], params[2]};
    const tg_status status = tg_gradients(result->J, 5, of, gradients);
    if (status != TG_OK) return status;
    result->dv = gradients[0], result->du = gradients[1];
    result->da = gradients[2], result->db = gradients[3], result->dc = gradients[4];
    return TG_OK;
}

/* J anew, from values in which one has moved: the experiment that a derivative foretells. */
static tg_status nudge(tg_tape *tape, const double *at, double by, tg_chain_rule_result *result) {
    const double J = tg_item(result->J);
    for (int i = 0; i < 3; i++) {
        const tg_mark start = tg_tape_mark(tape);
        tg_tensor params[3];
        double moved[3] = {at[0], at[1], at[2]};
        moved[i] += by;
        make_params(tape, moved, params);
        result->nudged[i] = tg_item(record(tape, params, NULL));
        result->slopes[i] = (result->nudged[i] - J) / by;
        const tg_status status = tg_tape_rewind(tape, start);
        if (status != TG_OK) return status;
    }
    return tg_tape_status(tape);
}

static void print_tables(FILE *stream, const double *at, double by, const tg_chain_rule_result *result) {
    fprintf(stream, "J = 3 (a + b c) at a = %g, b = %g, c = %g\n\n", at[0], at[1], at[2]);
    fprintf(stream, "  forward                backward\n");
    fprintf(stream, "  u = b c   = %-10.6g dJ/dv                 = %.6g\n", tg_item(result->u),
            tg_item(result->dv));
    fprintf(stream, "  v = a + u = %-10.6g dJ/du = dJ/dv * dv/du = %.6g\n", tg_item(result->v),
            tg_item(result->du));
    fprintf(stream, "  J = 3 v   = %-10.6g dJ/da = dJ/dv * dv/da = %.6g\n", tg_item(result->J),
            tg_item(result->da));
    fprintf(stream, "  %22s dJ/db = dJ/du * du/db = %.6g\n", "", tg_item(result->db));
    fprintf(stream, "  %22s dJ/dc = dJ/du * du/dc = %.6g\n\n", "", tg_item(result->dc));
    const double derivatives[3] = {tg_item(result->da), tg_item(result->db), tg_item(result->dc)};
    for (int i = 0; i < 3; i++) {
        fprintf(stream,
                "  nudge %s to %-8.8g J = %-9.9g rises by %.6g = %.6g times the nudge (dJ/d%s = %.6g)\n",
                names[i], at[i] + by, result->nudged[i], result->slopes[i] * by, result->slopes[i], names[i],
                derivatives[i]);
    }
    fputc('\n', stream);
}

static tg_status check(tg_tape *tape, const double *at, FILE *stream, tg_gradcheck_report *report) {
    tg_tape *checked = tg_model_check_tape(tape);
    if (!checked) return TG_ERR_MEMORY;
    tg_tensor params[3];
    make_params(checked, at, params);
    const tg_status status = tg_model_check(tape, checked, record, NULL, 3, params, stream, report);
    tg_tape_free(checked);
    return status;
}

tg_status tg_chain_rule_at(const char *where, tg_tape *tape, const tg_chain_rule_options *options,
                           tg_chain_rule_result *result) {
    const tg_chain_rule_options given = options ? *options : (tg_chain_rule_options){0};
    const double usual[3] = {5, 3, 2}, *at = given.at ? given.at : usual;
    const double by = given.nudge != 0 ? given.nudge : 0.001;
    *result = (tg_chain_rule_result){0};
    if (tg_tape_error(tape)) return tg_tape_status(tape);
    if (!isfinite(at[0]) || !isfinite(at[1]) || !isfinite(at[2]) || !isfinite(by)) {
        return tg_tape_fail(tape, TG_ERR_VALUE, where,
                            "chain_rule: a = %g, b = %g, c = %g and the nudge %g must be finite", at[0],
                            at[1], at[2], by);
    }
    tg_status status = differentiate(tape, at, result);
    if (status == TG_OK) status = nudge(tape, at, by, result);
    if (status == TG_OK && given.stream) print_tables(given.stream, at, by, result);
    if (status == TG_OK) status = check(tape, at, given.stream, &result->check);
    return status;
}

void tg_chain_rule_free(tg_chain_rule_result *result) {
    tg_gradcheck_report_free(&result->check);
    *result = (tg_chain_rule_result){0};
}
