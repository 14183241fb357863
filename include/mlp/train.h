/* Training: mini-batch gradient descent on a pool of workers, the same bits at any number of them.
 *
 * A trainer holds everything between two steps (parameters, optimizer state, position), so a caller may run it in slices, interleave
 * several trainers on one pool, and save or restore its state. */
#ifndef MLP_TRAIN_H
#define MLP_TRAIN_H

#include "mlp/metric.h"
#include "mlp/model.h"
#include "mlp/network.h"
#include "mlp/pool.h"
#include "mlp/recipe.h"

#include <stdatomic.h>

/* What an optimizer is called; its step stands in engine/kernels_update.h under the same word, its defaults in engine/optimizer.c. */
#define OPTIMIZERS(X)                                                                                                                      \
    X(ADAM, adam)                                                                                                                          \
    X(ADAMW, adamw)                                                                                                                        \
    X(NADAM, nadam)                                                                                                                        \
    X(SGD, sgd)                                                                                                                            \
    X(RMSPROP, rmsprop)                                                                                                                    \
    X(ADAGRAD, adagrad)
#define OPTIMIZER_ID(id, word) OPTIMIZER_##id,
enum optimizer { OPTIMIZERS(OPTIMIZER_ID) N_OPTIMIZERS };
#undef OPTIMIZER_ID
const char *optimizer_name(enum optimizer optimizer);
int optimizer_find(const char *name);

/* How the learning rate goes along the training; the functions stand in engine/schedule.c. */
enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_STEP,              /* times gamma every step_epochs epochs */
    SCHEDULE_EXPONENTIAL,       /* times gamma each epoch */
    SCHEDULE_COSINE,            /* half a cosine from the rate down to min_rate at the end */
    SCHEDULE_REDUCE_ON_PLATEAU, /* times gamma when the monitored loss has not improved for patience epochs, down to min_rate */
    SCHEDULE_ONE_CYCLE,         /* from rate / 25 up to the rate in the first 30 % of the steps, then down to rate / 250,000 (Smith 2018) */
    N_SCHEDULES
};
const char *schedule_name(enum schedule_kind kind);
int schedule_find(const char *name);

struct schedule {
    enum schedule_kind kind;
    float gamma;          /* 0: 0.1; exponential 0.95; reduce_on_plateau 0.5 */
    uint32_t step_epochs; /* 0: 10 */
    float min_rate;
    uint32_t patience;      /* 0: 5 */
    uint32_t warmup_epochs; /* any kind: the rate rises from nothing over the first so many epochs */
};

/* Stop when the monitored number has not improved by more than min_delta for `patience` epochs. */
struct early_stopping {
    bool on;
    enum metric monitor;
    bool of_train;     /* monitored on the training rows, as where there are no validation rows */
    uint32_t patience; /* 0: 5 */
    float min_delta;
    bool restore_best; /* end with the weights of the best epoch */
};

/* Pictures changed anew for every row and epoch, in training only: each number is drawn evenly from as far below to as far above. All
 * zeros: the pictures stay as they are. Columns must be bytes, the picture row by row from the top. */
struct augment {
    uint32_t height, width; /* 0: a square */
    float shift;            /* pixels, each way */
    float rotation;         /* degrees */
    float scale;            /* 0.1: width and height, each for itself, by 1 / 1.1 .. 1.1 */
    float shear;            /* pixels sideways a pixel down */
    float elastic_alpha;    /* pixels: displacements of -alpha .. alpha at each pixel, smoothed by a Gaussian (Simard et al. 2003) ... */
    float elastic_sigma;    /* ... of this many pixels */
    float thickness;        /* 1: strokes thicker or thinner by up to a pixel on each side */
};
/* Whether it changes anything. */
bool augment_is_on(const struct augment *augment);
/* What suits handwritten digits of 28 x 28 pixels. */
struct augment augment_default(void);

