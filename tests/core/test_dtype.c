/* test_dtype.c: sizes and names of the element types, and of the status codes beside them. */
#include "core/dtype.h"

#include <criterion/criterion.h>
#include <string.h>

Test(dtype, sizes_are_those_of_the_c_types) {
    cr_assert_eq(tg_dtype_size(TG_F32), sizeof(float));
    cr_assert_eq(tg_dtype_size(TG_F64), sizeof(double));
    cr_assert_eq(tg_dtype_size(TG_I64), 8);
    cr_assert_eq(tg_dtype_size(TG_BOOL), 1);
}

Test(dtype, names_are_short_and_unknown_ones_are_a_question_mark) {
    cr_assert_str_eq(tg_dtype_name(TG_F32), "f32");
    cr_assert_str_eq(tg_dtype_name(TG_F64), "f64");
    cr_assert_str_eq(tg_dtype_name(TG_I64), "i64");
    cr_assert_str_eq(tg_dtype_name(TG_BOOL), "bool");
    cr_assert_str_eq(tg_dtype_name((tg_dtype)4), "?");
    cr_assert_eq(tg_dtype_size((tg_dtype)4), 0);
}

Test(dtype, only_f32_and_f64_are_values) {
    cr_assert(tg_dtype_is_value(TG_F32) && tg_dtype_is_value(TG_F64));
    cr_assert_not(tg_dtype_is_value(TG_I64) || tg_dtype_is_value(TG_BOOL));
}

Test(dtype, every_status_has_a_name_of_its_own) {
    for (int i = TG_OK; i <= TG_ERR_OP; i++) {
        cr_assert_str_neq(tg_status_name((tg_status)i), "?");
        for (int j = TG_OK; j < i; j++) {
            cr_assert_str_neq(tg_status_name((tg_status)i), tg_status_name((tg_status)j));
        }
    }
    cr_assert_str_eq(tg_status_name(TG_ERR_SHAPE), "shape");
    cr_assert_str_eq(tg_status_name((tg_status)1000), "?");
}

Test(dtype, the_library_has_the_version_of_its_headers) { cr_assert_str_eq(tg_version(), TG_VERSION); }
