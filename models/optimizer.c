/* optimizer.c: SGD with momentum, and Adam.
 *
 * Owns: the rules by which gradients change parameters, and their state. A rule is one loop over the elements
 * of a parameter, written once for f32 and f64. Must not know where gradients come from. */
#include "models/optimizer.h"

#include <math.h>

#include "core/threads.h"
#include "models/tape_memory.h"

/* Elements below which a thread of its own does not pay: the loops run at the speed of memory. */
#define UPDATE_GRAIN 32768

#define MAX_STATES 2

/* One step of one parameter: what the loops see. */
typedef struct update {
    void *p;                 /* the parameter */
    const void *dp;          /* its gradient */
    void *state[MAX_STATES]; /* velocity; or first and second moment */
    double learning_rate;    /* of this step */
    double first, second;    /* momentum; or beta1 and beta2 */
    double epsilon;          /* Adam's */
    double unbias1, unbias2; /* 1 / (1 - beta^t), for both of Adam's moments */
} update;

typedef struct update_rule {
    int n_states;
    tg_range_fn *update_f32, *update_f64;
} update_rule;

struct tg_optimizer {
    tg_tape *tape;
    tg_allocator allocator;
    const update_rule *rule;
    update settings; /* the pointers in it are set for each parameter */
    double beta1_power, beta2_power;
    int n;
    struct slot {
        tg_tensor p, dp, state[MAX_STATES];
    } * slots;
};

/* --- the rules ------------------------------------------------------------------------------------------ */

#define UPDATE_SGD(name, T)                                                                                  \
    static void name(void *context, int64_t begin, int64_t end) {                                            \
        const update *u = context;                                                                           \
        T *restrict p = u->p;                                                                                \
        const T *restrict dp = u->dp;                                                                        \
        const T rate = (T)u->learning_rate;                                                                  \
        for (int64_t i = begin; i < end; i++) p[i] -= rate * dp[i];                                          \
    }

#define UPDATE_MOMENTUM(name, T)                                                                             \
    static void name(void *context, int64_t begin, int64_t end) {                                            \
        const update *u = context;                                                                           \
        T *restrict p = u->p, *restrict v = u->state[0];                                                     \
        const T *restrict dp = u->dp;                                                                        \
        const T rate = (T)u->learning_rate, momentum = (T)u->first;                                          \
        for (int64_t i = begin; i < end; i++) {                                                              \
            v[i] = momentum * v[i] + dp[i];                                                                  \
            p[i] -= rate * v[i];                                                                             \
        }                                                                                                    \
    }

#define UPDATE_ADAM(name, T, square_root)                                                                    \
    static void name(void *context, int64_t begin, int64_t end) {                                            \
        const update *u = context;                                                                           \
        T *restrict p = u->p, *restrict m = u->state[0], *restrict v = u->state[1];                          \
        const T *restrict dp = u->dp;                                                                        \
        const T beta1 = (T)u->first, rest1 = (T)(1 - u->first);                                              \
        const T beta2 = (T)u->second, rest2 = (T)(1 - u->second);                                            \
        const T rate = (T)(u->learning_rate * u->unbias1), unbias2 = (T)u->unbias2;                          \
        const T epsilon = (T)u->epsilon;                                                                     \
        for (int64_t i = begin; i < end; i++) {                                                              \
            m[i] = beta1 * m[i] + rest1 * dp[i];                                                             \
            v[i] = beta2 * v[i] + rest2 * (dp[i] * dp[i]);                                                   \
            p[i] -= rate * m[i] / (square_root(unbias2 * v[i]) + epsilon);                                   \
        }                                                                                                    \
    }

UPDATE_SGD(sgd_f32, float)
UPDATE_SGD(sgd_f64, double)
UPDATE_MOMENTUM(momentum_f32, float)
UPDATE_MOMENTUM(momentum_f64, double)
UPDATE_ADAM(adam_f32, float, sqrtf)
UPDATE_ADAM(adam_f64, double, sqrt)

static const update_rule sgd_rule = {0, sgd_f32, sgd_f64};
static const update_rule momentum_rule = {1, momentum_f32, momentum_f64};
static const update_rule adam_rule = {2, adam_f32, adam_f64};

/* --- construction --------------------------------------------------------------------------------------- */

/* Gradient and state of one parameter; an error on the tape says why not. */
static bool fill_slot(const char *where, tg_optimizer *optimizer, int i, tg_tensor p) {
    struct slot *slot = &optimizer->slots[i];
    if (p.tape != optimizer->tape) {
        tg_tape_fail(optimizer->tape, TG_ERR_HANDLE, where, "optimizer: parameter %d is not on this tape", i);
        return false;
    }
    slot->p = p;
    slot->dp = tg_grad_at(where, p);
    for (int k = 0; k < optimizer->rule->n_states; k++) {
        slot->state[k] = tg_zeros_at(where, optimizer->tape, tg_shape_of_at(where, p));
    }
    return !tg_tape_error(optimizer->tape);
}

static tg_optimizer *optimizer_new(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                   const update_rule *rule, update settings) {
    if (tg_tape_error(tape)) return NULL;
    if (n < 1 || !params) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "optimizer: needs at least one parameter");
        return NULL;
    }
    tg_optimizer *optimizer = tg_tape_memory_new(tape, 1, sizeof *optimizer);
    if (!optimizer) return NULL;
    *optimizer = (tg_optimizer){.tape = tape,
                                .allocator = tg_tape_allocator(tape),
                                .rule = rule,
                                .settings = settings,
                                .beta1_power = 1,
                                .beta2_power = 1,
                                .n = n,
                                .slots = tg_tape_memory_new(tape, n, sizeof *optimizer->slots)};
    bool filled = optimizer->slots != NULL;
    for (int i = 0; filled && i < n; i++) filled = fill_slot(where, optimizer, i, params[i]);
    if (filled) return optimizer;
    tg_optimizer_free(optimizer);
    return NULL;
}