struct train_options {
    struct layer layers[NETWORK_LAYERS_MAX]; /* hidden layers and the output layer */
    uint32_t n_layers;
    enum loss loss;        /* LOSS_AUTO: crossentropy for classes (binary where the last layer is sigmoid), mse for numbers */
    float label_smoothing; /* 0 .. 0.5, cross-entropies */
    enum optimizer optimizer;
    float learning_rate;           /* 0: the optimizer's default: 0.001, sgd and adagrad 0.01 */
    float beta_1, beta_2, epsilon; /* 0: 0.9, 0.999, 1e-8 */
    float rho;                     /* rmsprop; 0: 0.9 */
    float momentum;                /* sgd, rmsprop */
    bool nesterov;                 /* sgd */
    float weight_decay;            /* decoupled, of weights but not biases, per step times the rate; adamw's default is 0.004, others' 0 */
    bool weight_decay_given;
    struct schedule schedule;
    float clipvalue;       /* gradients limited to -clipvalue .. clipvalue; 0: not */
    float clipnorm;        /* each weight matrix's and bias vector's gradient scaled down to this norm; 0: not */
    float global_clipnorm; /* all of them together; 0: not */
    float l1, l2;          /* penalties on weights, not biases; not part of the loss that is shown */
    float max_norm;        /* each unit's incoming weights scaled down to this norm after each step, hidden layers; 0: not */
    float input_dropout;   /* share of the inputs dropped in training */
    struct early_stopping early_stopping;
    struct augment augment;
    enum initializer init;
    float stddev;        /* INITIALIZER_NORMAL */
    uint32_t batch_size; /* 0: full */
    uint32_t epochs;
    uint64_t seed;
    bool shuffle;
    uint32_t members; /* networks trained side by side and served as one: team.h; 0, 1: one */
};
/* The defaults: no layers, adam, He, batch 32... every field set to what the wire documents. */
struct train_options train_options_default(void);

/* A set of rows of a bound table. `rows` (n_rows indices) must outlive the trainer, `weights` too. */
struct rows {
    const struct binding *binding;
    const uint32_t *rows;
    uint64_t n_rows;
    const float *weights; /* by row of the table: what each counts in loss and gradient, 0 or more; NULL: 1 */
};

struct epoch_metrics {
    uint32_t epoch;               /* 1-based */
    double train[N_METRICS];      /* over the epoch's training rows, each as the step that it was in saw it; NaN: does not apply */
    double validation[N_METRICS]; /* at the epoch's end, NaN where there are no validation rows */
    double learning_rate;         /* of its last step */
    double seconds;               /* wall time of the epoch while it ran */
};

/* Whether trainer_new would take these, memory aside. */
bool train_check(const struct recipe *recipe, const struct rows *train, const struct train_options *options, struct err *err);
/* About how many bytes a trainer of this takes, with one saved state and two models made of it. options: as trainer_new takes them. */
uint64_t train_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train, uint64_t n_validation);

struct trainer;
/* `train`, `validation` (n_rows may be 0): rows with usable targets; their bindings are of `recipe`. All outlive the trainer. The network is
 * initialised from the seed.
 * NULL on failure. */
struct trainer *trainer_new(const struct recipe *recipe, const struct rows *train, const struct rows *validation,
                            const struct train_options *options, struct err *err);
void trainer_free(struct trainer *trainer); /* takes NULL */

enum train_state {
    TRAIN_EPOCH,  /* an epoch has ended: *metrics is written */
    TRAIN_SLICE,  /* `stop` was set or the deadline passed: call again to go on, on a pool of as many threads */
    TRAIN_DONE,   /* all epochs have run, or early stopping has ended it; every epoch was reported with TRAIN_EPOCH before */
    TRAIN_FAILED, /* *err: ERR_NUMERIC names epoch and step, and says what to try */
};
/* Run on the pool until one of the above. `stop` may be set by any thread at any time; deadline_ns is CLOCK_MONOTONIC, 0: none. */
enum train_state trainer_run(struct trainer *trainer, struct pool *pool, const atomic_bool *stop, uint64_t deadline_ns,
                             struct epoch_metrics *metrics, struct err *err);

