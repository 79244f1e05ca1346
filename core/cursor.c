/* cursor.c: reads and writes the elements of a strided array in row-major order, a block at a time.
 *
 * Owns: the loop nest over strides, an odometer whose two innermost axes are moved as one piece, so that
 * neither tiny nor strided inner axes are slow. Must not know element types, only their size. */
#include "core/cursor.h"

#include <string.h>

/* Axes shorter than this are not worth a loop of their own: the longer axis goes inside. */
#define SHORT_AXIS 8

/* Lines of elements, copied from strides to strides. */
struct lines {
    int64_t rows, columns;
    char *to;
    int64_t to_row, to_column;
    const char *from;
    int64_t from_row, from_column;
};

#define TG_COPY_LINES(name, bytes)                                                                           \
    static void name(const struct lines *l) {                                                                \
        for (int64_t i = 0; i < l->rows; i++) {                                                              \
            char *to = l->to + i * l->to_row * bytes;                                                        \
            const char *from = l->from + i * l->from_row * bytes;                                            \
            int64_t n = l->columns, to_step = l->to_column * bytes, step = l->from_column * bytes;           \
            if (step == 0 && to_step == bytes) {                                                             \
                char element[bytes];                                                                         \
                memcpy(element, from, bytes);                                                                \
                _Pragma("GCC unroll 4") for (int64_t j = 0; j < n; j++)                                      \
                    memcpy(to + j * bytes, element, bytes);                                                  \
            } else if (step == bytes && to_step == bytes && n >= SHORT_AXIS) {                               \
                memcpy(to, from, (size_t)n *bytes);                                                          \
            } else if (to_step == bytes) {                                                                   \
                for (int64_t j = 0; j < n; j++) memcpy(to + j * bytes, from + j * step, bytes);              \
            } else {                                                                                         \
                for (int64_t j = 0; j < n; j++) memcpy(to + j * to_step, from + j * step, bytes);            \
            }                                                                                                \
        }                                                                                                    \
    }

TG_COPY_LINES(copy_lines_1, 1)
TG_COPY_LINES(copy_lines_4, 4)
TG_COPY_LINES(copy_lines_8, 8)

static void copy_lines(size_t element_bytes, struct lines l) {
    /* One line again and again, as a bias: its copies are copied, twice as many each time. */
    const bool repeats = l.from_row == 0 && l.to_column == 1 && l.to_row == l.columns && l.rows > 1;
    const size_t line_bytes = (size_t)l.columns * element_bytes, all_bytes = (size_t)l.rows * line_bytes;
    if (repeats) l.rows = 1;
    if (l.columns < SHORT_AXIS && l.rows > l.columns) {
        l = (struct lines){l.columns, l.rows, l.to, l.to_column, l.to_row, l.from, l.from_column, l.from_row};
    }
    if (element_bytes == 4)
        copy_lines_4(&l);
    else if (element_bytes == 8)
        copy_lines_8(&l);
    else
        copy_lines_1(&l);
    if (!repeats) return;
    for (size_t done = line_bytes; done < all_bytes;) {
        const size_t n = done < all_bytes - done ? done : all_bytes - done;
        memcpy(l.to + done, l.to, n);
        done += n;
    }
}

void tg_cursor_open(tg_cursor *cursor, void *data, size_t element_bytes) {
    cursor->data = data;
    cursor->element_bytes = element_bytes;
    cursor->offset = 0;
    cursor->rank = 0;
}

void tg_cursor_add_axis(tg_cursor *c, int64_t size, int64_t stride) {
    if (size == 1) return;
    int outer = c->rank - 1;
    int64_t run;
    if (outer >= 0 && !__builtin_mul_overflow(size, stride, &run) && c->stride[outer] == run) {
        c->size[outer] *= size;
        c->stride[outer] = stride;
        return;
    }
    c->size[c->rank] = size;
    c->stride[c->rank++] = stride;
}

void tg_cursor_start(tg_cursor *c) {
    if (c->rank == 0) {
        c->size[0] = 1;
        c->stride[0] = 0;
        c->rank = 1;
    }
    if (c->rank == 1) {
        c->size[1] = c->size[0];
        c->stride[1] = c->stride[0];
        c->size[0] = 1;
        c->stride[0] = 0;
        c->rank = 2;
    }
    for (int i = 0; i < c->rank; i++) c->index[i] = 0;
}

