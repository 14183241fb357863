/* A trainer and its four parts: configuration, state, workspace, run.
 *
 * make.c and workspace.c make one; train.c is the loop of epochs; step.c,
 * step_rows.c and step_weights.c are one run of the pool through the steps;
 * order.c is an epoch's order, score.c rows through a network, scored; state.c
 * writes and reads a checkpoint. A function takes the parts that it uses; one
 * that uses three or more takes the trainer. */
#ifndef MLP_ENGINE_TRAIN_PRIVATE_H
#define MLP_ENGINE_TRAIN_PRIVATE_H

#include "mlp/train.h"
#include "network/forward.h"
#include "network/loss.h"
#include "train/optimizer.h"
#include "train/rows_check.h"

#include <stdalign.h>

#define CACHE_LINE 64
/* Less work than this (floating-point operations) is done by one worker: waking
 * and waiting for others would take longer. */
#define WORTH_SHARING 4e6
#define SAMPLE_ROWS 1000                /* that tell how dense the inputs are */
#define WINDOW_ROWS ((uint64_t)1 << 16) /* whose scores are kept at a time */

/* A range of blocks that one worker takes first and any worker may help
 * with. */
struct claims {
    alignas(CACHE_LINE) atomic_uint next;
    uint32_t begin, end;
};

/* The phases of a step, each with its own claims, a barrier after each. The
 * last two are rarely wanted. */
enum phase {
    PHASE_ROWS,     /* blocks of the batch's rows: forward (the rest of it), loss, deltas */
    PHASE_GRADIENT, /* blocks of weights: gradient and, unless clipping by norm must see all of it first,
                       update */
    PHASE_UPDATE,   /* blocks of weights, after the norms are known */
    PHASE_NORMS,    /* panels of weights: max_norm */
    N_PHASES,
    CLAIMS_SUMS = N_PHASES, /* where the first layer's inputs are halved, what the rows' phase begins with:
                               blocks of rows, one half each */
    N_CLAIMS
};

/* How many halves of the first layer's sums are there for a block of rows. */
struct summed {
    alignas(CACHE_LINE) atomic_uint halves;
};

/* Sixteen rows of one panel of a layer's weights: the unit of gradient and
 * update. The panel's first block takes its biases along. */
struct weight_block {
    uint32_t layer;
    uint32_t panel; /* first output */
    uint32_t row;   /* first input */
    uint32_t width;
    float cost; /* about proportional to the time it takes; divides the blocks among workers */
};

/* One worker's own memory. */
struct worker_scratch {
    struct gather gather;
    struct activations activations; /* BLOCK_ROWS rows, for scoring */
    float *delta;                   /* kernels' delta scratch */
    float *gradient;                /* (16, KERNEL_PANEL) */
    struct claims claims[N_CLAIMS];
};

/* How the losses have gone so far. */
struct loss_history {
    double first;          /* training loss of the first epoch */
    double lowest, last;   /* validation losses */
    uint32_t lowest_epoch; /* 0: none yet */
};

/* What a trainer was made with. Nothing changes it after trainer_new. */
struct trainer_config {
    const struct recipe *recipe; /* outlives the trainer */
    struct rows train, validation;
    struct train_options options; /* defaults filled in */
    struct objective objective;
    const struct kernels *kernels;
    uint32_t batch_size; /* rows */
    uint32_t chunk_rows; /* rows that run at a time; at most the batch */
    uint64_t n_steps;    /* of an epoch */
    uint32_t window;     /* rows that state.scores has room for; at least two chunks */
    bool sparse;
    float byte_values[256]; /* the inputs that bytes stand for, where sparse */
    bool *dead;    /* (padded n_inputs) where sparse: columns that are zero in every row; else NULL */
    bool prepares; /* gradients are changed before the update: penalties, clipping, decay */
    bool clips_norm;
    bool long_chunks;            /* a chunk takes so long that phases that change weights heed `stop`, too */
    struct weight_block *blocks; /* (n_blocks) */
    uint32_t n_blocks;
    struct weight_block *panels; /* (n_panels): the first block of each panel of the hidden layers */
    uint32_t n_panels;
    struct augmenter *augmenter; /* NULL: pictures stay as they are */
};

