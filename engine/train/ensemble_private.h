/* What the files of an ensemble share: ensemble.c (the loop), ensemble_merge.c
 * (networks into one), ensemble_state.c (out and in). */
#ifndef MLP_ENGINE_TRAIN_ENSEMBLE_PRIVATE_H
#define MLP_ENGINE_TRAIN_ENSEMBLE_PRIVATE_H

#include "mlp/ensemble.h"
#include "train/private.h"

struct member {
    struct trainer *trainer; /* owned */
    uint32_t *rows;          /* (all rows): those it learns from, then its fold; owned */
    float *best; /* (n_floats): its weights in the ensemble's best epoch, where early stopping wants them;
                    else NULL */
};

struct ensemble {
    const struct recipe *recipe; /* outlives the ensemble */
    struct early_stopping early_stopping;
    uint32_t epochs;
    uint32_t n_members;
    struct member members[ENSEMBLE_MEMBERS_MAX];
    /* what training changes, besides the trainers; unused in an ensemble of
     * one */
    uint32_t turn;                                      /* members that have ended the present epoch */
    struct epoch_metrics metrics[ENSEMBLE_MEMBERS_MAX]; /* theirs */
    double best_score;                                  /* lower is better */
    uint32_t best_epoch;
    bool finished;     /* early */
    atomic_uint epoch; /* ended by all */
};

/* One network that gives the mean of what n of one shape give: hidden layers
 * side by side, without weights from one to another's. A last layer of softmax
 * is left to take the mean of the logits. NULL on failure (ERR_MEMORY,
 * ERR_LIMIT). */
struct network *networks_merge(const struct network *const *networks, uint32_t n, struct err *err);

#endif
