/* POST /datasets/{d}/split: its rows dealt to two new datasets. */
#include "datasets/split.h"
#include "api/routes.h"
#include "base/log.h"
#include "base/near.h"
#include "json/message.h"
#include "json/scan.h"

#include <math.h>
#include <string.h>

/* The request: struct split and its names. */
struct override {
    struct split split;
    bool has_share, has_names;
};

static bool wrong(struct err *err, const char *name, const char *expected)
{
    err_set(err, ERR_INPUT, "\"%.60s\": expected %s", name, expected);
    return err_field(err, name);
}

static bool share_take(struct override *override, const struct message *value, struct err *err)
{
    override->split.share = message_kind(value) == MESSAGE_NUMBER ? message_number(value) : 0;
    override->has_share = true;
    return (override->split.share > 0 && override->split.share < 1) ||
           wrong(err, "share", "a number between 0 and 1, the second dataset's part");
}

static bool names_take(struct override *override, const struct message *value, struct err *err)
{
    static const char expected[] = "an array of two different names, of the larger part and of the share";
    int n = 0;
    override->has_names = true;
    if (message_kind(value) != MESSAGE_ARRAY || message_size(value) != 2)
        return wrong(err, "names", expected);
    for (const struct message *name = message_first(value); name; name = message_next(name)) {
        if (message_kind(name) != MESSAGE_STRING)
            return wrong(err, "names", expected);
        if (!store_name_check(message_string(name), "names", err))
            return false;
        memcpy(override->split.names[n++], message_string(name), strlen(message_string(name)) + 1);
    }
    return strcmp(override->split.names[0], override->split.names[1]) || wrong(err, "names", expected);
}

static bool seed_take(struct override *override, const struct message *value, struct err *err)
{
    double seed = message_kind(value) == MESSAGE_NUMBER ? message_number(value) : -1;
    if (!scan_whole(seed, 0, 9007199254740992.0))
        return wrong(err, "seed", "a whole number from 0");
    override->split.seed = (uint64_t)seed;
    return true;
}

static bool stratify_take(struct override *override, const struct message *value, struct err *err)
{
    if (message_kind(value) == MESSAGE_NULL)
        return true;
    if (message_kind(value) != MESSAGE_STRING)
        return wrong(err, "stratify", "the name of a column");
    override->split.stratify = message_string(value);
    return true;
}

static const struct {
    const char *name;
    bool (*take)(struct override *override, const struct message *value, struct err *err);
} fields[] = {{"share", share_take}, {"names", names_take}, {"seed", seed_take}, {"stratify", stratify_take}};
#define N_FIELDS (sizeof fields / sizeof *fields)

static bool override_read(struct override *override, const struct message *message, struct err *err)
{
    for (const struct message *member = message_first(message); member; member = message_next(member)) {
        size_t i = 0;
        while (i < N_FIELDS && strcmp(fields[i].name, message_name(member)))
            i++;
        if (i == N_FIELDS)
            return words_unknown("share names seed stratify", "field", message_name(member), err);
        if (!fields[i].take(override, member, err))
            return false;
    }
    return (override->has_share || wrong(err, "share", "a number between 0 and 1")) &&
           (override->has_names || wrong(err, "names", "an array of two names"));
}

static void answer(struct reply *reply, const struct dataset_info infos[2])
{
    struct writer writer;
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_key(&writer, "datasets");
    writer_open(&writer, '[');
    for (int i = 0; i < 2; i++)
        dataset_write(&writer, &infos[i], NULL);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    reply_json(reply, 201, &writer);
}

void datasets_post_split(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct override override = {
        .split = {.seed = 1, .stop = request_stop(request), .claim = request_claim(request)}};
    struct dataset_info infos[2] = {{.bytes_received = 0}};
    struct err err = {0};
    struct message *message = request_message(request, &err);
    if (message && override_read(&override, message, &err) &&
        split_dataset(server->datasets, name, &override.split, infos, &err)) {
        log_info("dataset %s: split into %s and %s", name, infos[0].row.name, infos[1].row.name);
        answer(reply, infos);
    } else {
        reply_problem(reply, &err);
    }
    message_free(message);
}