void tg_cursor_over(tg_cursor *cursor, const tg_array *array) {
    tg_cursor_over_broadcast(cursor, array, array->rank, array->shape);
}

void tg_cursor_over_broadcast(tg_cursor *cursor, const tg_array *array, int rank, const int64_t *shape) {
    int missing = rank - array->rank;
    tg_cursor_open(cursor, array->data, tg_dtype_size(array->dtype));
    for (int i = 0; i < rank; i++) {
        bool repeated = i < missing || array->shape[i - missing] == 1;
        tg_cursor_add_axis(cursor, shape[i], repeated ? 0 : array->strides[i - missing]);
    }
    tg_cursor_start(cursor);
}

bool tg_cursor_is_constant(const tg_cursor *c) {
    return c->rank == 2 && c->size[0] == 1 && c->stride[1] == 0;
}

void tg_cursor_seek(tg_cursor *c, int64_t element) {
    c->offset = 0;
    for (int i = c->rank - 1; i >= 0; i--) {
        if (element == 0) { /* most often from the start, and divisions are slow */
            c->index[i] = 0;
            continue;
        }
        /* The outermost index is left whole, so that the end is a place as well. */
        c->index[i] = i > 0 ? element % c->size[i] : element;
        element /= c->size[i];
        c->offset += c->index[i] * c->stride[i];
    }
}

/* Goes on by n along an axis, which may thereby be completed, but not passed. */
static void advance(tg_cursor *c, int axis, int64_t n) {
    c->index[axis] += n;
    c->offset += n * c->stride[axis];
    for (; axis > 0 && c->index[axis] == c->size[axis]; axis--) {
        c->index[axis] = 0;
        c->index[axis - 1]++;
        c->offset += c->stride[axis - 1] - c->size[axis] * c->stride[axis];
    }
}

static char *address(const tg_cursor *c) { return c->data + c->offset * (int64_t)c->element_bytes; }

/* The next piece: whole lines where the cursor stands at the start of one, else the rest of its line. */
static void piece_size(const tg_cursor *c, int64_t n, int64_t *rows, int64_t *columns) {
    int inner = c->rank - 1;
    int64_t left = c->size[inner] - c->index[inner];
    *rows = 1;
    *columns = n < left ? n : left;
    if (c->index[inner] > 0 || n < c->size[inner]) return;
    int64_t whole = n / c->size[inner], lines_left = c->size[inner - 1] - c->index[inner - 1];
    *rows = whole < lines_left ? whole : lines_left;
}

static void advance_piece(tg_cursor *c, int64_t rows, int64_t columns) {
    int inner = c->rank - 1;
    if (columns == c->size[inner])
        advance(c, inner - 1, rows);
    else
        advance(c, inner, columns);
}

void tg_cursor_read(tg_cursor *c, int64_t n, void *buffer) {
    int inner = c->rank - 1;
    char *to = buffer;
    while (n > 0) {
        int64_t rows, columns;
        piece_size(c, n, &rows, &columns);
        copy_lines(c->element_bytes, (struct lines){rows, columns, to, columns, 1, address(c),
                                                    c->stride[inner - 1], c->stride[inner]});
        advance_piece(c, rows, columns);
        n -= rows * columns;
        to += rows * columns * (int64_t)c->element_bytes;
    }
}

void tg_cursor_write(tg_cursor *c, int64_t n, const void *buffer) {
    int inner = c->rank - 1;
    const char *from = buffer;
    while (n > 0) {
        int64_t rows, columns;
        piece_size(c, n, &rows, &columns);
        copy_lines(c->element_bytes, (struct lines){rows, columns, address(c), c->stride[inner - 1],
                                                    c->stride[inner], from, columns, 1});
        advance_piece(c, rows, columns);
        n -= rows * columns;
        from += rows * columns * (int64_t)c->element_bytes;
    }
}

int64_t tg_cursor_left(const tg_cursor *c) { return c->size[c->rank - 1] - c->index[c->rank - 1]; }

int64_t tg_cursor_run(const tg_cursor *c) { return c->stride[c->rank - 1] == 1 ? tg_cursor_left(c) : 0; }

int64_t tg_cursor_skip(tg_cursor *c, int64_t n) {
    int64_t offset = c->offset;
    advance(c, c->rank - 1, n);
    return offset;
}

void *tg_cursor_take(tg_cursor *c, int64_t n) {
    return c->data + tg_cursor_skip(c, n) * (int64_t)c->element_bytes;
}
