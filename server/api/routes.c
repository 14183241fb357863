/* The table of routes, and what several handlers need. */
#include "api/routes.h"
#include "jobs/json_train.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct route routes[] = {
    {.method = "POST",
     .pattern = "/predict",
     .parameters = "model version " CSV_PARAMETERS,
     .run = predict_post,
     .where = ROUTE_INLINE,
     .body = ROUTE_BODY_ROWS},
    {.method = "POST",
     .pattern = "/models/{m}/predict",
     .parameters = "version " CSV_PARAMETERS,
     .run = predict_post_model,
     .where = ROUTE_INLINE,
     .body = ROUTE_BODY_ROWS},
    {.method = "GET",
     .pattern = "/healthz",
     .parameters = ROUTE_ANY_PARAMETER,
     .run = service_get_health,
     .vital = true},
    {.method = "GET",
     .pattern = "/readyz",
     .parameters = ROUTE_ANY_PARAMETER,
     .run = service_get_ready,
     .vital = true},
    {.method = "GET",
     .pattern = "/metrics",
     .parameters = ROUTE_ANY_PARAMETER,
     .run = service_get_metrics,
     .vital = true},
    {.method = "GET", .pattern = "/version", .run = service_get_version},
    {.method = "GET", .pattern = "/datasets", .run = datasets_get_all, .where = ROUTE_OFFLOAD},
    {.method = "POST",
     .pattern = "/datasets",
     .parameters = "name replace " CSV_UPLOAD_PARAMETERS,
     .head = datasets_post_head,
     .progress = incoming_progress,
     .run = datasets_post_run,
     .where = ROUTE_BULK,
     .body = ROUTE_BODY_LARGE},
    {.method = "GET",
     .pattern = "/datasets/{d}",
     .parameters = "target",
     .run = datasets_get_one,
     .where = ROUTE_OFFLOAD},
    {.method = "DELETE", .pattern = "/datasets/{d}", .run = datasets_delete_one, .where = ROUTE_OFFLOAD},
    {.method = "PATCH",
     .pattern = "/datasets/{d}",
     .run = datasets_patch_one,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "GET",
     .pattern = "/datasets/{d}/rows",
     .parameters = "offset limit index",
     .run = datasets_get_rows,
     .where = ROUTE_OFFLOAD},
    {.method = "POST",
     .pattern = "/datasets/{d}/rows",
     .parameters = CSV_PARAMETERS " on_bad_row",
     .head = datasets_post_rows_head,
     .run = datasets_post_rows,
     .where = ROUTE_BULK,
     .body = ROUTE_BODY_LARGE},
    {.method = "POST",
     .pattern = "/datasets/{d}/split",
     .run = datasets_post_split,
     .where = ROUTE_BULK,
     .body = ROUTE_BODY_SMALL},
    {.method = "GET", .pattern = "/datasets/{d}/file", .run = datasets_get_file, .where = ROUTE_OFFLOAD},
    {.method = "GET", .pattern = "/datasets/{d}/original", .run = datasets_get_original, .where = ROUTE_BULK},
    {.method = "POST",
     .pattern = "/datasets/{d}/read",
     .parameters = CSV_UPLOAD_PARAMETERS,
     .run = datasets_post_read,
     .where = ROUTE_BULK},
    {.method = "GET",
     .pattern = "/datasets/{d}/rejects",
     .parameters = "from limit",
     .run = datasets_get_rejects,
     .where = ROUTE_BULK},
    {.method = "POST",
     .pattern = "/train",
     .parameters = "name replace " CSV_UPLOAD_PARAMETERS " " TRAIN_PARAMETERS,
     .head = train_post_head,
     .progress = incoming_progress,
     .run = train_post_run,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_LARGE},
    {.method = "GET",
     .pattern = "/jobs",
     .parameters = "before limit",
     .run = jobs_get_all,
     .where = ROUTE_OFFLOAD},
    {.method = "GET", .pattern = "/jobs/{j}", .run = jobs_get_one, .where = ROUTE_OFFLOAD},
    {.method = "DELETE", .pattern = "/jobs/{j}", .run = jobs_delete_one, .where = ROUTE_OFFLOAD},
    {.method = "PATCH",
     .pattern = "/jobs/{j}",
     .run = jobs_patch_one,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "GET",
     .pattern = "/jobs/{j}/history",
     .parameters = "after limit",
     .run = jobs_get_history,
     .where = ROUTE_OFFLOAD},
    {.method = "GET", .pattern = "/jobs/{j}/events", .run = jobs_get_events, .where = ROUTE_OFFLOAD},
    {.method = "POST",
     .pattern = "/jobs/{j}/cancel",
     .run = jobs_post_cancel,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "POST",
     .pattern = "/jobs/{j}/pause",
     .run = jobs_post_pause,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "POST",
     .pattern = "/jobs/{j}/resume",
     .run = jobs_post_resume,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "GET", .pattern = "/models", .run = models_get_all, .where = ROUTE_OFFLOAD},
    {.method = "GET",
     .pattern = "/models/{m}",
     .parameters = "version",
     .run = models_get_one,
     .where = ROUTE_OFFLOAD},
    {.method = "DELETE",
     .pattern = "/models/{m}",
     .parameters = "version",
     .run = models_delete_one,
     .where = ROUTE_OFFLOAD},
    {.method = "PATCH",
     .pattern = "/models/{m}",
     .run = models_patch_one,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_SMALL},
    {.method = "GET",
     .pattern = "/models/{m}/file",
     .parameters = "version",
     .run = models_get_file,
     .where = ROUTE_OFFLOAD},
    {.method = "PUT",
     .pattern = "/models/{m}/file",
     .run = models_put_file,
     .where = ROUTE_BULK,
     .body = ROUTE_BODY_LARGE},
    {.method = "GET",
     .pattern = "/models/{m}/evaluation",
     .parameters = "version offset limit sort label guess",
     .run = models_get_evaluation,
     .where = ROUTE_OFFLOAD},
    {.method = "GET",
     .pattern = "/*",
     .parameters = ROUTE_ANY_PARAMETER,
     .run = page_get,
     .where = ROUTE_OFFLOAD},
};
const size_t n_routes = sizeof routes / sizeof *routes;