/* Whether learning_rate is one; the comparison also refuses NaN. */
static bool check_rate(const char *where, tg_tape *tape, const char *name, double learning_rate) {
    if (learning_rate > 0 && isfinite(learning_rate)) return true;
    tg_tape_fail(tape, TG_ERR_VALUE, where, "%s: the learning rate must be a number > 0, not %g", name,
                 learning_rate);
    return false;
}

tg_optimizer *tg_sgd_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                            tg_sgd_options options) {
    if (!check_rate(where, tape, "sgd", options.learning_rate)) return NULL;
    if (!(options.momentum >= 0 && options.momentum < 1)) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "sgd: momentum must be at least 0 and less than 1, not %g",
                     options.momentum);
        return NULL;
    }
    const update settings = {.learning_rate = options.learning_rate, .first = options.momentum};
    return optimizer_new(where, tape, n, params, options.momentum > 0 ? &momentum_rule : &sgd_rule, settings);
}

tg_optimizer *tg_adam_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                             tg_adam_options options) {
    const update settings = {
        .learning_rate = options.learning_rate != 0 ? options.learning_rate : 0.001,
        .first = options.beta1 != 0 ? options.beta1 : 0.9,
        .second = options.beta2 != 0 ? options.beta2 : 0.999,
        .epsilon = options.epsilon != 0 ? options.epsilon : 1e-8,
    };
    if (!check_rate(where, tape, "adam", settings.learning_rate)) return NULL;
    if (!(settings.first > 0 && settings.first < 1 && settings.second > 0 && settings.second < 1)) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "adam: betas must lie between 0 and 1, not %g and %g",
                     settings.first, settings.second);
        return NULL;
    }
    if (!(settings.epsilon > 0 && isfinite(settings.epsilon))) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "adam: epsilon must be a number > 0, not %g",
                     settings.epsilon);
        return NULL;
    }
    return optimizer_new(where, tape, n, params, &adam_rule, settings);
}

void tg_optimizer_free(tg_optimizer *optimizer) {
    if (!optimizer) return;
    tg_tape_memory_free(optimizer->allocator, optimizer->slots, optimizer->n, sizeof *optimizer->slots);
    tg_tape_memory_free(optimizer->allocator, optimizer, 1, sizeof *optimizer);
}

/* --- the step ------------------------------------------------------------------------------------------- */

/* Handles that a rewind has taken away are found before anything is changed: a step is whole or not at all.
 */
static tg_status check_slots(const char *where, const tg_optimizer *optimizer) {
    for (int i = 0; i < optimizer->n; i++) {
        const struct slot *slot = &optimizer->slots[i];
        bool alive = tg_is_valid(slot->p);
        for (int k = 0; k < optimizer->rule->n_states; k++) alive = alive && tg_is_valid(slot->state[k]);
        if (!alive) {
            return tg_tape_fail(optimizer->tape, TG_ERR_HANDLE, where,
                                "optimizer: parameter %d or its state was rewound away; make both before the "
                                "mark to which the loop rewinds",
                                i);
        }
    }
    return TG_OK;
}

static tg_status update_slot(const char *where, tg_optimizer *optimizer, const struct slot *slot) {
    update u = optimizer->settings;
    u.p = tg_data_mut_at(where, slot->p);
    u.dp = tg_data_at(where, slot->dp);
    for (int k = 0; k < optimizer->rule->n_states; k++) {
        u.state[k] = tg_data_mut_at(where, slot->state[k]);
    }
    if (tg_tape_error(optimizer->tape)) return tg_tape_status(optimizer->tape);
    tg_parallel_for(tg_size_at(where, slot->p), UPDATE_GRAIN,
                    tg_tape_dtype(optimizer->tape) == TG_F32 ? optimizer->rule->update_f32
                                                             : optimizer->rule->update_f64,
                    &u);
    return tg_zero_grad_at(where, slot->p);
}

/* A NULL optimizer is one that could not be made; the error is on the tape. */
tg_status tg_optimizer_step_at(const char *where, tg_optimizer *optimizer) {
    if (!optimizer) return TG_ERR_HANDLE;
    if (tg_tape_error(optimizer->tape)) return tg_tape_status(optimizer->tape);
    tg_status status = check_slots(where, optimizer);
    if (status != TG_OK) return status;
    update *settings = &optimizer->settings;
    if (optimizer->rule == &adam_rule) {
        optimizer->beta1_power *= settings->first;
        optimizer->beta2_power *= settings->second;
        settings->unbias1 = 1 / (1 - optimizer->beta1_power);
        settings->unbias2 = 1 / (1 - optimizer->beta2_power);
    }
    for (int i = 0; status == TG_OK && i < optimizer->n; i++) {
        status = update_slot(where, optimizer, &optimizer->slots[i]);
    }
    return status;
}

double tg_optimizer_learning_rate(const tg_optimizer *optimizer) {
    return optimizer ? optimizer->settings.learning_rate : NAN;
}

tg_status tg_optimizer_set_learning_rate(tg_optimizer *optimizer, double learning_rate) {
    if (!optimizer) return TG_ERR_HANDLE;
    if (!check_rate(TG_HERE, optimizer->tape, "optimizer", learning_rate)) return TG_ERR_VALUE;
    optimizer->settings.learning_rate = learning_rate;
    return TG_OK;
}
