/* optimizer.c: the life of an optimizer, and its step, recorded once and run as a plan.
 *
 * Owns: state, options and their ranges, what a step assigns. tg_optimizer_step runs a plan of the step by
 * the leaves' gradients, which is made with the optimizer; a training plan has the same step by those of a
 * loss. Must not know the rules (models/update_rule.c). */
#include "models/optimizer.h"

#include <math.h>

#include "models/tape_memory.h"
#include "models/update_rule.h"
#include "ops/elementwise.h"

struct tg_optimizer {
    tg_tape *tape;
    tg_allocator allocator;
    tg_update_rule rule;
    tg_schedule schedule;
    tg_clipping clip;
    double learning_rate;
    tg_tensor rate, last_rate, steps; /* scalars on the tape */
    int n, n_updates;
    tg_tensor *params, *gradients, *states; /* n, n while a step is recorded, n times the rule's n_states */
    tg_tensor *updates;                     /* of the step by the leaves' gradients */
    tg_plan *step;
};

/* --- options -------------------------------------------------------------------------------------------- */

/* Whether an option is as it must be; else an error that says how. */
static bool check(const char *where, tg_tape *tape, const char *rule, bool good, const char *must, double x) {
    if (!good) tg_tape_fail(tape, TG_ERR_VALUE, where, "%s: %s, not %g", rule, must, x);
    return good;
}

static bool check_rate(const char *where, tg_tape *tape, const char *rule, double x) {
    return check(where, tape, rule, x > 0 && isfinite(x), "the learning rate must be a number > 0", x);
}

static bool check_momentum(const char *where, tg_tape *tape, const char *rule, double x) {
    return check(where, tape, rule, x >= 0 && x < 1, "momentum must be at least 0 and less than 1", x);
}

static bool check_decay(const char *where, tg_tape *tape, const char *rule, double x) {
    return check(where, tape, rule, x >= 0 && isfinite(x), "weight decay must be a number, at least 0", x);
}

/* What divides a moving mean from the present, and what keeps its root from 0. */
static bool check_mean(const char *where, tg_tape *tape, const tg_update_rule *rule) {
    static const char must[] = "betas (alpha) must lie between 0 and 1";
    return check(where, tape, rule->name, rule->beta1 > 0 && rule->beta1 < 1, must, rule->beta1) &&
           check(where, tape, rule->name, rule->beta2 > 0 && rule->beta2 < 1, must, rule->beta2) &&
           check(where, tape, rule->name, rule->epsilon > 0 && isfinite(rule->epsilon),
                 "epsilon must be a number > 0", rule->epsilon);
}

static double given_or(double x, double standard) { return x != 0 ? x : standard; }

/* --- recording a step ----------------------------------------------------------------------------------- */

static bool has_schedule(const tg_schedule *s) {
    return s->shape != TG_SCHEDULE_CONSTANT || s->own || s->warm_up != 0;
}

/* What the gradients in o->gradients make of the parameters. Each assign comes after all that reads its leaf
 * as it was. */
static void record_step(const char *where, tg_optimizer *o, tg_tensor *updates) {
    const tg_tensor t = tg_add_at(where, o->steps, tg_num(1));
    tg_tensor rate = o->rate;
    if (has_schedule(&o->schedule))
        rate = tg_mul_at(where, rate, tg_schedule_factor_at(where, o->steps, o->schedule));
    if (tg_clip_gradients_at(where, o->n, o->gradients, o->clip, o->gradients) != TG_OK) return;
    const int n_states = o->rule.n_states;
    for (int i = 0; i < o->n; i++) {
        const tg_tensor *old = o->states + i * n_states;
        tg_tensor state[TG_RULE_STATES];
        for (int k = 0; k < n_states; k++) state[k] = old[k];
        const tg_tensor p = o->rule.update(where, &o->rule, (tg_update_scalars){rate, t}, o->params[i],
                                           o->gradients[i], state);
        for (int k = 0; k < n_states; k++) *updates++ = tg_assign_at(where, old[k], state[k]);
        *updates++ = tg_assign_at(where, o->params[i], p);
    }
    *updates++ = tg_assign_at(where, o->last_rate, rate);
    *updates = tg_assign_at(where, o->steps, t);
}

