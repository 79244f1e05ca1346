/* matrix_tiles.h: products of small matrices, a tile of C in registers at a time, for one element type.
 *
 * Owns: the two loops, with vectors along the columns of B or along the inner dimension. Included by
 * core/small_product.c for each type and CPU level, having defined REAL, VECTOR_BYTES, TARGET and T(name).
 * Must not know of BLAS, batches or threads. Internal: not installed. */

#define TILE static inline __attribute__((always_inline)) TARGET

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL), T(COLUMNS) = 2 * T(LANES) };
typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES)));

TILE T(vector) T(load)(const REAL *x) {
    T(vector) v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* C[rows][columns] (+)= A[rows][k] B[k][vectors]: all sums stay in registers. rows and vectors are constants
 * where this is inlined; B's rows are whole vectors, and columns says how much of them C has. */
TILE void T(outer_tile)(int rows, int vectors, int64_t k, const struct tg_matrix *a, const REAL *x,
                        const REAL *b, int64_t b_row, REAL *c, int64_t c_row, int64_t columns, bool adds) {
    T(vector) sum[4][2] = {0};
    for (int64_t p = 0; p < k; p++) {
        for (int i = 0; i < rows; i++) {
            REAL factor = x[i * a->row + p * a->column];
            for (int j = 0; j < vectors; j++) sum[i][j] += factor * T(load)(b + p * b_row + j * T(LANES));
        }
    }
    for (int i = 0; i < rows; i++) {
        REAL *to = c + i * c_row;
        if (columns == vectors * T(LANES) && !adds) {
            memcpy(to, sum[i], (size_t)vectors * VECTOR_BYTES);
            continue;
        }
        REAL row[T(COLUMNS)];
        memcpy(row, sum[i], (size_t)vectors * VECTOR_BYTES);
        for (int64_t j = 0; j < columns; j++) to[j] = adds ? to[j] + row[j] : row[j];
    }
}

/* A panel of B, as wide as a tile, times all rows of A. */
TILE void T(outer_panel)(int vectors, const struct tg_small_product *s, int64_t first_p, int64_t k,
                         int64_t first_j, int64_t columns, const REAL *b, int64_t b_row) {
    const bool adds = s->adds || first_p > 0;
    for (int64_t i = 0; i < s->m; i += 4) {
        const REAL *x = (const REAL *)s->a.data + i * s->a.row + first_p * s->a.column;
        REAL *c = (REAL *)s->c + i * s->c_row + first_j;
        switch (s->m - i) {
            case 1: T(outer_tile)(1, vectors, k, &s->a, x, b, b_row, c, s->c_row, columns, adds); break;
            case 2: T(outer_tile)(2, vectors, k, &s->a, x, b, b_row, c, s->c_row, columns, adds); break;
            case 3: T(outer_tile)(3, vectors, k, &s->a, x, b, b_row, c, s->c_row, columns, adds); break;
            default: T(outer_tile)(4, vectors, k, &s->a, x, b, b_row, c, s->c_row, columns, adds); break;
        }
    }
}

/* Vectors along the columns of B. Where its rows are no vectors (other strides, the last columns) a panel is
 * copied and filled up with zeros. */
TARGET static void T(outer)(const struct tg_small_product *s) {
    _Alignas(64) REAL panel[PANEL_ROWS * T(COLUMNS)];
    for (int64_t j = 0; j < s->n; j += T(COLUMNS)) {
        int64_t columns = min(s->n - j, T(COLUMNS));
        int64_t width = columns <= T(LANES) ? T(LANES) : T(COLUMNS);
        for (int64_t p = 0; p < s->k; p += PANEL_ROWS) {
            int64_t k = min(s->k - p, PANEL_ROWS), b_row = s->b.row;
            const REAL *b = (const REAL *)s->b.data + p * s->b.row + j * s->b.column;
            if (s->b.column != 1 || columns != width) {
                for (int64_t q = 0; q < k; q++) {
                    for (int64_t l = 0; l < width; l++)
                        panel[q * width + l] = l < columns ? b[q * s->b.row + l * s->b.column] : 0;
                }
                b = panel;
                b_row = width;
            }
            if (width == T(LANES))
                T(outer_panel)(1, s, p, k, j, columns, b, b_row);
            else
                T(outer_panel)(2, s, p, k, j, columns, b, b_row);
        }
    }
}

/* c[j] (+)= x[0] b[0][j] + x[1] b[1][j] + ... over count rows of B, count being a constant. */
TILE void T(add_rows)(int count, int64_t n, const REAL *x, const REAL *const *b, REAL *restrict c,
                      bool adds) {
    if (!adds) {
        for (int64_t j = 0; j < n; j++) {
            REAL sum = x[0] * b[0][j];
            for (int p = 1; p < count; p++) sum += x[p] * b[p][j];
            c[j] = sum;
        }
    } else {
        for (int64_t j = 0; j < n; j++) {
            REAL sum = x[0] * b[0][j];
            for (int p = 1; p < count; p++) sum += x[p] * b[p][j];
            c[j] += sum;
        }
    }
}

/* Four rows of B at a time, added to a row of C: for a small k, or a single row of A. */
TARGET static void T(rows)(const struct tg_small_product *s) {
    for (int64_t j = 0; j < s->n; j += ROW_BLOCK) {
        int64_t n = min(s->n - j, ROW_BLOCK);
        for (int64_t p = 0; p < s->k; p += 4) {
            for (int64_t i = 0; i < s->m; i++) {
                const REAL *b[4] = {0};
                REAL x[4] = {0}, *c = (REAL *)s->c + i * s->c_row + j;
                int64_t count = min(s->k - p, 4);
                for (int64_t q = 0; q < count; q++) {
                    b[q] = (const REAL *)s->b.data + (p + q) * s->b.row + j;
                    x[q] = ((const REAL *)s->a.data)[i * s->a.row + (p + q) * s->a.column];
                }
                if (count == 4)
                    T(add_rows)(4, n, x, b, c, s->adds || p > 0);
                else if (count == 3)
                    T(add_rows)(3, n, x, b, c, s->adds || p > 0);
                else if (count == 2)
                    T(add_rows)(2, n, x, b, c, s->adds || p > 0);
                else
                    T(add_rows)(1, n, x, b, c, s->adds || p > 0);
            }
        }
    }
}

/* C[rows][columns] = A[rows][k] B[k][columns], where both lie along k. */
TILE void T(inner_tile)(int rows, int columns, int depth, const struct tg_small_product *s, const REAL *a,
                        const REAL *b, REAL *c) {
    T(vector)
    sum[8][8] = {0}; /* [rows][columns * depth]: enough sums at once to hide the latency of adding */
    const int64_t step = (int64_t)depth * T(LANES);
    const int64_t deep = s->k - s->k % step, whole = s->k - s->k % T(LANES);
    for (int64_t p = 0; p < whole; p += p < deep ? step : T(LANES)) {
        const int many = p < deep ? depth : 1;
        for (int d = 0; d < many; d++) {
            const int64_t at = p + d * T(LANES);
            for (int i = 0; i < rows; i++) {
                T(vector) x = T(load)(a + i * s->a.row + at);
                for (int j = 0; j < columns; j++)
                    sum[i][j * depth + d] += x * T(load)(b + j * s->b.column + at);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            REAL lane[T(LANES)];
            for (int d = 1; d < depth; d++) sum[i][j * depth] += sum[i][j * depth + d];
            memcpy(lane, &sum[i][j * depth], VECTOR_BYTES);
            for (int half = T(LANES) / 2; half > 0; half /= 2) {
                for (int l = 0; l < half; l++) lane[l] += lane[l + half];
            }
            for (int64_t p = whole; p < s->k; p++) lane[0] += a[i * s->a.row + p] * b[j * s->b.column + p];
            REAL *to = c + i * s->c_row + j * s->c_column;
            *to = s->adds ? *to + lane[0] : lane[0];
        }
    }
}

/* Vectors along the inner dimension. Tiles are high, so A has to be the one with more rows: C' = B' A'. */
TARGET static void T(inner)(const struct tg_small_product *given) {
    const struct tg_small_product transposed = tg_small_product_transposed(given);
    const struct tg_small_product *s = given->m < given->n ? &transposed : given;
    for (int64_t i = 0, rows; i < s->m; i += rows) {
        const REAL *a = (const REAL *)s->a.data + i * s->a.row;
        rows = s->m - i >= 8 && s->n == 1 ? 8 : s->m - i >= 4 ? 4 : 1;
        for (int64_t j = 0, columns; j < s->n; j += columns) {
            const REAL *b = (const REAL *)s->b.data + j * s->b.column;
            REAL *c = (REAL *)s->c + i * s->c_row + j * s->c_column;
            columns = s->n - j >= 2 ? 2 : 1;
            if (rows == 8)
                T(inner_tile)(8, 1, 1, s, a, b, c);
            else if (rows == 4 && columns == 2)
                T(inner_tile)(4, 2, 1, s, a, b, c);
            else if (rows == 4)
                T(inner_tile)(4, 1, 2, s, a, b, c);
            else if (columns == 2)
                T(inner_tile)(1, 2, 4, s, a, b, c);
            else
                T(inner_tile)(1, 1, 8, s, a, b, c);
        }
    }
}

/* An empty sum for each element. */
TARGET static void T(zero)(const struct tg_small_product *s) {
    for (int64_t i = 0; i < s->m && !s->adds; i++) {
        for (int64_t j = 0; j < s->n; j++) ((REAL *)s->c)[i * s->c_row + j * s->c_column] = 0;
    }
}

#undef TILE
#undef REAL
#undef VECTOR_BYTES
#undef TARGET
#undef T
