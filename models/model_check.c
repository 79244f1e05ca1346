/* model_check.c: a model's gradients checked before it is trained.
 *
 * Checks are made on a tape of their own: training may run in f32, where finite differences say little, and
 * what a check needs is given back at once. */
#include "models/model_check.h"

tg_tape *tg_model_check_tape(tg_tape *tape) {
    tg_tape *check = tg_tape_new_with(TG_F64, tg_tape_allocator(tape));
    if (!check) tg_tape_fail(tape, TG_ERR_MEMORY, TG_HERE, "no memory for the gradient check");
    return check;
}

tg_status tg_model_check(tg_tape *tape, tg_tape *check, tg_model *model, void *context, int n,
                         const tg_tensor *params, FILE *stream, tg_gradcheck_report *report) {
    *report = (tg_gradcheck_report){0};
    tg_status status = tg_tape_status(check);
    if (status == TG_OK) status = tg_gradcheck(check, model, context, n, params, NULL, report);
    if (status != TG_OK) {
        const char *why = tg_tape_error(check);
        return tg_tape_fail(tape, status, TG_HERE, "gradient check: %s", why ? why : tg_status_name(status));
    }
    if (stream) {
        tg_gradcheck_print(stream, report);
        fputc('\n', stream);
    }
    if (report->verdict != TG_FAIL) return TG_OK;
    return tg_tape_fail(tape, TG_ERR_GRADIENT, TG_HERE,
                        "gradient check: backward and finite differences do not agree");
}
