/* Training: mini-batch gradient descent on a pool of workers, the same bits at
 * any number of them.
 *
 * A trainer holds everything between two steps (parameters, optimizer state,
 * position), so a caller may run it in slices, interleave several trainers on
 * one pool, and save or restore its state. */
#ifndef MLP_TRAIN_H
#define MLP_TRAIN_H

#include "mlp/augment.h"
#include "mlp/err.h"
#include "mlp/loss.h"
#include "mlp/metric.h"
#include "mlp/model.h"
#include "mlp/network.h"
#include "mlp/optimizer.h"
#include "mlp/pool.h"
#include "mlp/rows.h"
#include "mlp/schedule.h"

#include <stdatomic.h>

struct train_options {
    struct layer layers[NETWORK_LAYERS_MAX]; /* hidden layers and the output layer */
    uint32_t n_layers;
    enum loss loss; /* LOSS_AUTO: crossentropy for classes (binary where the last layer is sigmoid), mse for
                       numbers */
    float label_smoothing; /* 0 .. 0.5, cross-entropies */
    enum optimizer optimizer;
    float learning_rate;           /* 0: the optimizer's default: 0.001, sgd and adagrad 0.01 */
    float beta_1, beta_2, epsilon; /* 0: 0.9, 0.999, 1e-8 */
    float rho;                     /* rmsprop; 0: 0.9 */
    float momentum;                /* sgd, rmsprop */
    bool nesterov;                 /* sgd */
    float weight_decay; /* decoupled, of weights but not biases, per step times the rate; adamw's default is
                           0.004, others' 0 */
    bool weight_decay_given;
    struct schedule schedule;
    float clipvalue; /* gradients limited to -clipvalue .. clipvalue; 0: not */
    float clipnorm;  /* each weight matrix's and bias vector's gradient scaled down to this norm; 0: not */
    float global_clipnorm; /* all of them together; 0: not */
    float l1, l2;          /* penalties on weights, not biases; not part of the loss that is shown */
    float max_norm; /* each unit's incoming weights scaled down to this norm after each step, hidden layers;
                       0: not */
    float input_dropout; /* share of the inputs dropped in training */
    struct early_stopping early_stopping;
    struct augment augment;
    enum initializer init;
    float stddev;        /* INITIALIZER_NORMAL */
    uint32_t batch_size; /* 0: full */
    uint32_t epochs;
    uint64_t seed;
    bool shuffle;
    uint32_t members; /* networks trained side by side and served as one: ensemble.h; 0, 1: one */
};
/* The defaults: no layers, adam, He, batch 32... every field set to what the
 * wire documents. */
struct train_options train_options_default(void);

struct epoch_metrics {
    uint32_t epoch;          /* 1-based */
    double train[N_METRICS]; /* over the epoch's training rows, each as the step that it was in saw it; NaN:
                                does not apply */
    double validation[N_METRICS]; /* at the epoch's end, NaN where there are no validation rows */
    double learning_rate;         /* of its last step */
    double seconds;               /* wall time of the epoch while it ran */
};

/* Whether trainer_new would take these, memory aside. */
bool train_check(const struct recipe *recipe, const struct rows *train, const struct train_options *options,
                 struct err *err);
/* About how many bytes a trainer of this takes, with one saved state and two
 * models made of it. options: as trainer_new takes them. */
uint64_t train_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train,
                     uint64_t n_validation);

struct trainer;
/* `train`, `validation` (n_rows may be 0): rows with usable targets; their
 * bindings are of `recipe`. All outlive the trainer. The network is initialised
 * from the seed.
 * NULL on failure. */
struct trainer *trainer_new(const struct recipe *recipe, const struct rows *train,
                            const struct rows *validation, const struct train_options *options,
                            struct err *err);
void trainer_free(struct trainer *trainer); /* takes NULL */

enum train_state {
    TRAIN_EPOCH,  /* an epoch has ended: *metrics is written */
    TRAIN_SLICE,  /* `stop` was set or the deadline passed: call again to go on, on a pool of as many threads
                   */
    TRAIN_DONE,   /* all epochs have run, or early stopping has ended it; every epoch was reported with
                     TRAIN_EPOCH before */
    TRAIN_FAILED, /* *err: ERR_NUMERIC names epoch and step, and says what to try */
};
/* Run on the pool until one of the above. `stop` may be set by any thread at
 * any time; deadline_ns is CLOCK_MONOTONIC, 0: none. */
enum train_state trainer_run(struct trainer *trainer, struct pool *pool, const atomic_bool *stop,
                             uint64_t deadline_ns, struct epoch_metrics *metrics, struct err *err);

/* The state as bytes, so that a trainer made alike (same recipe, rows and
 * options, same build and instruction set) goes on with the same bits at any
 * number of threads. Between two calls of trainer_run that did not fail. */
/* False where `stop` has ended the last run of a very large network in the
 * midst of a step; a later run gets to its end. */
bool trainer_can_save(const struct trainer *trainer);
/* The most bytes that a save takes. */
size_t trainer_save_size(const struct trainer *trainer);
/* Copy the state; returns its bytes. Nothing but memory is touched; it has no
 * checksum yet. */
size_t trainer_save(const struct trainer *trainer, void *bytes);
/* Write the checksum into it: by any thread, before the bytes leave memory. */
void train_state_seal(void *bytes, size_t n);
/* Where a sealed state stands: later ones compare greater by epoch, then step,
 * then chunk. */
struct train_place {
    uint32_t epoch; /* epochs ended */
    uint64_t step;  /* steps of the next one done */
    uint32_t chunk; /* parts of the next step done */
};
/* Checks all but whether it fits a trainer; any bytes will do. ERR_CORRUPT;
 * ERR_CONFLICT: of another build or instruction set. */
bool train_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err);
/* Take a sealed state over; any bytes will do. ERR_CORRUPT, ERR_CONFLICT (of
 * another training, too): then the trainer is as it was. */
bool trainer_restore(struct trainer *trainer, const void *bytes, size_t n, struct err *err);

/* Where it stands now: for progress between epochs. Any thread. */
uint32_t trainer_epoch(const struct trainer *trainer);  /* epochs ended */
double trainer_fraction(const struct trainer *trainer); /* 0..1 of all its steps */

/* The epoch whose weights are the best so far, where early stopping is on; else
 * 0. */
uint32_t trainer_best_epoch(const struct trainer *trainer);

/* The network as it is between two steps; owned by the trainer. */
const struct network *trainer_network(const struct trainer *trainer);

/* A model out of copies of the recipe and the present network. NULL on
 * failure. */
struct model *trainer_model(const struct trainer *trainer, struct err *err);

#endif
