/* Predictions of a CSV body as CSV: each row as it came, and its prediction
 * behind it, made while the reply is sent. So a body of any size takes the
 * memory of some rows.
 *
 * Threads: made on one thread; then the reply's source owns it, and reads on
 * one service thread at a time. */
#ifndef MLPD_PREDICT_CSV_H
#define MLPD_PREDICT_CSV_H

#include "http/csv_query.h"
#include "http/reply.h"
#include "mlp/model.h"
#include "mlp/stop.h"

struct predict_csv {
    struct model *model; /* taken over, whatever happens */
    int fd;              /* holds the body; stays the caller's */
    struct csv_query csv;
    _Atomic uint64_t *n_predictions; /* counts rows */
    const struct claim *payer;       /* whose ledger and client the memory is reserved from (copied) */
    const atomic_bool *stop;         /* ends predict_csv_source with ERR_STOPPED; not looked at after it */
};

/* Read all rows once, so that an error is told before anything is sent, and
 * make the source that predicts them. False with *err; takes asked->model and
 * asked->csv in either case. */
bool predict_csv_source(const struct predict_csv *asked, struct reply_source *source, struct err *err);

#endif