/* What training changes: exactly what a checkpoint holds (state.c). */
struct trainer_state {
    struct network *network; /* its parameters change, its shape does not */
    float *moments[2];       /* optimizer state, (n_floats) each, NULL where it has none */
    float *best;        /* (n_floats): the weights of the best epoch, where early stopping wants them; else
                           NULL */
    float *gradients;   /* (n_floats): sums over the step's chunks so far, where a batch has several chunks or
                           is   clipped by norm; else NULL */
    atomic_uint epoch;  /* epochs ended */
    atomic_ullong step; /* steps of this epoch done */
    uint32_t chunk;     /* chunks of this step done */
    double seconds;     /* of this epoch so far */
    uint32_t reductions; /* of the learning rate, by plateaus met */
    double monitored;    /* best monitored loss, for plateaus */
    uint32_t waited;     /* epochs since */
    double best_score;   /* lower is better */
    uint32_t best_epoch;
    bool finished; /* early */
    struct loss_history history;
    struct outcomes outcomes; /* of the epoch's rows so far, less those in scores */
    struct row_score *scores; /* (window), by place in the order: scores of the rows since */
};

/* An epoch's order of the rows (order.c): drawn from seed and epoch alone. */
struct order {
    uint32_t *rows;         /* (train.n_rows): indices of table rows */
    uint32_t *groups;       /* (n_groups): scratch of order_draw */
    uint64_t group_rows;    /* training rows that lie side by side in the table */
    uint32_t n_groups;      /* of training rows */
    uint32_t epoch;         /* which epoch's it is, 1-based; 0: none yet */
    uint64_t n_checked;     /* windows of the order whose rows are checked */
    uint64_t checked_steps; /* steps that these windows are enough for */
};

/* Buffers, and what can be computed again from configuration and state. */
struct trainer_workspace {
    struct order order;
    struct activations activations, deltas; /* the chunk's; deltas.at[l + 1] those of layer l */
    struct activations normals, passed;     /* where layers are normalised: the derivatives by their gains and
                                               offsets, row by row */
    uint8_t *xt;    /* (padded n_inputs, activations.n_rows) where sparse: the inputs' bytes, transposed */
    float *sums[2]; /* (activations.n_rows, activations.ld[1]) each, where the first layer's inputs are
                       halved: its sums over either half; else NULL */
    struct summed *summed; /* (activations.n_rows / 16) where sums are: by block of the chunk's rows */
    double *block_squares, *bias_squares; /* (n_blocks) where clips_norm: of each block's gradient */
    struct row_score *validation_scores;  /* (validation.n_rows, at most WINDOW_ROWS): those since the ones in
                                             validation_outcomes */
    struct outcomes validation_outcomes;
    uint64_t n_validated; /* validation rows scored after the epoch's last step */
};

/* A run of the pool: its workers, what ends it, where it was interrupted. */
struct trainer_run {
    struct pool *pool;
    const atomic_bool *stop;
    uint64_t deadline_ns;
    struct worker_scratch *scratch; /* (n_scratch): one for each of the pool's threads */
    uint32_t n_scratch;
    uint32_t *block_edges; /* (n_scratch + 1): each worker's share of the blocks */
    uint32_t n_workers;    /* that take part: all of the pool's, or one where a step is too little to share */
    uint32_t block_rows;   /* rows that a worker takes at a time: a multiple of 16, at most BLOCK_ROWS */
    bool split_k;          /* the first layer's inputs are halved between the workers */
    enum phase phase; /* that `stop` has interrupted, to go on in; N_PHASES: none. Worker 0 writes it at a
                         run's end */
    atomic_bool interrupted[N_PHASES]; /* a worker saw `stop` within the phase */
    atomic_bool bad_loss, bad_weights; /* a number is not finite */
    bool should_stop;                  /* worker 0's decision before a step's last barrier */
};

struct trainer {
    struct trainer_config config;
    struct trainer_state state;
    struct trainer_workspace work;
    struct trainer_run run;
};

/* Where the pool stands in an epoch. */
struct position {
    uint64_t step;
    uint32_t chunk;
    uint64_t first;    /* place in the epoch's order of the chunk's first row */
    uint32_t n_rows;   /* of the chunk */
    uint32_t n_batch;  /* of the batch */
    uint32_t n_chunks; /* of the batch */
};

/* How many blocks of rows the chunk has. */
static inline uint32_t n_row_blocks(const struct trainer_run *run, const struct position *p)
{
    return (p->n_rows + run->block_rows - 1) / run->block_rows;
}

/* The parts' memory (workspace.c). state->network is there already. *_done
 * takes what *_init has half made. */
bool trainer_state_init(struct trainer_state *state, const struct trainer_config *config, struct err *err);
void trainer_state_done(struct trainer_state *state);
bool trainer_workspace_init(struct trainer_workspace *work, const struct trainer_config *config,
                            const struct network *network, struct err *err);
