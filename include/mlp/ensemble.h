/* An ensemble: networks trained side by side and served as one, whose answer is
 * the mean of theirs (of their logits, for classes).
 *
 * Each member leaves out one part of the training rows, its fold, and is
 * validated on it; together the folds are all rows. So the validation figures
 * of an epoch, means over the members, come from every training row, and no
 * network is validated on a row that it has seen. They say when to stop even
 * where there are few rows. An ensemble of one is a plain trainer: it leaves out
 * nothing.
 *
 * Threads: as a trainer's. The same bits at any number of workers. */
#ifndef MLP_ENSEMBLE_H
#define MLP_ENSEMBLE_H

#include "mlp/train.h"

#define ENSEMBLE_MEMBERS_MAX 16

/* As train_check and train_bytes. ERR_INPUT, field "members", where the rows
 * are too few or the layers too wide. */
bool ensemble_check(const struct recipe *recipe, const struct rows *train,
                    const struct train_options *options, struct err *err);
uint64_t ensemble_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train,
                        uint64_t n_validation);

struct ensemble;
/* options->members networks; early stopping watches the means. `validation`
 * rows are looked at only by an ensemble of one; others have their folds. All
 * outlive the ensemble. NULL on failure. */
struct ensemble *ensemble_new(const struct recipe *recipe, const struct rows *train,
                              const struct rows *validation, const struct train_options *options,
                              struct err *err);
void ensemble_free(struct ensemble *ensemble); /* takes NULL */
/* Before the first run, an ensemble of one: begin with the network's weights
 * instead of drawn ones. ERR_INPUT where the shapes differ. */
bool ensemble_begin_from(struct ensemble *ensemble, const struct network *network, struct err *err);

/* As trainer_run; an epoch is one of every member. */
enum train_state ensemble_run(struct ensemble *ensemble, struct pool *pool, const atomic_bool *stop,
                              uint64_t deadline_ns, struct epoch_metrics *metrics, struct err *err);

/* As the functions of the same names of a trainer. */
bool ensemble_can_save(const struct ensemble *ensemble);
size_t ensemble_save_size(const struct ensemble *ensemble);
size_t ensemble_save(const struct ensemble *ensemble, void *bytes);
void ensemble_state_seal(void *bytes, size_t n);
bool ensemble_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err);
bool ensemble_restore(struct ensemble *ensemble, const void *bytes, size_t n, struct err *err);
uint32_t ensemble_epoch(const struct ensemble *ensemble);  /* any thread */
double ensemble_fraction(const struct ensemble *ensemble); /* any thread */
struct model *ensemble_model(const struct ensemble *ensemble, struct err *err);

#endif
