/* The routes: one table, one handler a row. Handlers read the request, call one
 * room and write the reply. */
#ifndef MLPD_API_ROUTES_H
#define MLPD_API_ROUTES_H

#include "base/executor.h"
#include "datasets/datasets.h"
#include "http/csv_query.h"
#include "http/http.h"
#include "jobs/events.h"
#include "jobs/jobs.h"
#include "models/models.h"
#include "json/message.h"

#include <stdatomic.h>

/* What handlers reach, by request_app. All of it outlives http. */
struct server {
    const char *commit;    /* of the source that was built, or "unknown" */
    uint64_t max_body;     /* bytes of a body, unpacked too */
    uint32_t n_threads;    /* that train and predict */
    uint64_t model_memory; /* bytes that loaded models may take */
    struct store *store;
    struct datasets *datasets;
    struct models *models;
    struct events *events;
    struct jobs *jobs;
    struct scrub *scrub; /* NULL: none is wanted */
    struct http *http;
    struct executor *executor;
    struct heartbeat heartbeat;
    struct ledger *ledger;          /* of what requests hold */
    int static_fd;                  /* the page's folder; -1: none */
    atomic_bool stopping;           /* long work ends early */
    _Atomic uint64_t n_predictions; /* rows predicted */
};

extern const struct route routes[];
extern const size_t n_routes;

/* A whole number from the query; `fallback` where it is absent. False: the
 * reply refuses it. */
bool query_number(const struct request *request, const char *name, uint64_t fallback, uint64_t most,
                  uint64_t *number, struct reply *reply);
/* "true", "1" or "" (as in ?replace) against "false", "0" and absent. False:
 * the reply refuses it. */
bool query_flag(const struct request *request, const char *name, bool *flag, struct reply *reply);
/* The body, a JSON object; message_free it. NULL: *err. */
struct message *request_message(struct request *request, struct err *err);
/* The body's members, a JSON object's, one after the other until `take` refuses
 * one. */
bool request_members(struct request *request,
                     bool (*take)(void *self, const struct message *member, struct err *err), void *self,
                     struct err *err);
/* The {j} of the path; false: the reply says that there is no such job. */
bool param_job(const struct request *request, int64_t *id, struct reply *reply);

/* An upload on its way, kept by the request from head to run. */
struct incoming {
    struct work_item item; /* first: the executor hands back its address */
    struct upload *upload;
    struct csv_query csv;
    bool replace;
    bool form, json, lines_dropped; /* what its Content-Type says */
    bool early;                     /* its reading has been begun, or tried to */
    char name[NAME_SIZE];
};
/* Whether the query parameter or form field speaks of the upload: how to read
 * the file, and its name. */
bool incoming_field(const char *name);
/* Read the query's CSV options and keep an incoming; NULL: the reply
 * refuses. */
struct incoming *incoming_new(struct request *request, struct reply *reply);
/* Give it up, with the upload where it still stands. */
void incoming_free(struct incoming *incoming);
/* Once a form is there: its fields count too. */
bool incoming_fields(struct request *request, struct incoming *incoming, struct err *err);
/* Read the body into the dataset; ends the upload in either case. */
bool incoming_finish(struct request *request, struct incoming *incoming, struct dataset_info *info,
                     struct err *err);
void incoming_progress(struct request *request);

/* The dataset's profile: what was understood of the file. */
bool profile_reply(struct server *server, struct reply *reply, unsigned status,
                   const struct dataset_info *info, struct err *err);

/* The same of a dataset that the request has just stored: without its columns
 * where the profile cannot be read, because it was replaced since. */
void stored_reply(struct server *server, struct reply *reply, unsigned status,
                  const struct dataset_info *info);

/* api/datasets.c */
void datasets_post_head(struct request *request, struct reply *reply);
void datasets_post_run(struct request *request, struct reply *reply);
void datasets_get_all(struct request *request, struct reply *reply);
void datasets_get_one(struct request *request, struct reply *reply);
void datasets_patch_one(struct request *request, struct reply *reply);
void datasets_delete_one(struct request *request, struct reply *reply);
/* The dataset as an object; profile NULL: without its columns. */
void dataset_write(struct writer *writer, const struct dataset_info *info, const char *profile);
/* api/split.c */
void datasets_post_split(struct request *request, struct reply *reply);
/* api/rows.c */
void datasets_get_rows(struct request *request, struct reply *reply);
void datasets_post_rows(struct request *request, struct reply *reply);
void datasets_post_rows_head(struct request *request, struct reply *reply);
void datasets_get_file(struct request *request, struct reply *reply);
/* api/originals.c */
void datasets_get_original(struct request *request, struct reply *reply);
void datasets_post_read(struct request *request, struct reply *reply);
/* api/rejects.c */
void datasets_get_rejects(struct request *request, struct reply *reply);
/* api/train.c */
void train_post_head(struct request *request, struct reply *reply);
void train_post_run(struct request *request, struct reply *reply);
/* api/jobs.c */
void jobs_get_all(struct request *request, struct reply *reply);
void jobs_get_one(struct request *request, struct reply *reply);
void jobs_get_history(struct request *request, struct reply *reply);
void jobs_get_events(struct request *request, struct reply *reply);
void jobs_post_cancel(struct request *request, struct reply *reply);
void jobs_post_pause(struct request *request, struct reply *reply);
void jobs_post_resume(struct request *request, struct reply *reply);
void jobs_patch_one(struct request *request, struct reply *reply);
void jobs_delete_one(struct request *request, struct reply *reply);
/* The job as an object, without request and history. */
void job_write(struct writer *writer, const struct job_info *info);
/* api/models.c */
void models_get_all(struct request *request, struct reply *reply);
void models_get_one(struct request *request, struct reply *reply);
void models_get_file(struct request *request, struct reply *reply);
void models_put_file(struct request *request, struct reply *reply);
void models_patch_one(struct request *request, struct reply *reply);
void models_delete_one(struct request *request, struct reply *reply);
/* "fallback", where row answers in the place of a damaged version. */
void fallback_write(struct writer *writer, struct server *server, const struct model_row *row);
/* The same for replies that are no JSON: which version answers, and why. */
void fallback_headers(struct reply *reply, struct server *server, const struct model_row *row);
/* api/evaluation.c */
void models_get_evaluation(struct request *request, struct reply *reply);
/* api/predict.c */
void predict_post(struct request *request, struct reply *reply);
void predict_post_model(struct request *request, struct reply *reply);
/* api/service.c */
void service_get_health(struct request *request, struct reply *reply);
void service_get_ready(struct request *request, struct reply *reply);
void service_get_metrics(struct request *request, struct reply *reply);
void service_get_version(struct request *request, struct reply *reply);
/* page.c */
void page_get(struct request *request, struct reply *reply);

#endif
