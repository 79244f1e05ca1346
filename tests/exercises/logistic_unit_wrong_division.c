/* logistic_unit_wrong_division.c: expects: must not divide */
#include "logistic_unit.h"

double loss_by_a(double a, double y) { return -y / a + (1 - y) / (1 - a); }
double a_by_z(double a) { return a * (1 - a); }
double loss_by_z(double a, double y) { return loss_by_a(a, y) * a_by_z(a); }
