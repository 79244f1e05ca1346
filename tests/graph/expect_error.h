/* expect_error.h: the error that a test expects on a tape, by kind and by what its message must say.
 *
 * Owns: the check, which clears the error again so that a test can go on. */
#ifndef TAPEGRAD_TESTS_EXPECT_ERROR_H
#define TAPEGRAD_TESTS_EXPECT_ERROR_H

#include "graph/tape.h"

#include <criterion/criterion.h>
#include <string.h>

/* EXPECT_ERROR(tape, TG_ERR_SHAPE, "model.c:42", "[2, 3]"): each text must stand in the message. */
#define EXPECT_ERROR(tape, status, ...)                                                                      \
    do {                                                                                                     \
        const char *const expected_texts[] = {__VA_ARGS__};                                                  \
        const char *const found_text = tg_tape_error(tape) ? tg_tape_error(tape) : "(no error)";             \
        cr_expect(tg_tape_status(tape) == (status), "%s is not the status %s expected: %s",                  \
                  tg_status_name(tg_tape_status(tape)), tg_status_name(status), found_text);                 \
        for (size_t part = 0; part < sizeof expected_texts / sizeof *expected_texts; part++)                 \
            cr_expect(strstr(found_text, expected_texts[part]) != NULL, "\"%s\" is not in: %s",              \
                      expected_texts[part], found_text);                                                     \
        tg_tape_clear_error(tape);                                                                           \
    } while (0)

/* EXPECT_NO_ERROR(tape): says which there is. */
#define EXPECT_NO_ERROR(tape)                                                                                \
    cr_expect(tg_tape_status(tape) == TG_OK, "%s", tg_tape_error(tape) ? tg_tape_error(tape) : "")

#endif
