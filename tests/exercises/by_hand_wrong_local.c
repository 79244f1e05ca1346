/* by_hand_wrong_local.c: expects: the factor dJ/du is missing */
#include "by_hand.h"

derivatives differentiate(double a, double b, double c) {
    (void)a;
    return (derivatives){3, 3, 3, c, b};
}
