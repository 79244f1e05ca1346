/* by_hand.h: what exercise 2 asks for. */
#ifndef EXERCISE_BY_HAND_H
#define EXERCISE_BY_HAND_H

/* The derivatives of J = 3 v, v = a + u, u = b c with respect to each of them. */
typedef struct derivatives {
    double dv, du, da, db, dc;
} derivatives;

derivatives differentiate(double a, double b, double c);

#endif
