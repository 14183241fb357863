/* Predictions: rows in as JSON, CSV or raw floats, answers out in the user's
 * words.
 *
 * A few rows for a small model that is in memory are answered on the HTTP
 * thread: handing them to another thread takes several times as long as they
 * do. The rest is left to the interactive queue. */
#include "api/routes.h"
#include "mlp/value.h"
#include "predict/csv.h"
#include "predict/instances.h"
#include "predict/picture.h"
#include "predict/rows.h"
#include "predict/strokes.h"
#include "json/scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OUTPUTS_MAX (4u << 20) /* numbers that one reply holds */
#define COLUMN_BYTES                                                                                         \
    96 /* of a row on its way, for each column: its value, where it is found, whether it was there */
#define HEAD_BYTES 512   /* of a body that are looked at to know what it is */
#define TEXT_BYTES 65536 /* of a body whose texts are not reserved */

/* What may be done on the HTTP thread, so that it is done well within a
 * millisecond. */
#define HERE_COLUMNS_MAX 4096       /* to sort by name */
#define HERE_WEIGHTS_MAX (2u << 20) /* parameters by rows: multiplications, and what is read from memory */
#define HERE_OUTPUTS_MAX 4096       /* numbers to write */
#define HERE_STROKES_MAX 32768      /* bytes of strokes to draw */

/* One request's way from body to reply. */
struct prediction {
    struct server *server;
    struct predict_scratch *scratch;
    bool here;           /* on the HTTP thread */
    bool too_much;       /* for it: the interactive queue does it all again */
    struct model *model; /* the one that the request means, as far as it is known */
    struct model_row row;
    struct claim *claim;
    struct instances instances;
    struct head_url url; /* which model the URL names */
    uint8_t picture[DIGIT_PIXELS];
    bool drawn;  /* from strokes or a file, into `picture` */
    bool evened; /* the paper in that file */
};

/* Lend the instances what the last ones had, and take it back where it is not
 * large. */
static void scratch_lend(struct predict_scratch *scratch, struct instances *instances)
{
    instances->x = scratch->x;
    instances->capacity = scratch->capacity;
    scratch->x = NULL;
    scratch->capacity = 0;
}

static void scratch_return(struct predict_scratch *scratch, struct instances *instances)
{
    if (instances->capacity <= PREDICT_SCRATCH_MAX) {
        scratch->capacity = instances->capacity;
        scratch->x = instances_take(instances);
    }
    instances_done(instances);
}

/* On the HTTP thread: the model where it can be had at once and is small. */
static struct model *model_here(struct prediction *prediction, const char *name, uint32_t version)
{
    struct model *model = models_get_loaded(prediction->server->models, name, version, &prediction->row);
    if (model && model->recipe->n_columns <= HERE_COLUMNS_MAX && model_n_outputs(model) <= HERE_OUTPUTS_MAX &&
        network_n_params(model->network) <= HERE_WEIGHTS_MAX)
        return model;
    model_unref(model);
    prediction->too_much = true;
    return NULL;
}

/* A row's values, and the columns by name, of a model that has many. */
static bool columns_claim(struct prediction *prediction, struct err *err)
{
    uint32_t n = prediction->model->recipe->n_columns;
    return n <= HERE_COLUMNS_MAX || claim_take(prediction->claim, (uint64_t)n * COLUMN_BYTES, err);
}

static const struct recipe *model_find(void *self, const char *name, uint32_t version, struct err *err)
{
    struct prediction *prediction = self;
    if (!name) {
        err_set(err, ERR_INPUT,
                "\"model\" is missing: expected the name of a model (GET /models lists them)");
        err_field(err, "model");
        return NULL;
    }
    model_unref(prediction->model);
    prediction->model = prediction->here
                            ? model_here(prediction, name, version)
                            : models_get(prediction->server->models, name, version, &prediction->row, err);
    return prediction->model && columns_claim(prediction, err) ? prediction->model->recipe : NULL;
}

enum body_kind { BODY_JSON, BODY_CSV, BODY_FLOATS, BODY_PNG };

static bool type_is(const char *type, const char *word)
{
    return type && !strncasecmp(type, word, strlen(word));
}

/* By the Content-Type; where that says nothing (curl's default) by how the body
 * begins. A PNG picture under the type of any bytes is a picture: as floats it
 * would begin with one of 1e-32. */
