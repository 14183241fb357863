/* A team: networks trained side by side and served as one, whose answer is the mean of theirs (of their logits, for classes).
 *
 * Of the training rows each member leaves out one part, a fold, and is judged by it; together the folds are all rows. So the validation
 * figures of an epoch, means over the members, come from every training row though no network ever saw the row that judged it, and they
 * tell when to stop even where there are few rows. A team of one is a plain trainer: it leaves out nothing.
 *
 * Threads: as a trainer's. The same bits at any number of workers. */
#ifndef MLP_TEAM_H
#define MLP_TEAM_H

#include "mlp/train.h"

#define TEAM_MEMBERS_MAX 16

/* As train_check and train_bytes. ERR_INPUT, field "members", where the rows are too few or the layers too wide. */
bool team_check(const struct recipe *recipe, const struct rows *train, const struct train_options *options, struct err *err);
uint64_t team_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train, uint64_t n_validation);

struct team;
/* options->members networks; early stopping watches the means. `validation` rows are looked at only by a team of one; others have their
 * folds. All outlive the team. NULL on failure. */
struct team *team_new(const struct recipe *recipe, const struct rows *train, const struct rows *validation,
                      const struct train_options *options, struct err *err);
void team_free(struct team *team); /* takes NULL */
/* Before the first run, a team of one: begin with the network's weights instead of drawn ones. ERR_INPUT where the shapes differ. */
bool team_begin_from(struct team *team, const struct network *network, struct err *err);

/* As trainer_run; an epoch is one of every member. */
enum train_state team_run(struct team *team, struct pool *pool, const atomic_bool *stop, uint64_t deadline_ns,
                          struct epoch_metrics *metrics, struct err *err);

/* As the functions of the same names of a trainer. */
bool team_can_save(const struct team *team);
size_t team_save_size(const struct team *team);
size_t team_save(const struct team *team, void *bytes);
void team_state_seal(void *bytes, size_t n);
bool team_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err);
bool team_restore(struct team *team, const void *bytes, size_t n, struct err *err);
uint32_t team_epoch(const struct team *team);  /* any thread */
double team_fraction(const struct team *team); /* any thread */
struct model *team_model(const struct team *team, struct err *err);

#endif
