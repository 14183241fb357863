/* A recipe and a network: takes raw values, answers in the user's words.
 * Immutable and shared by reference count. */
#ifndef MLP_MODEL_H
#define MLP_MODEL_H

#include "mlp/loss.h"
#include "mlp/network.h"
#include "mlp/recipe.h"

struct model {
    struct recipe *recipe;   /* owned */
    struct network *network; /* owned */
    enum loss loss;
    /* private below */
    uint32_t n_refs;
};

/* Takes both over on success. NULL: out of memory, or shapes that do not fit
 * each other (ERR_CORRUPT). */
struct model *model_new(struct recipe *recipe, struct network *network, enum loss loss, struct err *err);
struct model *model_ref(struct model *model);
void model_unref(struct model *model); /* takes NULL */
/* Whether there are other references than the caller's own. Only a caller who
 * alone can give out references may build on false. */
bool model_is_shared(const struct model *model);
/* About how many bytes of memory it takes, recipe and all. */
uint64_t model_bytes(const struct model *model);

/* Numbers a prediction has: n_classes probabilities, or 1 value in the user's
 * units. */
uint32_t model_n_outputs(const struct model *model);

/* Scratch for predictions, one a thread; grows to what it is used for. */
struct workspace *workspace_new(struct err *err);
void workspace_free(struct workspace *workspace); /* takes NULL */
/* Give its memory back; it grows again when it is used. */
void workspace_clear(struct workspace *workspace);
/* How much memory predictions by the model make it take. */
uint64_t workspace_bytes(const struct model *model);

/* Predict n rows: x (n, recipe->n_inputs) encoded, contiguous; out (n,
 * model_n_outputs). The same bits whatever n is, as in training's evaluation.
 * Blocks of rows bound the scratch. Runs on the calling thread. Fails only with
 * ERR_MEMORY. */
bool model_predict(const struct model *model, const float *x, uint32_t n, float *out,
                   struct workspace *workspace, struct err *err);

#endif