static enum body_kind body_kind(const char *type, const char *bytes, size_t n)
{
    if (type_is(type, "application/json"))
        return BODY_JSON;
    if (type_is(type, "text/csv"))
        return BODY_CSV;
    if (picture_known(bytes, n))
        return BODY_PNG;
    if (type_is(type, "application/octet-stream"))
        return BODY_FLOATS;
    char first = scan_first(bytes, n);
    return first == '{' || first == '[' ? BODY_JSON : BODY_CSV;
}

/* Whether the body is what its type says, and is read at all. Of floats any
 * bytes may be: they are looked at once they are no whole rows. */
static bool type_check(const char *type, enum body_kind kind, const char *bytes, size_t n, struct err *err)
{
    bool png = picture_known(bytes, n), typed = type_is(type, "application/json") || type_is(type, "text/");
    const char *other = kind == BODY_FLOATS ? NULL : picture_other(bytes, n);
    if (png && typed)
        return err_set(err, ERR_UNSUPPORTED,
                       "the body is a PNG picture, and its Content-Type is %.40s: expected image/png", type);
    if (other)
        return err_set(err, ERR_UNSUPPORTED,
                       "the body is a %s picture, which is not read here: expected it saved as PNG, with the "
                       "Content-Type image/png",
                       other);
    if (type_is(type, "image/") && !png)
        return err_set(err, ERR_UNSUPPORTED,
                       "the body is no PNG picture, and its Content-Type is %.40s: expected a PNG file as "
                       "image/png",
                       type);
    return !type_is(type, "multipart/") ||
           err_set(err, ERR_UNSUPPORTED,
                   "a form is not taken here: expected the rows or the picture as the body itself, as with "
                   "curl --data-binary @file");
}

/* Which model path and query name. */
static bool url_read(const struct request *request, const char *name, struct head_url *url, struct err *err)
{
    const char *version = request_query(request, "version"), *model = request_query(request, "model");
    char *end = NULL;
    unsigned long long number = version ? strtoull(version, &end, 10) : 0;
    if (version && (*version < '0' || *version > '9' || *end || number > UINT32_MAX)) {
        err_set(err, ERR_INPUT, "\"version\": expected a whole number, found \"%.40s\"", version);
        return err_field(err, "version");
    }
    *url = (struct head_url){.name = name ? name : model, .version = (uint32_t)number};
    return true;
}

/* The model, and what the query says of how to read CSV. On failure *csv is
 * empty. */
static const struct recipe *query_read(const struct request *request, struct prediction *prediction,
                                       struct csv_query *csv, struct err *err)
{
    const struct recipe *recipe = model_find(prediction, prediction->url.name, prediction->url.version, err);
    if (!recipe || !csv_query_read(csv, request, err))
        return NULL;
    const char *on_bad_row = request_query(request, "on_bad_row");
    if (!on_bad_row || csv->options.on_bad_row == CSV_BAD_REJECT)
        return recipe;
    csv_query_done(csv);
    err_set(err, ERR_INPUT, "\"on_bad_row\": no row can be left out of predictions");
    err_field(err, "on_bad_row");
    return NULL;
}

static bool table_read(const struct request *request, struct prediction *prediction, enum body_kind kind,
                       const char *bytes, size_t n, struct err *err)
{
    struct csv_query csv = {0};
    const struct recipe *recipe = query_read(request, prediction, &csv, err);
    bool ok;
    if (!recipe)
        return false;
    if (kind == BODY_CSV) {
        ok = instances_from_csv(recipe, &(struct csv_body){bytes, n, &csv.options}, &prediction->instances,
                                err);
    } else {
        ok = instances_from_floats(recipe, bytes, n, &prediction->instances, err) ||
             (picture_other(bytes, n) && type_check(NULL, BODY_CSV, bytes, n, err));
    }
    csv_query_done(&csv);
    return ok;
}

/* prediction->picture is the row. what: it was made of them. */
static bool picture_take(struct prediction *prediction, const struct recipe *recipe, const char *what,
                         struct err *err)
{
    float raw[DIGIT_PIXELS];
    if (recipe->n_columns != DIGIT_PIXELS) {
        err_set(err, ERR_INPUT, "\"%s\" makes %d pixels, and this model takes %" PRIu32 " columns", what,
                DIGIT_PIXELS, recipe->n_columns);
        return err_field(err, what);
    }
    float *x = instances_room(&prediction->instances, recipe->n_inputs, 0, err);
    if (!x)
        return false;
    for (int i = 0; i < DIGIT_PIXELS; i++)
        raw[i] = prediction->picture[i];
    recipe_encode_numbers(recipe, raw, x);
    instances_keep(&prediction->instances);
    prediction->drawn = true;
    return true;
}

