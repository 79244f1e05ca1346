/* update_rule.c: SGD, momentum, Nesterov, RMSProp, Adam, AdamW.
 *
 * Owns: the formulas, each once: eager steps and plans run what is recorded here; and elementwise operations
 * of their own that keep an update short. What is 0, weight decay or momentum, is not recorded at all. */
#include "models/update_rule.h"

#include <tgmath.h>

#include "ops/elementwise.h"

/* What is recorded here bears the caller's line. */
#undef TG_HERE
#define TG_HERE where

/* --- operations that only updates need ------------------------------------------------------------------ */

#define UPDATE_OP(op)                                                                                        \
    static const struct tg_op op##_op = {.name = #op,                                                        \
                                         .kind = TG_MAP,                                                     \
                                         .n_inputs = 3,                                                      \
                                         .map_f32 = op##_f32,                                                \
                                         .map_f64 = op##_f64,                                                \
                                         .backward = TG_NOT_DIFFERENTIABLE};                                 \
    static tg_tensor op(const char *where, tg_tensor x, tg_tensor y, tg_tensor z) {                          \
        const tg_tensor in[3] = {x, y, z};                                                                   \
        return tg_apply_at(where, &op##_op, 3, in, NULL);                                                    \
    }

/* The moving mean of squares: from the mean x a part z of the way to y^2. */
TG_MAP_KERNELS_3(mean_square, x + z * (y * y - x))
UPDATE_OP(mean_square)

/* x by the root of y, which epsilon z keeps from 0. */
TG_MAP_KERNELS_3(by_root, x / (sqrt(y) + z))
UPDATE_OP(by_root)

/* --- parts of rules ------------------------------------------------------------------------------------- */

/* dp + weight_decay p: the gradient of a loss to which weight_decay |p|^2 / 2 was added. */
static tg_tensor with_decay(const char *where, const tg_update_rule *rule, tg_tensor p, tg_tensor dp) {
    return rule->weight_decay > 0 ? tg_addcmul(dp, tg_num(rule->weight_decay), p) : dp;
}

/* 1 - beta^t, which near t = 1 would lose digits as such: with h = tanh(t log(1 / beta) / 2) it is
 * 2 h / (1 + h). */
static tg_tensor one_minus_power(const char *where, double beta, tg_tensor t) {
    const tg_tensor h = tg_tanh(tg_mul(tg_num(-log(beta) / 2), t));
    return tg_div(tg_mul(tg_num(2), h), tg_add(tg_num(1), h));
}

/* --- rules ---------------------------------------------------------------------------------------------- */

/* v = momentum v + dp; p - rate v, or with Nesterov p - rate (dp + momentum v) */
tg_tensor tg_update_sgd(const char *where, const tg_update_rule *rule, tg_update_scalars now, tg_tensor p,
                        tg_tensor dp, tg_tensor *state) {
    dp = with_decay(where, rule, p, dp);
    if (rule->momentum > 0) {
        const tg_tensor momentum = tg_num(rule->momentum), v = tg_addcmul(dp, momentum, state[0]);
        state[0] = v;
        dp = rule->nesterov ? tg_addcmul(dp, momentum, v) : v;
    }
    return tg_addcmul(p, tg_neg(now.rate), dp);
}

/* p - rate mhat / (sqrt(vhat) + epsilon). With scalars c1 = 1 - beta1^t and c2 = sqrt(1 - beta2^t) that is
 * p - (rate c2 / c1) m / (sqrt(v) + epsilon c2): fewer operations on the elements (the paper's section 2). */
tg_tensor tg_update_adam(const char *where, const tg_update_rule *rule, tg_update_scalars now, tg_tensor p,
                         tg_tensor dp, tg_tensor *state) {
    const tg_tensor c1 = one_minus_power(where, rule->beta1, now.t);
    const tg_tensor c2 = tg_sqrt(one_minus_power(where, rule->beta2, now.t));
    if (!rule->decoupled) dp = with_decay(where, rule, p, dp);
    state[0] = tg_lerp(state[0], dp, tg_num(1 - rule->beta1));
    state[1] = mean_square(where, state[1], dp, tg_num(1 - rule->beta2));
    const tg_tensor d = by_root(where, state[0], state[1], tg_mul(tg_num(rule->epsilon), c2));
    const tg_tensor moved = tg_addcmul(p, tg_neg(tg_div(tg_mul(now.rate, c2), c1)), d);
    return rule->decoupled ? tg_addcmul(moved, tg_mul(now.rate, tg_num(-rule->weight_decay)), p) : moved;
}

/* s = the moving mean of dp^2, less the square of that of dp where centered; d = dp / (sqrt(s) + epsilon);
 * p - rate d, or with momentum v = momentum v + d and p - rate v */
tg_tensor tg_update_rmsprop(const char *where, const tg_update_rule *rule, tg_update_scalars now, tg_tensor p,
                            tg_tensor dp, tg_tensor *state) {
    const tg_tensor part = tg_num(1 - rule->beta2);
    dp = with_decay(where, rule, p, dp);
    tg_tensor s = *state = mean_square(where, *state, dp, part);
    if (rule->centered) {
        state++;
        *state = tg_lerp(*state, dp, part);
        s = tg_sub(s, tg_square(*state));
    }
    tg_tensor d = by_root(where, dp, s, tg_num(rule->epsilon));
    if (rule->momentum > 0) {
        state++;
        d = *state = tg_addcmul(d, tg_num(rule->momentum), *state);
    }
    return tg_addcmul(p, tg_neg(now.rate), d);
}