bool query_number(const struct request *request, const char *name, uint64_t fallback, uint64_t most,
                  uint64_t *number, struct reply *reply)
{
    const char *text = request_query(request, name);
    *number = fallback;
    if (!text)
        return true;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || value > most) {
        struct err err = {0};
        err_set(&err, ERR_INPUT, "\"%s\": expected a whole number from 0 to %" PRIu64 ", found \"%.40s\"",
                name, most, text);
        err_field(&err, name);
        reply_problem(reply, &err);
        return false;
    }
    *number = value;
    return true;
}

bool query_flag(const struct request *request, const char *name, bool *flag, struct reply *reply)
{
    const char *text = request_query(request, name);
    *flag = text && (!*text || !strcmp(text, "true") || !strcmp(text, "1"));
    if (!text || *flag || !strcmp(text, "false") || !strcmp(text, "0"))
        return true;
    struct err err = {0};
    err_set(&err, ERR_INPUT, "\"%s\": expected true or false, found \"%.40s\"", name, text);
    err_field(&err, name);
    reply_problem(reply, &err);
    return false;
}

struct message *request_message(struct request *request, struct err *err)
{
    const char *bytes;
    size_t n;
    if (!body_view(request_body(request), &bytes, &n, err) ||
        !claim_take(request_claim(request), message_bytes(bytes, n), err))
        return NULL;
    return message_parse(bytes, n, err);
}

bool request_members(struct request *request,
                     bool (*take)(void *self, const struct message *member, struct err *err), void *self,
                     struct err *err)
{
    struct message *object = request_message(request, err);
    const struct message *member = object ? message_first(object) : NULL;
    bool ok = object != NULL;
    for (; ok && member; member = message_next(member))
        ok = take(self, member, err);
    message_free(object);
    return ok;
}

bool param_job(const struct request *request, int64_t *id, struct reply *reply)
{
    const char *text = request_param(request, 0);
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *id = value;
    if (!errno && *text >= '0' && *text <= '9' && !*end && value > 0)
        return true;
    reply_refuse(reply, 404, "there is no job \"%.64s\": GET /jobs lists them", text);
    return false;
}