/* Records the step by the gradients of loss, or by those in o->gradients where it is NULL. Nothing is
 * computed and nothing changes. */
static tg_status record(const char *where, tg_optimizer *o, const tg_tensor *loss, tg_tensor *updates) {
    const bool grad_was_on = tg_tape_set_grad(o->tape, false);
    const bool values_were_on = tg_tape_set_values(o->tape, false);
    if (!loss || tg_gradients_at(where, *loss, o->n, o->params, o->gradients) == TG_OK)
        record_step(where, o, updates);
    tg_tape_set_values(o->tape, values_were_on);
    tg_tape_set_grad(o->tape, grad_was_on);
    return tg_tape_status(o->tape);
}

/* The last assign is the newest of what an optimizer needs: if it lives, all does. */
static tg_status check_living(const char *where, const tg_optimizer *o) {
    if (!o) return TG_ERR_HANDLE; /* it could not be made; the error is on the tape */
    if (tg_tape_error(o->tape)) return tg_tape_status(o->tape);
    if (tg_is_valid(o->updates[o->n_updates - 1])) return TG_OK;
    return tg_tape_fail(o->tape, TG_ERR_HANDLE, where,
                        "optimizer: a parameter or the optimizer's state was rewound away; make both before "
                        "the mark to which the loop rewinds");
}

/* --- inside a plan -------------------------------------------------------------------------------------- */

int tg_optimizer_n_updates(const tg_optimizer *optimizer) { return optimizer ? optimizer->n_updates : 0; }

tg_status tg_optimizer_updates_at(const char *where, tg_optimizer *optimizer, tg_tensor loss,
                                  tg_tensor *updates) {
    const tg_status status = check_living(where, optimizer);
    if (status != TG_OK) return status;
    if (loss.tape == optimizer->tape && tg_requires_grad(loss))
        return record(where, optimizer, &loss, updates);
    return tg_tape_fail(optimizer->tape, TG_ERR_GRADIENT, where,
                        "optimizer: the loss does not depend on any parameter of the optimizer's tape");
}

tg_status tg_optimizer_updates_from_at(const char *where, tg_optimizer *optimizer, const tg_tensor *gradients,
                                       tg_tensor *updates) {
    const tg_status status = check_living(where, optimizer);
    if (status != TG_OK) return status;
    char is_text[TG_SHAPE_TEXT], should_text[TG_SHAPE_TEXT];
    for (int i = 0; i < optimizer->n; i++) {
        if (gradients[i].tape != optimizer->tape)
            return tg_tape_fail(optimizer->tape, TG_ERR_HANDLE, where,
                                "optimizer: the gradient of parameter %d is not a tensor of this tape", i);
        const tg_shape is = tg_shape_of_at(where, gradients[i]);
        const tg_shape should = tg_shape_of_at(where, optimizer->params[i]);
        if (tg_tape_error(optimizer->tape)) return tg_tape_status(optimizer->tape);
        if (!tg_shape_equal(is, should))
            return tg_tape_fail(optimizer->tape, TG_ERR_SHAPE, where,
                                "optimizer: the gradient of parameter %d is %s and the parameter %s", i,
                                tg_shape_format(is, sizeof is_text, is_text),
                                tg_shape_format(should, sizeof should_text, should_text));
        optimizer->gradients[i] = gradients[i];
    }
    return record(where, optimizer, NULL, updates);
}

tg_plan *tg_training_plan_at(const char *where, tg_optimizer *optimizer, tg_tensor loss) {
    if (check_living(where, optimizer) != TG_OK) return NULL;
    const int n = optimizer->n_updates + 1;
    tg_tensor *outputs = tg_tape_memory_new(optimizer->tape, n, sizeof *outputs);
    if (!outputs) return NULL;
    outputs[0] = loss;
    tg_plan *plan = NULL;
    if (tg_optimizer_updates_at(where, optimizer, loss, outputs + 1) == TG_OK)
        plan = tg_plan_new_at(where, optimizer->tape, n, outputs);
    tg_tape_memory_free(optimizer->allocator, outputs, n, sizeof *outputs);
    return plan;
}

