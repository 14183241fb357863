/* Records of objects as JSON: one table of members a kind, for both ways. */
#include "base/writer.h"
#include "store/about.h"
#include "json/read.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum form {
    FORM_TEXT,
    FORM_NAME,
    FORM_COUNT,
    FORM_ID,
    FORM_UINT,
    FORM_INT,
    FORM_CHAR,
    FORM_BOOL,
    FORM_NUMBER,
    FORM_ENUM
};

/* A member `name` of struct about, `size` bytes from `at` on. NAME: a text that
 * store_name_check takes, or "" where `most` is 1. ENUM: 0 .. most. INT: -most
 * .. most. */
struct member {
    const char *name;
    enum form form;
    size_t at, size;
    uint32_t most;
};

#define MEMBER(kind, name, form, most)                                                                       \
    {                                                                                                        \
#name, form, offsetof(struct about, kind.name), sizeof((struct about *)0)->kind.name, most           \
    }

static const struct member dataset_members[] = {
    MEMBER(dataset, name, FORM_NAME, 0),
    MEMBER(dataset, created, FORM_TEXT, 0),
    MEMBER(dataset, n_rows, FORM_COUNT, 0),
    MEMBER(dataset, n_columns, FORM_COUNT, 0),
    MEMBER(dataset, bytes, FORM_COUNT, 0),
    MEMBER(dataset, separator, FORM_CHAR, 0),
    MEMBER(dataset, quote, FORM_CHAR, 0),
    MEMBER(dataset, comment, FORM_CHAR, 0),
    MEMBER(dataset, decimal, FORM_CHAR, 0),
    MEMBER(dataset, header, FORM_BOOL, 0),
    MEMBER(dataset, count_line, FORM_BOOL, 0),
    MEMBER(dataset, n_titles, FORM_UINT, 0),
    MEMBER(dataset, encoding, FORM_ENUM, CSV_LATIN1),
    MEMBER(dataset, compression, FORM_TEXT, 0),
    MEMBER(dataset, n_skipped, FORM_COUNT, 0),
    {.name = NULL},
};

static const struct member model_members[] = {
    MEMBER(model, name, FORM_NAME, 0),
    MEMBER(model, version, FORM_UINT, 0),
    {"newest", FORM_UINT, offsetof(struct about, newest), sizeof(uint32_t), 0},
    MEMBER(model, promoted, FORM_UINT, 0),
    MEMBER(model, state, FORM_ENUM, MODEL_PARTIAL),
    MEMBER(model, job, FORM_ID, 0),
    MEMBER(model, created, FORM_TEXT, 0),
    MEMBER(model, task, FORM_ENUM, TASK_REGRESSION),
    MEMBER(model, n_params, FORM_COUNT, 0),
    MEMBER(model, bytes, FORM_COUNT, 0),
    MEMBER(model, epochs, FORM_UINT, 0),
    MEMBER(model, evaluated_on, FORM_ENUM, ROWS_TRAIN),
    MEMBER(model, dataset_id, FORM_ID, 0),
    MEMBER(model, n_rows, FORM_COUNT, 0),
    MEMBER(model, loss, FORM_NUMBER, 0),
    MEMBER(model, accuracy, FORM_NUMBER, 0),
    MEMBER(model, rmse, FORM_NUMBER, 0),
    MEMBER(model, mae, FORM_NUMBER, 0),
    MEMBER(model, r2, FORM_NUMBER, 0),
    {.name = NULL},
};

static const struct member job_members[] = {
    MEMBER(job, state, FORM_ENUM, JOB_STATES_LIVE - 1),
    MEMBER(job, change, FORM_COUNT, 0),
    MEMBER(job, dataset, FORM_NAME, 1),
    MEMBER(job, test, FORM_NAME, 1),
    MEMBER(job, validation, FORM_NAME, 1),
    MEMBER(job, dataset_id, FORM_ID, 0),
    MEMBER(job, test_id, FORM_ID, 0),
    MEMBER(job, validation_id, FORM_ID, 0),
    MEMBER(job, model, FORM_NAME, 0),
    MEMBER(job, from_version, FORM_UINT, 0),
    MEMBER(job, epochs, FORM_UINT, 0),
    MEMBER(job, task, FORM_ENUM, TASK_REGRESSION),
    MEMBER(job, task_reason, FORM_TEXT, 0),
    MEMBER(job, n_train, FORM_COUNT, 0),
    MEMBER(job, n_validation, FORM_COUNT, 0),
    MEMBER(job, n_test, FORM_COUNT, 0),
    MEMBER(job, created, FORM_TEXT, 0),
    MEMBER(job, started, FORM_TEXT, 0),
    MEMBER(job, settings, FORM_COUNT, 0),
    MEMBER(job, title, FORM_TEXT, 0),
    MEMBER(job, priority, FORM_INT, PRIORITY_MAX),
    MEMBER(job, weight, FORM_UINT, 0),
    MEMBER(job, max_seconds, FORM_NUMBER, 0),
    {.name = NULL},
};

