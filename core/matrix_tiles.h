/* matrix_tiles.h: products of small matrices, a tile of C in registers at a time, for one element type.
 *
 * Owns: the loops, with vectors along the columns of B or along the inner dimension. Included by
 * core/small_product.c for each type and CPU level, having defined REAL, VECTOR_BYTES, TILE_ROWS, TARGET and
 * T(name). An element of C is summed in the same order wherever it stands: equal rows give equal results.
 * Must not know of BLAS, batches or threads. Internal: not installed. */

#define TILE static inline __attribute__((always_inline)) TARGET

enum {
    T(LANES) = VECTOR_BYTES / sizeof(REAL),
    T(COLUMNS) = 2 * T(LANES),
    T(DEPTH) = PANEL_BYTES / 2 / VECTOR_BYTES /* rows of a panel of B */
};
typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef BITS T(mask) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL T(quad) __attribute__((vector_size(TURN * sizeof(REAL))));
typedef BITS T(quad_mask) __attribute__((vector_size(TURN * sizeof(BITS))));

TILE T(vector) T(load)(const REAL *x) {
    T(vector) v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* A square of TURN x TURN elements, turned. */
TILE void T(turn)(const REAL *from, int64_t from_row, REAL *to, int64_t to_row) {
    enum { PAIRS_IN_HALVES = sizeof(REAL) == 8 }; /* a vector of four is two registers, or halves of one */
    T(quad) x[TURN], y[TURN];
    for (int i = 0; i < TURN; i++) memcpy(&x[i], from + i * from_row, sizeof x[i]);
    for (int i = 0; i < TURN; i += 2) { /* in the order that is one instruction each */
        y[i] = PAIRS_IN_HALVES ? SHUFFLE(x[i], x[i + 1], 0, 4, 2, 6) : SHUFFLE(x[i], x[i + 1], 0, 4, 1, 5);
        y[i + 1] =
            PAIRS_IN_HALVES ? SHUFFLE(x[i], x[i + 1], 1, 5, 3, 7) : SHUFFLE(x[i], x[i + 1], 2, 6, 3, 7);
    }
    x[0] = SHUFFLE(y[0], y[2], 0, 1, 4, 5);
    x[PAIRS_IN_HALVES ? 2 : 1] = SHUFFLE(y[0], y[2], 2, 3, 6, 7);
    x[PAIRS_IN_HALVES ? 1 : 2] = SHUFFLE(y[1], y[3], 0, 1, 4, 5);
    x[3] = SHUFFLE(y[1], y[3], 2, 3, 6, 7);
    for (int i = 0; i < TURN; i++) memcpy(to + i * to_row, &x[i], sizeof x[i]);
}

/* --- outer: vectors along the columns of B -------------------------------------------------------------- */

/* A part of a product: a panel of B, as wide as a tile, times all rows of A. */
struct T(panel) {
    int64_t k, columns; /* columns: of B and C, at most COLUMNS */
    int64_t second;     /* where the second vector of a row begins: it may overlap the first */
    const REAL *a, *b;
    int64_t a_row, a_column, b_row;
    REAL *c;
    int64_t c_row, c_column;
    bool adds;
};

/* What is no vector in C: fewer columns, or not side by side. Not inlined: compilers would take their time.
 */
TARGET static __attribute__((noinline)) void T(store_columns)(const struct T(panel) * s,
                                                              const T(vector) * sum, REAL *c) {
    REAL row[T(COLUMNS)] = {0};
    memcpy(row, &sum[0], VECTOR_BYTES);
    if (s->second > 0) memcpy(row + s->second, &sum[1], VECTOR_BYTES);
    for (int64_t j = 0; j < s->columns; j++)
        c[j * s->c_column] = s->adds ? c[j * s->c_column] + row[j] : row[j];
}

/* C[rows][columns] (+)= A[rows][k] B[k][columns]: all sums stay in registers. rows and vectors are constants
 * where this is inlined. */
TILE void T(outer_tile)(int rows, int vectors, const struct T(panel) * s, const REAL *a, REAL *c) {
    T(vector) sum[TILE_ROWS][2] = {0};
    const REAL *b = s->b;
    const int64_t second = s->second;
    for (int64_t p = 0; p < s->k; p++) {
        UNROLLED for (int i = 0; i < rows; i++) {
            const REAL factor = a[i * s->a_row];
            UNROLLED for (int j = 0; j < vectors; j++) sum[i][j] += factor * T(load)(b + j * second);
        }
        a += s->a_column;
        b += s->b_row;
    }
    const bool whole = s->c_column == 1 && s->columns >= T(LANES);
    UNROLLED for (int i = 0; i < rows; i++, c += s->c_row) {
        if (!whole) {
            const T(vector) row[2] = {sum[i][0], sum[i][1]}; /* so that the sums have no address */
            T(store_columns)(s, row, c);
            continue;
        }
        if (s->adds) { UNROLLED for (int j = 0; j < vectors; j++) sum[i][j] += T(load)(c + j * second); }
        UNROLLED for (int j = 0; j < vectors; j++) memcpy(c + j * second, &sum[i][j], VECTOR_BYTES);
    }
}

/* The rows of A in tiles of nearly the same height. */
TILE void T(outer_panel)(int vectors, int64_t m, const struct T(panel) * s) {
    for (int64_t i = 0, rows; i < m; i += rows) {
        const REAL *a = s->a + i * s->a_row;
        REAL *c = s->c + i * s->c_row;
        rows = even_part(m - i, TILE_ROWS);
        switch (rows) {
            TILES(1, T(outer_tile), vectors, s, a, c)
            TILES(2, T(outer_tile), vectors, s, a, c)
            TILES(3, T(outer_tile), vectors, s, a, c)
            TILES(4, T(outer_tile), vectors, s, a, c)
#if TILE_ROWS > 4
            TILES(5, T(outer_tile), vectors, s, a, c)
            TILES(6, T(outer_tile), vectors, s, a, c)
#endif
#if TILE_ROWS > 6
            TILES(7, T(outer_tile), vectors, s, a, c)
            TILES(8, T(outer_tile), vectors, s, a, c)
#endif
        }
    }
}

/* Copies a panel so that its rows are vectors, with zeros where they are too short. */
TILE void T(pack)(const struct T(panel) * s, int64_t b_column, REAL *packed) {
    const int64_t turned = s->b_row == 1 ? s->columns - s->columns % TURN : 0;
    for (int64_t p = 0, rows; p < s->k; p += rows) {
        const REAL *from = s->b + p * s->b_row;
        REAL *to = packed + p * T(COLUMNS);
        rows = turned > 0 && s->k - p >= TURN ? TURN : 1;
        int64_t first = 0;
        if (rows == TURN) {
            for (; first < turned; first += TURN)
                T(turn)(from + first * b_column, b_column, to + first, T(COLUMNS));
        } else if (b_column == 1 && s->columns >= T(LANES)) {
            const T(vector) second = T(load)(from + s->second);
            memcpy(to, from, VECTOR_BYTES);
            memcpy(to + s->second, &second, VECTOR_BYTES);
            first = s->columns;
        }
        for (int64_t q = 0; q < rows; q++)
            for (int64_t j = first; j < s->columns; j++)
                to[q * T(COLUMNS) + j] = from[q * s->b_row + j * b_column];
        for (int64_t q = 0; q < rows; q++)
            for (int64_t j = s->columns; j < T(LANES); j++) to[q * T(COLUMNS) + j] = 0;
    }
}

/* B is read where it lies if its rows are vectors, and near or not read often; else it is packed. */
TARGET static void T(outer)(const struct tg_small_product *s) {
    _Alignas(64) REAL packed[T(DEPTH) * T(COLUMNS)];
    const bool stays = s->m <= 4 * TILE_ROWS || s->k * s->b.row <= (int64_t)(NEAR_BYTES / sizeof(REAL));
    for (int64_t j = 0, columns; j < s->n; j += columns) {
        /* The last two tiles share what is left, so that both are at least a vector wide. */
        const int64_t left = s->n - j;
        columns = left > T(COLUMNS) && left < T(COLUMNS) + T(LANES) ? left / 2 : min(left, T(COLUMNS));
        for (int64_t p = 0; p < s->k; p += T(DEPTH)) {
            struct T(panel) panel = {.k = min(s->k - p, T(DEPTH)),
                                     .columns = columns,
                                     .second = columns > T(LANES) ? columns - T(LANES) : 0,
                                     .a = (const REAL *)s->a.data + p * s->a.column,
                                     .b = (const REAL *)s->b.data + p * s->b.row + j * s->b.column,
                                     .a_row = s->a.row,
                                     .a_column = s->a.column,
                                     .b_row = s->b.row,
                                     .c = (REAL *)s->c + j * s->c_column,
                                     .c_row = s->c_row,
                                     .c_column = s->c_column,
                                     .adds = s->adds || p > 0};
            if (s->b.column != 1 || columns < T(LANES) || !stays) {
                T(pack)(&panel, s->b.column, packed);
                panel.b = packed;
                panel.b_row = T(COLUMNS);
            }
            if (panel.second == 0)
                T(outer_panel)(1, s->m, &panel);
            else
                T(outer_panel)(2, s->m, &panel);
        }
    }
}

TARGET static void T(outer_turned)(const struct tg_small_product *s) {
    const struct tg_small_product turned = tg_small_product_transposed(s);
    T(outer)(&turned);
}

/* --- rows: a row of C at a time ------------------------------------------------------------------------- */

/* c[j] (+)= x[0] b[0][j] + x[1] b[1][j] + ... over count rows of B, count being a constant; + number. From 0
 * on, so that the number is not added in one rounding with a product. */
TILE void T(add_rows)(int count, int64_t n, const REAL *x, const REAL *const *b, REAL *restrict c, bool adds,
                      REAL number) {
    if (!adds) {
        for (int64_t j = 0; j < n; j++) {
            REAL sum = 0;
            for (int p = 0; p < count; p++) sum += x[p] * b[p][j];
            c[j] = sum + number;
        }
    } else {
        for (int64_t j = 0; j < n; j++) {
            REAL sum = 0;
            for (int p = 0; p < count; p++) sum += x[p] * b[p][j];
            c[j] = c[j] + sum + number;
        }
    }
}

/* Eight rows of B at a time, added to a row of C: for a small k, or a single row of A. What is added besides
 * is a number at the end, -0 for nothing, or one row more, times one. */
TARGET static void T(rows)(const struct tg_small_product *s) {
    const REAL *plus = s->plus.data;
    const bool row_more = plus && s->plus.column;
    for (int64_t j = 0; j < s->n; j += ROW_BLOCK) {
        const int64_t n = min(s->n - j, ROW_BLOCK);
        for (int64_t p = 0, count; p < s->k + row_more; p += count) {
            count = p < s->k ? even_part(s->k - p, 8) : 1;
            const bool joins = row_more && !s->adds && count == s->k && count < 8;
            const bool adds = s->adds || p > 0;
            count += joins;
            for (int64_t i = 0; i < s->m; i++) {
                const REAL *b[8] = {0};
                REAL x[8] = {0}, *c = (REAL *)s->c + i * s->c_row + j;
                const REAL number = plus && !row_more && p + count == s->k ? plus[i * s->plus.row] : -(REAL)0;
                for (int64_t q = 0; q < count; q++) {
                    const bool of_b = p + q < s->k;
                    b[q] = of_b ? (const REAL *)s->b.data + (p + q) * s->b.row + j : plus + j;
                    x[q] = of_b ? ((const REAL *)s->a.data)[i * s->a.row + (p + q) * s->a.column] : 1;
                }
                switch (count) {
                    TILES(1, T(add_rows), n, x, b, c, adds, number)
                    TILES(2, T(add_rows), n, x, b, c, adds, number)
                    TILES(3, T(add_rows), n, x, b, c, adds, number)
                    TILES(4, T(add_rows), n, x, b, c, adds, number)
                    TILES(5, T(add_rows), n, x, b, c, adds, number)
                    TILES(6, T(add_rows), n, x, b, c, adds, number)
                    TILES(7, T(add_rows), n, x, b, c, adds, number)
                    TILES(8, T(add_rows), n, x, b, c, adds, number)
                }
            }
        }
    }
}

/* --- inner: vectors along the inner dimension ----------------------------------------------------------- */

TILE REAL T(lane_sum)(T(vector) v) {
    typedef REAL quad __attribute__((vector_size(16)));
    enum { QUADS = VECTOR_BYTES / 16, QUAD = 16 / sizeof(REAL) };
    quad part[QUADS];
    memcpy(part, &v, sizeof v);
    for (int half = QUADS / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return QUAD == 2 ? part[0][0] + part[0][1]
                     : (part[0][0] + part[0][QUAD / 2]) + (part[0][1] + part[0][QUAD - 1]);
}

/* The last lanes of a vector of which the first were summed before: those as zeros. */
TILE T(vector) T(load_end)(const REAL *x, T(mask) mask) {
    T(mask) bits;
    T(vector) v;
    memcpy(&bits, x, sizeof bits);
    bits &= mask;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* C[rows][columns] = A[rows][k] B[k][columns], where both lie along k, in `depth` vectors of sums for each
 * element: enough at once to hide the latency of adding. */
TILE void T(inner_tile)(int rows, int columns, int depth, const struct tg_small_product *s, const REAL *a,
                        const REAL *b, REAL *c) {
    T(vector) sum[4][8] = {0}; /* [rows][columns * depth] */
    const int64_t lanes = T(LANES), whole = s->k - s->k % lanes, deep = s->k - s->k % (depth * lanes);
    for (int64_t p = 0; p < whole; p += p < deep ? depth * lanes : lanes) {
        const int many = p < deep ? depth : 1;
        UNROLLED for (int d = 0; d < many; d++) {
            const int64_t at = p + d * lanes;
            UNROLLED for (int i = 0; i < rows; i++) {
                const T(vector) x = T(load)(a + i * s->a.row + at);
                UNROLLED for (int j = 0; j < columns; j++) sum[i][j * depth + d] +=
                    x * T(load)(b + j * s->b.column + at);
            }
        }
    }
    if (whole < s->k) {
        const int64_t at = s->k - lanes;
        T(mask) mask;
        for (int64_t l = 0; l < lanes; l++) mask[l] = at + l < whole ? 0 : -1;
        UNROLLED for (int i = 0; i < rows; i++) {
            const T(vector) x = T(load_end)(a + i * s->a.row + at, mask);
            UNROLLED for (int j = 0; j < columns; j++) sum[i][j * depth] +=
                x * T(load_end)(b + j * s->b.column + at, mask);
        }
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < columns; j++) {
            REAL *to = c + i * s->c_row + j * s->c_column;
            UNROLLED for (int d = 1; d < depth; d++) sum[i][j * depth] += sum[i][j * depth + d];
            const REAL all = T(lane_sum)(sum[i][j * depth]);
            *to = s->adds ? *to + all : all;
        }
    }
}

/* Needs k >= LANES. Tiles are high, so A has to be the one with more rows: C' = B' A'. */
TARGET static void T(inner)(const struct tg_small_product *given) {
    const struct tg_small_product transposed = tg_small_product_transposed(given);
    const struct tg_small_product *s = given->m < given->n ? &transposed : given;
    for (int64_t i = 0, rows; i < s->m; i += rows) {
        const REAL *a = (const REAL *)s->a.data + i * s->a.row;
        rows = even_part(s->m - i, 4);
        for (int64_t j = 0, columns; j < s->n; j += columns) {
            const REAL *b = (const REAL *)s->b.data + j * s->b.column;
            REAL *c = (REAL *)s->c + i * s->c_row + j * s->c_column;
            columns = min(s->n - j, 2);
            switch (s->n > 1 ? columns : s->m > 1 ? 3 : 4) {
                case 1:
                    switch (rows) {
                        TILES(1, T(inner_tile), 1, 1, s, a, b, c)
                        TILES(2, T(inner_tile), 1, 1, s, a, b, c)
                        TILES(3, T(inner_tile), 1, 1, s, a, b, c)
                        TILES(4, T(inner_tile), 1, 1, s, a, b, c)
                    }
                    break;
                case 2:
                    switch (rows) {
                        TILES(1, T(inner_tile), 2, 1, s, a, b, c)
                        TILES(2, T(inner_tile), 2, 1, s, a, b, c)
                        TILES(3, T(inner_tile), 2, 1, s, a, b, c)
                        TILES(4, T(inner_tile), 2, 1, s, a, b, c)
                    }
                    break;
                case 3:
                    switch (rows) {
                        TILES(1, T(inner_tile), 1, 2, s, a, b, c)
                        TILES(2, T(inner_tile), 1, 2, s, a, b, c)
                        TILES(3, T(inner_tile), 1, 2, s, a, b, c)
                        TILES(4, T(inner_tile), 1, 2, s, a, b, c)
                    }
                    break;
                case 4: T(inner_tile)(1, 1, 8, s, a, b, c); break;
            }
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
#undef BITS
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TARGET
#undef T