void trainer_workspace_done(struct trainer_workspace *work);
/* Once the pool is known: scratch and shares for each of its threads; nothing
 * where they are there already. */
bool trainer_run_init(struct trainer *trainer, uint32_t n_threads, struct err *err);
void trainer_run_done(struct trainer_run *run);

/* The number that early stopping and plateaus look at, lower is better. */
double epoch_monitored(const struct epoch_metrics *metrics, enum metric metric, bool of_train);
/* Whether trainer_restore would take these bytes; else as it fails. */
bool trainer_fits(const struct trainer *trainer, const void *bytes, size_t n, struct err *err);

/* step_rows.c: block `block` of the chunk's rows, for one half of the first
 * layer's inputs; and, with that done or included, for the rest of the way:
 * forward, losses, deltas. */
void step_sums(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t half,
               uint32_t block);
void step_rows(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t block);

/* How parameters change in this step. */
struct change {
    const struct trainer_config *config;
    struct trainer_state *state;
    struct update update;
    double rate;
    const float *scales; /* (2 * n_layers): what clipping by norm leaves of weights' and vectors' gradients;
                            NULL: all */
};

/* step_weights.c. */
struct change step_change(const struct trainer_config *config, struct trainer_state *state,
                          const struct position *p);
/* Gradient of block `block` of the weights and, in the batch's last chunk, its
 * update or what clipping must know of it. False: a parameter is no longer
 * finite. */
bool step_gradient(struct trainer *t, struct worker_scratch *scratch, const struct position *p,
                   const struct change *change, uint32_t block);
/* What clipping leaves of each layer's weights (2 l) and of its biases, gains
 * and offsets together (2 l + 1): the same sums in the same order at every
 * worker. */
void step_clip_scales(const struct trainer_config *config, const struct trainer_workspace *work,
                      float scales[2 * NETWORK_LAYERS_MAX]);
/* The update of a block whose gradient is in state.gradients. */
bool step_update(const struct change *change, uint32_t block);
/* max_norm for one panel of a hidden layer's weights. */
void step_norms(const struct change *change, uint32_t panel);

/* Run steps until order.checked_steps are done, `stop`, the deadline or a number
 * that is not finite. */
void steps_run(struct trainer *trainer);

/* Rows that a worker takes through the network at a time, at most: so few that
 * it soon looks up again. */
uint32_t rows_at_once(const struct network *network);

/* Room for an epoch's order; order_done frees it, half made too. */
bool order_init(struct order *order, const struct rows *train, struct err *err);
void order_done(struct order *order);
/* The order of an epoch (0-based). */
void order_draw(struct order *order, const struct trainer_config *config, uint32_t epoch);
/* The windows of the order that hold the next step's rows against the table's
 * checksums, unless they were checked before: a table that may be larger than
 * memory is read once for that and for training. Sets order.checked_steps. */
enum rows_check_state order_check(struct trainer *t, struct err *err);

/* Score rows begin to end - 1: loss, prediction and probability of each. scores:
 * (end - begin). */
struct scoring {
    const struct network *network;
    struct objective objective;
    const struct rows *rows;
    bool sparse;
    uint64_t begin, end;
    struct row_score *scores;
    const atomic_bool *stop; /* NULL: none */
    uint64_t deadline_ns;    /* 0: none */
    uint64_t n_done; /* the first row that is not scored, in and out: less than end where `stop` was set or
                        the deadline has passed */
};
/* Of n rows, how many are scored before their scores are added up. */
static inline uint64_t window_rows(uint64_t n)
{
    return n < WINDOW_ROWS ? n : WINDOW_ROWS;
}

/* The window of rows that begins there is next; scores has room for
 * window_rows. */
static inline void scoring_window(struct scoring *scoring, uint64_t begin)
{
    scoring->begin = begin;
    scoring->end = begin + window_rows(scoring->rows->n_rows - begin);
}

/* Split over the pool; `scratch` one for each worker. */
void scoring_run(struct scoring *scoring, struct pool *pool, struct worker_scratch *scratch);
/* Scratch for n workers; `delta_floats` 0 where only scoring is done. */
struct worker_scratch *scratch_new(uint32_t n, const struct network *network, size_t delta_floats,
                                   struct err *err);
void scratch_free(struct worker_scratch *scratch, uint32_t n);
/* The target of a table's row as the network sees it. */
struct target row_target(const struct rows *rows, uint32_t row);
/* Whether the rows are bytes of which few are not zero (the first thousand
 * tell). */
bool rows_are_sparse(const struct rows *rows);

uint64_t clock_ns(void);

#endif