static const struct {
    const char *name;
    const struct member *members;
    const char *text; /* the member that holds about->text */
} kinds[N_ABOUT_KINDS] = {[ABOUT_DATASET] = {"dataset", dataset_members, "profile"},
                          [ABOUT_MODEL] = {"model", model_members, NULL},
                          [ABOUT_JOB] = {"job", job_members, "request"}};

_Static_assert(sizeof(enum task) == 4 && sizeof(enum job_state) == 4 && PRIORITY_MIN == -PRIORITY_MAX,
               "as the tables have it");

static void member_print(struct writer *writer, const struct member *member, const void *at)
{
    uint32_t word = 0;
    writer_key(writer, member->name);
    if (member->size == sizeof word)
        memcpy(&word, at, sizeof word);
    switch (member->form) {
    case FORM_TEXT:
    case FORM_NAME:
        writer_string(writer, at);
        break;
    case FORM_COUNT:
    case FORM_ID:
        writer_uint(writer, *(const uint64_t *)at);
        break;
    case FORM_UINT:
    case FORM_ENUM:
        writer_uint(writer, word);
        break;
    case FORM_INT:
        writer_int(writer, *(const int32_t *)at);
        break;
    case FORM_CHAR:
        writer_uint(writer, *(const unsigned char *)at);
        break;
    case FORM_BOOL:
        writer_bool(writer, *(const bool *)at);
        break;
    case FORM_NUMBER:
        writer_double(writer, *(const double *)at);
        break;
    }
}

char *about_print(const struct about *about, struct err *err)
{
    struct writer writer;
    writer_init(&writer);
    writer_open(&writer, '{');
    writer_put_string(&writer, "kind", kinds[about->kind].name);
    writer_put_int(&writer, "id", about->id);
    writer_put_uint(&writer, "change", about->change);
    writer_put_bool(&writer, "deleted", about->deleted);
    for (const struct member *member = kinds[about->kind].members; member->name && !about->deleted; member++)
        member_print(&writer, member, (const char *)about + member->at);
    if (kinds[about->kind].text && !about->deleted)
        writer_put_string(&writer, kinds[about->kind].text, about->text);
    writer_close(&writer, '}');
    return json_take(&writer, err);
}

static bool text_parse(const cJSON *item, const struct member *member, char *at)
{
    struct err ignored;
    size_t length = cJSON_IsString(item) ? strlen(item->valuestring) : SIZE_MAX;
    if (length >= member->size)
        return false;
    memcpy(at, item->valuestring, length + 1);
    return member->form == FORM_TEXT || (length == 0 && member->most) ||
           store_name_check(at, "name", &ignored);
}

static bool word_parse(const cJSON *item, uint64_t most, uint32_t *word)
{
    uint64_t number;
    if (!json_whole(item, &number) || number > most)
        return false;
    *word = (uint32_t)number;
    return true;
}

static bool int_parse(const cJSON *item, double most, int32_t *number)
{
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= most) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *number = (int32_t)item->valuedouble;
    return true;
}

