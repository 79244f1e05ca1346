/* tape.h: the tape: what is recorded, how long it lives, and what went wrong.
 *
 * Owns: the life of a tape, marks and rewinding, errors, modes. The tape owns every node, value and gradient;
 * a tg_tensor only names one. Knows operations only as struct tg_op. */
#ifndef TAPEGRAD_GRAPH_TAPE_H
#define TAPEGRAD_GRAPH_TAPE_H

#include "core/allocator.h"
#include "core/array.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_tape tg_tape;

/* A handle, by value: it names a node on a tape. There is nothing to free. When the tape is rewound past the
 * node, using the handle is an error that says so. A zeroed handle is invalid. */
typedef struct tg_tensor {
    tg_tape *tape;
    uint32_t node, epoch;
} tg_tensor;

/* A place on the tape to which it can be rewound. */
typedef struct tg_mark {
    tg_tape *tape;
    uint32_t n_nodes, epoch; /* nodes before the mark, and the epoch of the last of them */
    size_t chunk, offset;    /* the same place in the tape's memory */
} tg_mark;

/* A new, empty tape whose values are f32 or f64. Returns NULL when memory is out or dtype is neither. To be
 * freed by tg_tape_free. One tape is for one thread at a time; any number of tapes work side by side. */
TG_API tg_tape *tg_tape_new(tg_dtype dtype);

/* The same, with all memory (the tape's own too) from the given allocator. */
TG_API tg_tape *tg_tape_new_with(tg_dtype dtype, tg_allocator allocator);

/* Frees the tape with all its nodes, values and gradients. NULL is allowed. */
TG_API void tg_tape_free(tg_tape *tape);

/* The type of the tape's values. */
TG_API tg_dtype tg_tape_dtype(const tg_tape *tape);

/* The allocator that it was made with. */
TG_API tg_allocator tg_tape_allocator(const tg_tape *tape);

/* --- lifetimes ------------------------------------------------------------------------------------------ */

/* Marks the present end of the tape. */
TG_API tg_mark tg_tape_mark(const tg_tape *tape);

/* Forgets everything recorded since the mark and keeps its memory for what comes next. Leaves older than the
 * mark keep their values and gradients. Errors: TG_ERR_HANDLE for a mark of another tape, or one that lies
 * past an earlier rewind; nothing is forgotten then. */
#define tg_tape_rewind(...) tg_tape_rewind_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_tape_rewind_at(const char *where, tg_tape *tape, tg_mark mark);

/* The number of nodes on the tape, and the bytes the tape holds from its allocator. */
TG_API int64_t tg_tape_n_nodes(const tg_tape *tape);
TG_API size_t tg_tape_bytes(const tg_tape *tape);

/* --- errors --------------------------------------------------------------------------------------------- */

/* Errors stick: the first one stays until it is cleared, and what is built on a failed operation is inert.
 * The message, "model.c:42: matmul: inner dimensions differ: [64, 10] x [20, 5]", or NULL when all is well.
 * Valid until the error is cleared or the tape freed. */
TG_API const char *tg_tape_error(const tg_tape *tape);

/* Its kind, TG_OK when all is well. */
TG_API tg_status tg_tape_status(const tg_tape *tape);

/* Forgets the error, and the warning; everything that was on the tape before it is still there and usable. */
TG_API void tg_tape_clear_error(tg_tape *tape);

/* Reports an error of the user's own on the tape (kept only if it is the first); returns status. */
TG_API tg_status tg_tape_fail(tg_tape *tape, tg_status status, const char *where, const char *format, ...)
    TG_PRINTF(4, 5);

/* --- modes ---------------------------------------------------------------------------------------------- */

/* What happens when broadcasting expands both operands, as (n, 1) with (n) -> (n, n): that is right in NumPy
 * and nearly always a mistake in a loss. */
typedef enum tg_broadcast {
    TG_BROADCAST_NUMPY = 0, /* allowed (the default) */
    TG_BROADCAST_WARN,      /* allowed; the first one is kept in tg_tape_warning */
    TG_BROADCAST_STRICT     /* an error; tg_expand says it in so many words where it is meant */
} tg_broadcast;
TG_API void tg_tape_set_broadcast(tg_tape *tape, tg_broadcast mode);
TG_API const char *tg_tape_warning(const tg_tape *tape); /* NULL when there is none */

/* When on, the first operation that gives a NaN or an infinity is an error that names its place, operands and
 * element. Costs one pass over each result. */
TG_API void tg_tape_set_nan_check(tg_tape *tape, bool on);

/* Switches the computing of values off or on and returns what it was. What is recorded while it is off, and
 * what is later recorded from that, has a shape and no values, and takes no memory: it is there to be
 * differentiated and planned. tg_assign then changes nothing yet. Reading such a tensor is an error. A
 * tg_plan computes them; its outputs must be scalars, which have a value after the first run, or assigns. */
TG_API bool tg_tape_set_values(tg_tape *tape, bool on);

/* Switches the recording of gradients off or on and returns what it was. Values recorded while it is off
 * are constants to tg_backward and tg_gradients. */
TG_API bool tg_tape_set_grad(tg_tape *tape, bool on);

/* Allows operations to be recorded in another way than they were written, where that is equal in mathematics
 * and better in rounding, and returns what it was; off at first. log(sigmoid(x)) becomes logsigmoid(x),
 * log(softmax(x)) log_softmax(x), 1 - sigmoid(x) sigmoid(-x), log1p(exp(x)) softplus(x), sqrt(square(x))
 * abs(x). Gradients follow from what is recorded, so that they are right where the written form gives 0 *
 * inf. What was recorded before stays as it is, and so does what a backward writes. */
TG_API bool tg_tape_set_rewriting(tg_tape *tape, bool on);

/* A block in which no gradients are recorded:  tg_no_grad(tape) { accuracy = ...; }
 * Leave it by its end only: break, return and goto would leave gradients switched off. */
#define tg_no_grad(tape) TG_WITHOUT_(tg_tape_set_grad, tape, TG_NAME_(tg_block_, __LINE__))

/* In the same way a block in which nothing is computed:  tg_no_values(tape) { loss = model(...); } */
#define tg_no_values(tape) TG_WITHOUT_(tg_tape_set_values, tape, TG_NAME_(tg_block_, __LINE__))

#define TG_WITHOUT_(set, tape, block)                                                                        \
    for (int block = set(tape, false) ? 2 : 1; block; (void)set(tape, block == 2), block = 0)
#define TG_NAME_(a, b) TG_NAME_JOIN_(a, b)
#define TG_NAME_JOIN_(a, b) a##b

#ifdef __cplusplus
}
#endif
#endif