/* A digit drawn by pen: one row of the pixels that it makes. */
static bool drawing_read(struct prediction *prediction, const struct instances_models *models,
                         struct json_head *head, struct err *err)
{
    prediction->too_much = prediction->here && head->scan.end - head->scan.bytes > HERE_STROKES_MAX;
    if (prediction->too_much || !strokes_from_json(head, prediction->picture, err))
        return false;
    const struct recipe *recipe = instances_model(models, &head->model, err);
    return recipe && picture_take(prediction, recipe, "strokes", err);
}

/* later: where rows may stay in the body until they are predicted. */
static bool json_read(struct prediction *prediction, const char *bytes, size_t n, bool later, struct err *err)
{
    const struct instances_models models = {.find = model_find, .self = prediction};
    struct json_head head;
    bool ok =
        head_read(&head, bytes, n, prediction->url, err) &&
        (head.kind == HEAD_STROKES ? drawing_read(prediction, &models, &head, err)
                                   : instances_from_json(&head, &models, later, &prediction->instances, err));
    head_done(&head);
    return ok;
}

/* A picture of a digit, as a file. */
static bool picture_row(const struct request *request, struct prediction *prediction, const char *bytes,
                        size_t n, struct err *err)
{
    struct csv_query csv = {0};
    prediction->too_much = prediction->here;
    if (prediction->too_much || !claim_take(prediction->claim, picture_bytes(bytes, n), err) ||
        !picture_read(bytes, n, prediction->picture, &prediction->evened, err))
        return false;
    const struct recipe *recipe = query_read(request, prediction, &csv, err);
    csv_query_done(&csv);
    return recipe && picture_take(prediction, recipe, "image", err);
}

/* A copy of the text that reading it makes: of JSON where it has escapes, of
 * CSV in UTF-16. */
static bool texts_claim(struct prediction *prediction, enum body_kind kind, const char *bytes, size_t n,
                        struct err *err)
{
    bool escapes = kind == BODY_JSON && n > TEXT_BYTES && memchr(bytes, '\\', n);
    bool wide = kind == BODY_CSV && n > TEXT_BYTES && memchr(bytes, 0, TEXT_BYTES);
    return !(escapes || wide) || claim_take(prediction->claim, wide ? 2 * (uint64_t)n : n, err);
}

/* later: as of json_read. */
static bool rows_read(struct request *request, struct prediction *prediction, bool later, struct err *err)
{
    const char *type = request_header(request, "Content-Type"), *bytes;
    size_t n;
    if (!body_view(request_body(request), &bytes, &n, err))
        return false;
    if (!n)
        return err_set(err, ERR_INPUT,
                       "the body is empty: expected {\"model\":\"name\",\"instances\":[[...]]} or a CSV");
    enum body_kind kind = body_kind(type, bytes, n);
    if (!type_check(type, kind, bytes, n, err) || !texts_claim(prediction, kind, bytes, n, err))
        return false;
    if (kind == BODY_JSON)
        return json_read(prediction, bytes, n, later, err);
    if (kind == BODY_PNG)
        return picture_row(request, prediction, bytes, n, err);
    return table_read(request, prediction, kind, bytes, n, err);
}

/* Whether one reply holds the answers; on the HTTP thread, whether they are
 * soon there. */
static bool answers_fit(struct prediction *prediction, struct err *err)
{
    uint32_t n_rows = prediction->instances.n_rows, n_outputs = model_n_outputs(prediction->model);
    if ((uint64_t)n_rows * n_outputs > OUTPUTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "%" PRIu32 " rows with %" PRIu32
                       " numbers each are more than one reply holds (%u): send them in parts",
                       n_rows, n_outputs, OUTPUTS_MAX);
    prediction->too_much =
        prediction->here && (n_rows * network_n_params(prediction->model->network) > HERE_WEIGHTS_MAX ||
                             (uint64_t)n_rows * n_outputs > HERE_OUTPUTS_MAX);
    return !prediction->too_much;
}

