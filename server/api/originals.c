/* Kept uploads: read again with other options, and handed out. */
#include "api/routes.h"
#include "base/files.h"
#include "base/log.h"
#include "datasets/profile.h"
#include "datasets/take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void datasets_get_original(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct dataset_info info;
    struct err err = {0};
    int fd;
    do {
        fd = datasets_find(server->datasets, name, &info, &err) && info.row.state == DATASET_READY
                 ? datasets_original(server->datasets, info.row.id, request_stop(request), &err)
                 : -1;
    } while (fd < 0 && info.row.id && datasets_moved(server->datasets, name, info.row.id));
    if (fd < 0 && err.code == ERR_OK)
        err_set(&err, ERR_CONFLICT, "the dataset %s is still loading", name);
    uint64_t size;
    if (fd < 0 || !files_size(fd, &size, &err)) {
        reply_problem(reply, &err);
        if (fd >= 0)
            close(fd);
        return;
    }
    reply->status = 200;
    reply->type = "application/octet-stream";
    reply->fd = fd;
    reply->n_fd = size;
    reply_header(reply, "Content-Disposition", "attachment; filename=\"%s\"", name);
}

/* What the request says, and what was said before where it says nothing. An
 * empty value takes back what was said; types add to those said before. */
struct again {
    const struct request *request;
    struct message *told;
    char *types; /* those before and the new ones, which count where both name a column; NULL: no such */
};

static const char *told_before(const struct again *again, const char *name)
{
    const struct message *value = message_get(again->told, name);
    return value && message_kind(value) == MESSAGE_STRING ? message_string(value) : NULL;
}

static const char *again_find(void *self, const char *name)
{
    const struct again *again = self;
    const char *text = request_query(again->request, name);
    if (!text)
        return told_before(again, name);
    if (!*text)
        return NULL;
    return again->types && !strcmp(name, "types") ? again->types : text;
}

static bool again_init(struct again *again, const struct request *request, const char *profile,
                       struct err *err)
{
    *again = (struct again){.request = request, .told = profile_told(profile, err)};
    if (!again->told)
        return false;
    const char *types = request_query(request, "types"), *before = told_before(again, "types");
    if (!types || !*types || !before)
        return true;
    size_t size = strlen(types) + strlen(before) + 2;
    again->types = malloc(size);
    if (!again->types)
        return err_memory(err, "the types");
    snprintf(again->types, size, "%s,%s", before, types);
    return true;
}

/* Read the file into the upload, which ends. */
static bool original_take(struct request *request, struct upload *upload, const struct dataset_row *row,
                          struct csv_values *values, struct dataset_info *info, struct err *err)
{
    struct server *server = request_app(request);
    struct csv_query csv = {0};
    char *told = csv_query_told(values, err);
    int fd = told && csv_query_find(&csv, values, err)
                 ? datasets_original(server->datasets, row->id, request_stop(request), err)
                 : -1;
    struct taken_file file = {.fd = fd,
                              .labels_fd = -1,
                              .options = &csv.options,
                              .charset = csv.charset,
                              .told = told,
                              .kept_of = row->id,
                              .most = server->max_body,
                              .claim = request_claim(request),
                              .stop = request_stop(request)};
    datasets_compressed(upload, row->compression);
    bool ok = fd >= 0 && take_file(server->datasets, upload, &file, info, err);
    if (fd < 0)
        datasets_abort(upload);
    else
        close(fd);
    csv_query_done(&csv);
    free(told);
    return ok;
}

/* The dataset's upload read again, in its place. */
static bool read_again(struct request *request, struct dataset_info *info, struct err *err)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct again again = {0};
    struct dataset_info old;
    char *profile = NULL;
    if (!datasets_find(server->datasets, name, &old, err)) /* is it there at all? */
        return false;
    struct upload *upload = datasets_begin(server->datasets, name, true, err);
    if (!upload)
        return false;
    /* from now on nobody replaces it */
    bool ok = datasets_find(server->datasets, name, &old, err) &&
              (old.row.state == DATASET_READY ||
               err_set(err, ERR_NOT_FOUND, "the dataset %s has been deleted meanwhile", name)) &&
              (profile = datasets_profile(server->datasets, old.row.id, err)) &&
              again_init(&again, request, profile, err);
    struct csv_values values = {again_find, &again};
    if (ok)
        ok = original_take(request, upload, &old.row, &values, info, err);
    else
        datasets_abort(upload);
    message_free(again.told);
    free(again.types);
    free(profile);
    return ok;
}

void datasets_post_read(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct dataset_info info = {0};
    struct err err = {0};
    if (!read_again(request, &info, &err)) {
        reply_problem(reply, &err);
        return;
    }
    log_info("dataset %s read again: %llu rows, %llu columns", info.row.name,
             (unsigned long long)info.row.n_rows, (unsigned long long)info.row.n_columns);
    stored_reply(server, reply, 200, &info);
}