static bool member_parse(const cJSON *item, const struct member *member, void *at)
{
    uint32_t word;
    bool ok = true;
    switch (member->form) {
    case FORM_TEXT:
    case FORM_NAME:
        return text_parse(item, member, at);
    case FORM_COUNT:
    case FORM_ID:
        return json_whole(item, at);
    case FORM_UINT:
    case FORM_ENUM:
        ok = word_parse(item, member->form == FORM_ENUM ? member->most : UINT32_MAX, &word);
        if (ok)
            memcpy(at, &word, sizeof word);
        return ok;
    case FORM_INT:
        return int_parse(item, member->most, at);
    case FORM_CHAR:
        ok = word_parse(item, UINT8_MAX, &word);
        if (ok)
            *(unsigned char *)at = (unsigned char)word;
        return ok;
    case FORM_BOOL:
        *(bool *)at = cJSON_IsTrue(item);
        return cJSON_IsBool(item);
    case FORM_NUMBER:
        *(double *)at = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        return cJSON_IsNull(item) || (cJSON_IsNumber(item) && isfinite(item->valuedouble));
    }
    return false;
}

static const cJSON *item_of(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool head_parse(const cJSON *object, struct about *about)
{
    const char *kind;
    struct err ignored;
    uint64_t id;
    if (!json_text(object, "kind", &kind, &ignored) || !json_whole(item_of(object, "id"), &id) || id == 0 ||
        !json_whole(item_of(object, "change"), &about->change) ||
        !json_bool(object, "deleted", &about->deleted, &ignored))
        return false;
    about->id = (int64_t)id;
    for (about->kind = 0; about->kind < N_ABOUT_KINDS && strcmp(kind, kinds[about->kind].name) != 0;)
        about->kind++;
    return about->kind < N_ABOUT_KINDS;
}

static bool body_parse(const cJSON *object, struct about *about, struct err *err)
{
    for (const struct member *member = kinds[about->kind].members; member->name && !about->deleted; member++)
        if (!member_parse(item_of(object, member->name), member, (char *)about + member->at))
            return err_set(err, ERR_CORRUPT, "the record's '%s' is not what it should be", member->name);
    const cJSON *text = kinds[about->kind].text ? item_of(object, kinds[about->kind].text) : NULL;
    if (!cJSON_IsString(text))
        return about->kind != ABOUT_JOB || err_set(err, ERR_CORRUPT, "the record holds no request");
    about->text = strdup(text->valuestring);
    return about->text || err_memory(err, "a record");
}

bool about_parse(const char *text, size_t n, struct about *about, struct err *err)
{
    *about = (struct about){0};
    cJSON *object = json_parse(text, n, err);
    if (!object) {
        if (err->code == ERR_CORRUPT)
            err_set(err, ERR_CORRUPT, "the record is not a JSON object");
        return false;
    }
    bool ok = head_parse(object, about) ? body_parse(object, about, err)
                                        : err_set(err, ERR_CORRUPT, "the record is of nothing known");
    cJSON_Delete(object);
    return ok;
}

/* Which rows a job evaluates its model on, by its request. */
static enum rows_kind rows_of(const cJSON *request)
{
    const cJSON *test_split = item_of(request, "test_split"),
                *validation_split = item_of(request, "validation_split");
    if (item_of(request, "test") || (cJSON_IsNumber(test_split) && test_split->valuedouble > 0))
        return ROWS_TEST;
    return !item_of(request, "validation") && cJSON_IsNumber(validation_split) &&
                   !(validation_split->valuedouble > 0)
               ? ROWS_TRAIN
               : ROWS_VALIDATION;
}

void about_notes(const char *notes_json, struct model_row *row)
{
    static const struct member members[] = {MEMBER(model, name, FORM_NAME, 0), MEMBER(model, job, FORM_ID, 0),
                                            MEMBER(model, epochs, FORM_UINT, 0),
                                            MEMBER(model, created, FORM_TEXT, 0)};
    struct err ignored;
    struct about *about = calloc(1, sizeof *about);
    cJSON *notes = about ? json_parse(notes_json, strlen(notes_json), &ignored) : NULL;
    const char *state;
    bool ok = notes != NULL;
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++)
        ok = member_parse(item_of(notes, members[i].name), &members[i], (char *)about + members[i].at);
    if (ok) {
        memcpy(row->name, about->model.name, sizeof row->name);
        memcpy(row->created, about->model.created, sizeof row->created);
        row->job = about->model.job;
        row->epochs = about->model.epochs;
        row->state =
            json_text(notes, "state", &state, &ignored) && !strcmp(state, model_state_name(MODEL_PARTIAL))
                ? MODEL_PARTIAL
                : MODEL_FINISHED;
        row->evaluated_on = rows_of(item_of(notes, "request"));
    }
    cJSON_Delete(notes);
    free(about);
}
