/* nudging.h: what exercise 1 asks for. */
#ifndef EXERCISE_NUDGING_H
#define EXERCISE_NUDGING_H

typedef double function_of_one(double x);

/* The derivative of f at x, found by nudging x. */
double slope(function_of_one *f, double x);

#endif
