/* checked_model.c: recording a model for a checker. Owns: the conditions that a model has to meet. */
#include "graph/checked_model.h"

#include "graph/node.h"

bool tg_checked_model_open(const tg_checked_model *m) {
    if (m->tape->status) return false;
    if (m->tape->dtype != TG_F64)
        tg_tape_fail(
            m->tape, TG_ERR_DTYPE, m->where,
            "%s: the tape is f32, whose rounding hides small mistakes; check the model on an f64 tape",
            m->what);
    else if (m->n < 0 || !m->model)
        tg_tape_fail(m->tape, TG_ERR_VALUE, m->where, "%s: %d parameters, and a model that is %s", m->what,
                     m->n, m->model ? "given" : "NULL");
    for (int k = 0; k < m->n && !m->tape->status; k++) {
        const tg_tensor x = m->params[k];
        const tg_node *node = x.tape == m->tape ? tg_node_of(m->where, m->what, x) : NULL;
        if (!node || node->op || !node->extra.leaf || node->dtype != TG_F64)
            tg_tape_fail(m->tape, TG_ERR_VALUE, m->where, "%s: parameter %d is not an f64 leaf of the tape",
                         m->what, k);
    }
    return !m->tape->status;
}

bool tg_checked_model_record(const tg_checked_model *m, tg_tensor *loss) {
    *loss = m->model(m->tape, m->params, m->context);
    if (m->tape->status) return false;
    const tg_node *node = loss->tape == m->tape ? tg_node_of(m->where, m->what, *loss) : NULL;
    if (!node) {
        tg_tape_fail(m->tape, TG_ERR_HANDLE, m->where, "%s: the model did not return a tensor of its tape",
                     m->what);
        return false;
    }
    const tg_array array = tg_node_array(node);
    if (array.dtype == TG_F64 && tg_array_size(&array) == 1) return true;
    char text[TG_TEXT];
    tg_tape_fail(m->tape, TG_ERR_SHAPE, m->where, "%s: the loss must be one number; the model gave %s",
                 m->what, tg_node_describe(m->tape, loss->node, sizeof text / 2, text));
    return false;
}

bool tg_checked_model_loss(const tg_checked_model *m, double *value) {
    const tg_mark mark = tg_tape_mark(m->tape);
    const bool was = tg_tape_set_grad(m->tape, true); /* the model may differentiate */
    tg_tensor loss;
    const bool good = tg_checked_model_record(m, &loss);
    tg_tape_set_grad(m->tape, was);
    if (good) *value = tg_item_at(m->where, loss);
    return tg_tape_rewind_at(m->where, m->tape, mark) == TG_OK && good;
}
