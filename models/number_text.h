/* number_text.h: numbers as text with a decimal point, whatever locale the program has set.
 *
 * Owns: the switch of the calling thread to the "C" locale and back. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_NUMBER_TEXT_H
#define TAPEGRAD_MODELS_NUMBER_TEXT_H

#include <locale.h>

#include "core/status.h"

/* The locale to go back to. */
typedef struct tg_number_text {
    locale_t plain, before;
} tg_number_text;

/* From here strtod and printf of this thread read and write 1.5, not 1,5. Where the locale cannot be had
 * (no memory) the program's own stays. */
tg_number_text tg_number_text_begin(void);
void tg_number_text_end(tg_number_text text);

#endif