/* The state as bytes, so that a trainer made alike (same recipe, rows and options, same build and instruction set) goes on with the same
 * bits at any number of threads. Between two calls of trainer_run that did not fail. */
/* False where `stop` has ended the last run of a very large network in the midst of a step; a later run gets to its end. */
bool trainer_can_save(const struct trainer *trainer);
/* The most bytes that a save takes. */
size_t trainer_save_size(const struct trainer *trainer);
/* Copy the state; returns its bytes. Nothing but memory is touched; it has no checksum yet. */
size_t trainer_save(const struct trainer *trainer, void *bytes);
/* Write the checksum into it: by any thread, before the bytes leave memory. */
void train_state_seal(void *bytes, size_t n);
/* Where a sealed state stands: later ones compare greater by epoch, then step, then chunk. */
struct train_place {
    uint32_t epoch; /* epochs ended */
    uint64_t step;  /* steps of the next one done */
    uint32_t chunk; /* parts of the next step done */
};
/* Checks all but whether it fits a trainer; any bytes will do. ERR_CORRUPT; ERR_CONFLICT: of another build or instruction set. */
bool train_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err);
/* Take a sealed state over; any bytes will do. ERR_CORRUPT, ERR_CONFLICT (of another training, too): then the trainer is as it was. */
bool trainer_restore(struct trainer *trainer, const void *bytes, size_t n, struct err *err);

/* Where it stands now: for progress between epochs. Any thread. */
uint32_t trainer_epoch(const struct trainer *trainer);  /* epochs ended */
double trainer_fraction(const struct trainer *trainer); /* 0..1 of all its steps */

/* The epoch whose weights are the best so far, where early stopping is on; else 0. */
uint32_t trainer_best_epoch(const struct trainer *trainer);

/* The network as it is between two steps; owned by the trainer. */
const struct network *trainer_network(const struct trainer *trainer);

/* A model out of copies of the recipe and the present network. NULL on failure. */
struct model *trainer_model(const struct trainer *trainer, struct err *err);

/* Scores of a model on rows of a table. */
struct guess {
    uint32_t row;       /* index in the table */
    float label, guess; /* class index, or value in the user's units */
    float probability;  /* of the guess; classification */
    float loss;
};
struct importance {
    uint32_t column; /* of the recipe's columns */
    double drop;     /* mean drop in accuracy, or rise in RMSE, when the column's values are dealt anew among the rows */
};
struct evaluation {
    uint64_t n_rows;          /* rows with a usable target */
    double values[N_METRICS]; /* NaN: does not apply */
    uint32_t n_classes;
    uint64_t *confusion;   /* (n_classes, n_classes) label x guess */
    struct guess *guesses; /* (n_rows), in row order */
    uint32_t n_importance;
    struct importance *importance; /* (n_importance), most important first */
};
/* Splits over the pool. NULL on failure. Free with evaluation_free. */
struct evaluation *model_evaluate(const struct model *model, const struct rows *rows, struct pool *pool, struct err *err);
void evaluation_free(struct evaluation *evaluation);
/* Fill in the importance of each used column, by a sample of the evaluation's rows; bounded work: none where there are too many columns. */
bool evaluation_importance(struct evaluation *evaluation, const struct model *model, const struct rows *rows, struct pool *pool,
                           uint64_t seed, struct err *err);

/* Shuffle the indices 0 .. n-1 into rows by the seed (Fisher-Yates): how splits are drawn. */
void rows_shuffle(uint32_t *rows, uint64_t n, uint64_t seed);

/* Instruction sets: the kernels in use ("avx512", "avx2", "generic"), and forcing a lower one for tests (before any other call;
 * false where this machine cannot run it). NULL: the best this machine has. */
const char *kernels_name(void);
bool kernels_force(const char *name);

#endif