/* --- step by step --------------------------------------------------------------------------------------- */

tg_status tg_optimizer_step_at(const char *where, tg_optimizer *optimizer) {
    tg_status status = check_living(where, optimizer);
    if (status == TG_OK) status = tg_plan_run_at(where, optimizer->step);
    for (int i = 0; status == TG_OK && i < optimizer->n; i++)
        status = tg_zero_grad_at(where, optimizer->params[i]);
    return status;
}

double tg_optimizer_learning_rate(const tg_optimizer *optimizer) {
    return optimizer ? optimizer->learning_rate : NAN;
}

tg_status tg_optimizer_set_learning_rate_at(const char *where, tg_optimizer *optimizer,
                                            double learning_rate) {
    const tg_status status = check_living(where, optimizer);
    if (status != TG_OK) return status;
    if (!check_rate(where, optimizer->tape, "optimizer", learning_rate)) return TG_ERR_VALUE;
    optimizer->learning_rate = learning_rate;
    return tg_write_f64_at(where, optimizer->rate, 1, &learning_rate);
}

/* A scalar of the optimizer, or NaN. */
static double item(const tg_optimizer *o, tg_tensor x) { return o && tg_is_valid(x) ? tg_item(x) : NAN; }

int64_t tg_optimizer_steps(const tg_optimizer *optimizer) {
    const double steps = optimizer ? item(optimizer, optimizer->steps) : 0;
    return steps > 0 ? (int64_t)steps : 0;
}

double tg_optimizer_last_rate(const tg_optimizer *optimizer) {
    return optimizer ? item(optimizer, optimizer->last_rate) : NAN;
}

/* --- construction --------------------------------------------------------------------------------------- */

/* The parameters and their state; an error on the tape says why not. */
static bool make_state(const char *where, tg_optimizer *o, const tg_tensor *params) {
    for (int i = 0; i < o->n; i++) {
        if (params[i].tape != o->tape) {
            tg_tape_fail(o->tape, TG_ERR_HANDLE, where, "optimizer: parameter %d is not on this tape", i);
            return false;
        }
        o->params[i] = params[i];
        o->gradients[i] = tg_grad_at(where, params[i]);
        for (int k = 0; k < o->rule.n_states; k++)
            o->states[i * o->rule.n_states + k] =
                tg_zeros_at(where, o->tape, tg_shape_of_at(where, params[i]));
    }
    o->rate = tg_scalar_at(where, o->tape, o->learning_rate);
    o->last_rate = tg_scalar_at(where, o->tape, NAN);
    o->steps = tg_scalar_at(where, o->tape, 0);
    return !tg_tape_error(o->tape);
}

/* All tensors of an optimizer are one block. */
static int64_t n_tensors(const tg_optimizer *o) {
    return (int64_t)o->n * (2 + o->rule.n_states) + o->n_updates;
}

static tg_optimizer *optimizer_new(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                   tg_optimizer settings) {
    enum { MOST = 1 << 24 };
    if (tg_tape_error(tape)) return NULL;
    if (n < 1 || n > MOST || !params) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "optimizer: needs at least one parameter, at most %d", MOST);
        return NULL;
    }
    tg_optimizer *o = tg_tape_memory_new(tape, 1, sizeof *o);
    if (!o) return NULL;
    *o = settings;
    o->tape = tape;
    o->allocator = tg_tape_allocator(tape);
    o->n = n;
    o->n_updates = n * (o->rule.n_states + 1) + 2;
    o->params = tg_tape_memory_new(tape, n_tensors(o), sizeof *o->params);
    if (o->params) {
        o->gradients = o->params + n;
        o->states = o->gradients + n;
        o->updates = o->states + (ptrdiff_t)n * o->rule.n_states;
        if (make_state(where, o, params) && record(where, o, NULL, o->updates) == TG_OK)
            o->step = tg_plan_new_at(where, tape, o->n_updates, o->updates);
    }
    if (o->step) return o;
    tg_optimizer_free(o);
    return NULL;
}

