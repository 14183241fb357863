/* A file, whatever it is, into an upload's dataset: CSV as it is, IDX, JSON and
 * libsvm by way of a CSV that is made of them; what is no table is refused by
 * its name (kind.h). Threads: any; one call, one thread. */
#ifndef MLPD_DATASETS_TAKE_H
#define MLPD_DATASETS_TAKE_H

#include "base/ledger.h"
#include "datasets/datasets.h"

struct taken_file {
    int fd;                            /* a regular file */
    int labels_fd;                     /* of pictures in IDX; -1: there are none */
    const struct csv_options *options; /* what the user says of the reading */
    const char *charset; /* the encoding, one that iconv knows; NULL: it is among the options, or found out */
    const char *told;    /* the same as a JSON object of texts (csv_query_told) */
    int64_t kept_of;     /* the dataset whose kept upload it is; 0: it has just come */
    bool json;           /* it was sent as application/json */
    bool lines_dropped;  /* it came from curl -d, perhaps, which drops line ends */
    uint64_t most;       /* bytes that it may have as CSV */
    struct claim *claim; /* the request's */
    const atomic_bool *stop; /* ends the work with ERR_STOPPED; NULL: nothing does */
};

/* The first n_there of the file's n_bytes are there: begin to read it, where its
 * head shows a CSV (datasets_read_early). Whatever it is in the end, take_file
 * says. Slow. */
void take_early(struct upload *upload, const struct taken_file *file, uint64_t n_there, uint64_t n_bytes);

/* As datasets_finish: ends the upload in either case. Slow. */
bool take_file(struct datasets *datasets, struct upload *upload, const struct taken_file *file,
               struct dataset_info *info, struct err *err);

#endif
