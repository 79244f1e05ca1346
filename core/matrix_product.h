/* matrix_product.h: products of matrices, prepared once and run again and again.
 *
 * Owns: the choice of routine, the cutting into panels, batches, threads. Knows memory only. Internal: not
 * installed. */
#ifndef TAPEGRAD_CORE_MATRIX_PRODUCT_H
#define TAPEGRAD_CORE_MATRIX_PRODUCT_H

#include "core/blas_product.h"
#include "core/cursor.h"
#include "core/product.h"
#include "core/small_product.h"

/* Called for each panel of C by the thread that has just made it, while it is in cache: elements
 * first + i * step .. first + i * step + length of C for i < n_runs. Every element of C is in one panel;
 * panels depend on the product alone, not on the number of threads, and are done in any order. */
typedef void tg_panel_fn(void *context, int64_t first, int64_t n_runs, int64_t step, int64_t length);

/* What a thread should have to do, in multiplications: less is not worth waking it. */
enum { TG_PRODUCT_WORK = 1 << 18 };

/* What becomes of the product. */
typedef struct tg_product_end {
    bool adds;             /* c += a @ b */
    struct tg_matrix plus; /* added to each matrix, where tg_product_takes_plus; see small_product.h */
    tg_panel_fn *done;     /* NULL: nothing more to do */
    void *context;
} tg_product_end;

/* A product of which everything is decided. It lies where the caller wants it; its fields are this module's,
 * but for scratch_bytes and cost. */
typedef struct tg_prepared_product {
    size_t scratch_bytes; /* that running it needs */
    int64_t cost;         /* in multiplications, each element that is read or written counting as some */
    tg_dtype dtype;
    int64_t n_batches;
    struct tg_small_product whole; /* of one batch; its data are those of the first */
    tg_small_kernel *kernel;       /* NULL: BLAS */
    tg_cursor a_batches, b_batches;
    struct tg_blas_operand a, b; /* where BLAS multiplies */
    tg_product_end end;
    /* Turns for threads: `together` whole matrices each, or one panel of a matrix, or a part of the inner
     * dimension. */
    bool panels_are_rows; /* or columns */
    bool panels_join;     /* a thread may make those that are side by side as one */
    int64_t panel, n_panels, together, part, n_turns, turn_cost;
    tg_small_kernel *join; /* of parts; NULL: there are none */
} tg_prepared_product;

/* Decides how a product is computed. end NULL: c is overwritten, and nothing is called. */
void tg_product_prepare(tg_prepared_product *p, const tg_product *product, const tg_product_end *end);

/* Whether something can be added to the product before it is written, rounded as in a pass of its own: the
 * product is then prepared again with that in its end. What differs from row to row only in a batch of one.
 */
bool tg_product_takes_plus(const tg_prepared_product *p);

/* Whether it pays to compute on with each panel as it is made, rather than with all of C afterwards. Panels
 * are then one run each. */
bool tg_product_pays_by_panel(const tg_prepared_product *p);

/* Whether it may be one of several that are run together: not where an operand has to be copied first. */
bool tg_product_joins(const tg_prepared_product *p);

/* Computes n of them, from what is in memory now; none may read what another writes. Threads share out the
 * turns of all, and meet once. scratch: the scratch_bytes of all, aligned to 64; allocates nothing. */
void tg_products_run(int64_t n, const tg_prepared_product *p, void *scratch);

#endif
