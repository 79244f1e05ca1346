/* by_hand_wrong_swapped.c: expects: b and c are exchanged */
#include "by_hand.h"

derivatives differentiate(double a, double b, double c) {
    (void)a;
    return (derivatives){3, 3, 3, 3 * b, 3 * c};
}
