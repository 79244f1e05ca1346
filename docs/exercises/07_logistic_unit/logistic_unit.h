/* logistic_unit.h: what exercise 7 asks for. */
#ifndef EXERCISE_LOGISTIC_UNIT_H
#define EXERCISE_LOGISTIC_UNIT_H

/* For L = -(y log a + (1 - y) log(1 - a)) and a = sigmoid(z). */
double loss_by_a(double a, double y); /* dL/da */
double a_by_z(double a);              /* da/dz, in terms of a */
double loss_by_z(double a, double y); /* dL/dz, without a division */

#endif
