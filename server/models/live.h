/* Models of jobs that are still being trained: the best so far under the name
 * that it will have, in memory only.
 *
 * Threads: every call may come from any thread. Own lock, held for the swap of
 * a pointer. */
#ifndef MLPD_MODELS_LIVE_H
#define MLPD_MODELS_LIVE_H

#include "store/store.h"

#include "mlp/model.h"

struct models_live;
struct models_live *models_live_new(struct err *err);
void models_live_free(struct models_live *live); /* takes NULL */

/* row->job's model under row->name from now on, in place of the one that it
 * offered before; takes a reference. Without memory the older one stays. */
void models_live_offer(struct models_live *live, struct model *model, const struct model_row *row);
void models_live_withdraw(struct models_live *live, int64_t job);
/* The newest job's model of that name; NULL: none. The caller unrefs it. `row`
 * may be NULL. */
struct model *models_live_find(struct models_live *live, const char *name, struct model_row *row);

#endif
