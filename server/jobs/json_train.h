/* Requests to train: the fields that there are, as JSON or as query parameters.
 * Pure functions. */
#ifndef MLPD_JOBS_JSON_TRAIN_H
#define MLPD_JOBS_JSON_TRAIN_H

#include "jobs/jobs.h"
#include "json/message.h"

/* Fill *request, which job_request_init has prepared, from a JSON object; sets
 * request->json to its text. Unknown fields, wrong types and values out of
 * range are ERR_INPUT with err->field. The caller calls job_request_done in any
 * case. */
bool train_read(const char *bytes, size_t n, struct job_request *request, struct err *err);
/* The same as a job_parser. */
bool train_parse(const char *json, struct job_request *request, struct err *err);

/* Add the query parameter to the JSON object as the field of that name. Lists
 * are written with commas: layers=128,64. ERR_INPUT with err->field where there
 * is no such field or the text does not fit it. */
bool train_add(struct message *object, const char *name, const char *text, struct err *err);
/* Whether there is a field of that name. */
bool train_knows(const char *name);
/* The fields that a query parameter can say, for struct route. */
#define TRAIN_PARAMETERS                                                                                     \
    "target model task layers loss optimizer learning_rate batch_size epochs validation_split validation "   \
    "test_split test seed init stddev ignore from from_version class_weight sample_weight features shuffle " \
    "schedule early_stopping label_smoothing clipnorm global_clipnorm clipvalue weight_decay l1 l2 "         \
    "max_norm augmentation image members input_dropout priority weight max_seconds"
/* The name of field i, NULL after the last. */
const char *train_field(uint32_t i);

#endif
