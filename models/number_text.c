/* number_text.c: numbers as text with a decimal point, whatever locale the program has set. */
#include "models/number_text.h"

tg_number_text tg_number_text_begin(void) {
    tg_number_text text = {.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (text.plain) text.before = uselocale(text.plain);
    return text;
}

void tg_number_text_end(tg_number_text text) {
    if (!text.plain) return;
    uselocale(text.before);
    freelocale(text.plain);
}
