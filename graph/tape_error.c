/* tape_error.c: what went wrong, said once and kept.
 *
 * Owns: the text of errors and warnings, stale handles, descriptions of nodes. The first error stays until it
 * is cleared; nothing is printed. */
#include "graph/deferred.h"

#include <stdarg.h>
#include <string.h>

const char *tg_tape_error(const tg_tape *tape) {
    if (!tape) return "there is no tape: tg_tape_new found no memory, or was not given f32 or f64";
    return tape->status ? tape->error : NULL;
}
tg_status tg_tape_status(const tg_tape *tape) { return tape ? tape->status : TG_ERR_MEMORY; }
const char *tg_tape_warning(const tg_tape *tape) { return tape && tape->warning[0] ? tape->warning : NULL; }

void tg_tape_clear_error(tg_tape *tape) {
    if (!tape) return;
    tape->status = TG_OK;
    tape->error[0] = tape->warning[0] = 0;
}

static void write_message(const tg_tape *tape, char *text, const char *where, const char *name,
                          const char *format, va_list values) {
    size_t n =
        (size_t)snprintf(text, TG_TEXT, "%s: %s%s", where ? where : "?", name ? name : "", name ? ": " : "");
    if (n < TG_TEXT) n += (size_t)vsnprintf(text + n, TG_TEXT - n, format, values);
    if (n < TG_TEXT && tape->backward_of)
        snprintf(text + n, TG_TEXT - n, " (in the backward of %s)", tape->backward_of);
}

tg_status tg_tape_fail(tg_tape *tape, tg_status status, const char *where, const char *format, ...) {
    if (!tape || tape->status) return status;
    va_list values;
    va_start(values, format);
    write_message(tape, tape->error, where, NULL, format, values);
    va_end(values);
    tape->status = status;
    return status;
}

bool tg_fail(const tg_call *c, tg_status status, const char *format, ...) {
    if (c->tape->status) return false;
    va_list values;
    va_start(values, format);
    write_message(c->tape, c->tape->error, c->where, c->op->name, format, values);
    va_end(values);
    c->tape->status = status;
    return false;
}

void tg_warn(const tg_call *c, const char *format, ...) {
    if (c->tape->warning[0]) return;
    va_list values;
    va_start(values, format);
    write_message(c->tape, c->tape->warning, c->where, c->op->name, format, values);
    va_end(values);
}

/* The rewind that ended a handle: the oldest remembered one that cut its node off. */
static const char *rewound_at(const tg_tape *tape, tg_tensor x) {
    const char *place = NULL;
    for (int i = 0; i < TG_REWINDS && tape->rewinds[i].place; i++) {
        const tg_rewind_entry *rewind = &tape->rewinds[i];
        const bool after = (int32_t)((uint32_t)rewind->epoch - x.epoch) >= 0;
        if (after && rewind->n_nodes <= x.node) place = rewind->place;
    }
    return place;
}

void tg_fail_stale(const char *where, const char *what, tg_tensor x) {
    tg_tape *tape = x.tape;
    const char *rewound = rewound_at(tape, x);
    const bool was_written = x.node < tape->n_nodes || x.node < tape->most_nodes;
    const tg_node *slot = was_written && rewound ? tg_node_at(tape, x.node) : NULL;
    if (!slot)
        tg_tape_fail(tape, TG_ERR_HANDLE, where, "%s: the handle names no node of this tape", what);
    else if ((uint32_t)slot->epoch == x.epoch)
        tg_tape_fail(
            tape, TG_ERR_HANDLE, where,
            "%s: stale handle: the tensor made at %s was forgotten by the rewind at %s; make it before "
            "the mark, or again after the rewind",
            what, slot->place, rewound);
    else
        tg_tape_fail(
            tape, TG_ERR_HANDLE, where,
            "%s: stale handle: the tensor was forgotten by the rewind at %s (its place on the tape now "
            "holds what was made at %s); make it before the mark, or again after the rewind",
            what, rewound, slot->place);
}

tg_node *tg_node_of(const char *where, const char *what, tg_tensor x) {
    if (!x.tape || tg_is_num(x)) return NULL;
    if (TG_LIKELY(tg_is_living(x))) return tg_node_at(x.tape, x.node);
    if (x.node == TG_NO_NODE)
        tg_tape_fail(x.tape, TG_ERR_HANDLE, where, "%s: the tensor is the result of an earlier error", what);
    else
        tg_fail_stale(where, what, x);
    return NULL;
}

tg_node *tg_node_with_values(const char *where, const char *what, tg_tensor x) {
    tg_node *node = tg_node_of(where, what, x);
    if (!node || !tg_settle(x.tape)) return NULL;
    if (TG_LIKELY(tg_node_has_values(x.tape, node))) return node;
    tg_tape_fail(
        x.tape, TG_ERR_VALUE, where,
        "%s: %s, recorded at %s, has no values: it was not computed (tg_no_values); make it an output "
        "of a plan and run that, or assign it to a leaf there",
        what, node->op->name, node->place);
    return NULL;
}

const char *tg_node_describe(const tg_tape *tape, uint32_t i, size_t capacity, char *text) {
    const tg_node *node = tg_node_at(tape, i);
    const tg_array array = tg_node_array(node);
    const char *name = tg_name(tg_handle((tg_tape *)(uintptr_t)tape, i));
    char shape[TG_SHAPE_TEXT];
    tg_shape_format(tg_array_shape(&array), sizeof shape, shape);
    if (name)
        snprintf(text, capacity, "'%s' %s", name, shape);
    else
        snprintf(text, capacity, "%s %s", node->op ? node->op->name : "leaf", shape);
    return text;
}