void tg_optimizer_free(tg_optimizer *optimizer) {
    if (!optimizer) return;
    tg_plan_free(optimizer->step);
    tg_tape_memory_free(optimizer->allocator, optimizer->params, n_tensors(optimizer),
                        sizeof *optimizer->params);
    tg_tape_memory_free(optimizer->allocator, optimizer, 1, sizeof *optimizer);
}

tg_optimizer *tg_sgd_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                            tg_sgd_options options) {
    const tg_update_rule rule = {.name = "sgd",
                                 .update = tg_update_sgd,
                                 .n_states = options.momentum > 0,
                                 .momentum = options.momentum,
                                 .nesterov = options.nesterov,
                                 .weight_decay = options.weight_decay};
    if (!check_rate(where, tape, rule.name, options.learning_rate) ||
        !check_momentum(where, tape, rule.name, rule.momentum) ||
        !check_decay(where, tape, rule.name, rule.weight_decay) ||
        !check(where, tape, rule.name, !rule.nesterov || rule.momentum > 0,
               "Nesterov's step needs a momentum > 0", rule.momentum))
        return NULL;
    return optimizer_new(where, tape, n, params,
                         (tg_optimizer){.rule = rule,
                                        .schedule = options.schedule,
                                        .clip = options.clip,
                                        .learning_rate = options.learning_rate});
}

static tg_optimizer *adam_new(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                              tg_adam_options options, tg_update_rule rule) {
    const double learning_rate = given_or(options.learning_rate, 0.001);
    rule.n_states = 2;
    rule.beta1 = given_or(options.beta1, 0.9);
    rule.beta2 = given_or(options.beta2, 0.999);
    rule.epsilon = given_or(options.epsilon, 1e-8);
    if (!check_rate(where, tape, rule.name, learning_rate) || !check_mean(where, tape, &rule) ||
        !check_decay(where, tape, rule.name, rule.weight_decay))
        return NULL;
    return optimizer_new(where, tape, n, params,
                         (tg_optimizer){.rule = rule,
                                        .schedule = options.schedule,
                                        .clip = options.clip,
                                        .learning_rate = learning_rate});
}

tg_optimizer *tg_adam_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                             tg_adam_options options) {
    const tg_update_rule rule = {
        .name = "adam", .update = tg_update_adam, .weight_decay = options.weight_decay};
    return adam_new(where, tape, n, params, options, rule);
}

tg_optimizer *tg_adamw_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                              tg_adam_options options) {
    const tg_update_rule rule = {.name = "adamw",
                                 .update = tg_update_adam,
                                 .weight_decay = given_or(options.weight_decay, 0.01),
                                 .decoupled = true};
    return adam_new(where, tape, n, params, options, rule);
}

tg_optimizer *tg_rmsprop_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                tg_rmsprop_options options) {
    const double learning_rate = given_or(options.learning_rate, 0.01);
    const double alpha = given_or(options.alpha, 0.99);
    const tg_update_rule rule = {.name = "rmsprop",
                                 .update = tg_update_rmsprop,
                                 .n_states = 1 + options.centered + (options.momentum > 0),
                                 .momentum = options.momentum,
                                 .beta1 = alpha,
                                 .beta2 = alpha,
                                 .epsilon = given_or(options.epsilon, 1e-8),
                                 .weight_decay = options.weight_decay,
                                 .centered = options.centered};
    if (!check_rate(where, tape, rule.name, learning_rate) || !check_mean(where, tape, &rule) ||
        !check_momentum(where, tape, rule.name, rule.momentum) ||
        !check_decay(where, tape, rule.name, rule.weight_decay))
        return NULL;
    return optimizer_new(where, tape, n, params,
                         (tg_optimizer){.rule = rule,
                                        .schedule = options.schedule,
                                        .clip = options.clip,
                                        .learning_rate = learning_rate});
}