static bool answer(const struct prediction *prediction, struct reply *reply, struct err *err)
{
    struct server *server = prediction->server;
    char reason[DAMAGE_REASON_SIZE];
    const struct model_row *row = &prediction->row;
    struct predictions_notes notes = {.picture = prediction->drawn ? prediction->picture : NULL,
                                      .evened = prediction->evened,
                                      .version = row->version};
    struct writer writer;
    if (models_wanted(server->models, row, reason)) {
        notes.wanted = row->wanted;
        notes.reason = reason;
    }
    reply_writer(reply, &writer);
    predictions_begin(&writer, row->name, row->version);
    if (!predict_rows(prediction->model, &prediction->instances, prediction->here ? NULL : server->executor,
                      server->n_threads, &writer, err)) {
        writer_done(&writer);
        return false;
    }
    predictions_end(&writer, &prediction->instances, &notes);
    reply_json(reply, 200, &writer);
    atomic_fetch_add_explicit(&server->n_predictions, prediction->instances.n_rows, memory_order_relaxed);
    return true;
}

static bool rows_answer(struct request *request, struct prediction *prediction, bool later,
                        struct reply *reply, struct err *err)
{
    return rows_read(request, prediction, later, err) && answers_fit(prediction, err) &&
           answer(prediction, reply, err);
}

/* Whether the reply shall be CSV, which is made of CSV only. */
static bool csv_is_asked(struct request *request)
{
    const char *accept = request_header(request, "Accept");
    char head[HEAD_BYTES];
    size_t n = accept && strstr(accept, "text/csv") ? body_head(request_body(request), head, sizeof head) : 0;
    return n > 0 && body_kind(request_header(request, "Content-Type"), head, n) == BODY_CSV;
}

/* CSV to CSV: the source takes over from here. */
static void predict_table(struct request *request, const char *name, struct reply *reply)
{
    struct prediction prediction = {.server = request_app(request), .claim = request_claim(request)};
    struct predict_csv asked = {.n_predictions = &prediction.server->n_predictions,
                                .payer = request_claim(request),
                                .stop = request_stop(request)};
    struct reply_source source;
    struct err err = {0};
    asked.fd = body_file(request_body(request), &err);
    if (asked.fd < 0 || !url_read(request, name, &prediction.url, &err) ||
        !query_read(request, &prediction, &asked.csv, &err)) {
        model_unref(prediction.model);
        reply_problem(reply, &err);
        return;
    }
    asked.model = prediction.model;
    if (!predict_csv_source(&asked, &source, &err)) {
        reply_problem(reply, &err);
    } else if (!(reply->source = http_source_new(request, &source, &err))) {
        source.free(source.self);
        reply_problem(reply, &err);
    } else {
        reply->status = 200;
        reply->type = "text/csv; charset=utf-8";
        fallback_headers(reply, prediction.server, &prediction.row);
    }
}

/* Leaves the reply unanswered where it is too much for the HTTP thread. */
static void predict(struct request *request, const char *name, struct reply *reply)
{
    struct claim *claim = request_claim(request);
    struct prediction prediction = {.server = request_app(request),
                                    .here = request_here(request),
                                    .claim = claim,
                                    .instances.claim = claim};
    struct err err = {0};
    if (csv_is_asked(request)) {
        if (!prediction.here) /* that it reads a file */
            predict_table(request, name, reply);
        return;
    }
    prediction.scratch = predict_scratch(&err);
    if (!prediction.scratch || !url_read(request, name, &prediction.url, &err)) {
        reply_problem(reply, &err);
        return;
    }
    prediction.instances.stop = request_stop(request);
    scratch_lend(prediction.scratch, &prediction.instances);
    bool done = rows_answer(request, &prediction, !prediction.here, reply, &err);
    if (!done && prediction.instances
                     .marks) /* what is wrong with them is told by reading them from the first to the last */
        done = rows_answer(request, &prediction, false, reply, &err);
    if (!done && !prediction.too_much)
        reply_problem(reply, &err);
    scratch_return(prediction.scratch, &prediction.instances);
    model_unref(prediction.model);
}

void predict_post(struct request *request, struct reply *reply)
{
    predict(request, NULL, reply);
}

void predict_post_model(struct request *request, struct reply *reply)
{
    predict(request, request_param(request, 0), reply);
}
