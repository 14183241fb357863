/* Predictions of a CSV body as CSV. */
#define _GNU_SOURCE
#include "predict/csv.h"
#include "base/csv_write.h"
#include "base/files.h"
#include "mlp/map.h"
#include "predict/instances.h"
#include "predict/predictions.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ROWS 256
#define BATCH_FLOATS (1u << 18) /* of inputs and outputs together, where a row is not longer */
#define WIDE_BYTES 65536
#define BATCH_BYTES (1u << 20) /* of the rows' texts, but for the last row */

struct stream {
    struct predict_csv asked;
    struct map map;             /* the body */
    struct instances instances; /* only for what is unknown */
    struct instances_csv *rows; /* NULL: at the end */
    struct workspace *workspace;
    uint32_t batch;      /* rows at a time */
    float *x, *outputs;  /* (batch, n_inputs), (batch, n_outputs) */
    struct writer lines; /* the batch's rows as they came, without line ends */
    size_t *ends;        /* (batch) of lines */
    bool has_bad;        /* some row cannot be read: then there is a column of reasons */
    struct writer whys;  /* the batch's, one after the other */
    size_t *why_ends;    /* (batch) of whys; as the one before: the row was read */
    struct writer out;   /* to be sent */
    struct claim claim;  /* of all these */
    size_t sent;         /* of out */
};

static void stream_free(void *self)
{
    struct stream *stream = self;
    instances_csv_free(stream->rows);
    instances_done(&stream->instances);
    csv_query_done(&stream->asked.csv);
    map_done(&stream->map);
    workspace_free(stream->workspace);
    writer_done(&stream->lines);
    writer_done(&stream->out);
    writer_done(&stream->whys);
    free(stream->why_ends);
    free(stream->x);
    free(stream->outputs);
    free(stream->ends);
    model_unref(stream->asked.model);
    claim_end(&stream->claim);
    free(stream);
}

static bool classifies(const struct stream *stream)
{
    return stream->asked.model->recipe->task == TASK_CLASSIFICATION;
}

static bool body_map(struct stream *stream, struct err *err)
{
    uint64_t size;
    if (!files_size(stream->asked.fd, &size, err))
        return false;
    if (!map_file(&stream->map, stream->asked.fd, (size_t)size, err))
        return false;
    bool wide = memchr(stream->map.bytes, 0,
                       size < WIDE_BYTES ? size : WIDE_BYTES); /* UTF-16, of which the reader makes a copy */
    return !wide || claim_take(&stream->claim, 2 * size, err);
}

static bool rows_open(struct stream *stream, struct err *err)
{
    instances_csv_free(stream->rows);
    const struct csv_body body = {stream->map.bytes, stream->map.n_bytes, &stream->asked.csv.options};
    stream->rows = instances_csv_new(stream->asked.model->recipe, &body, &stream->instances, err);
    return stream->rows != NULL;
}

static bool room_make(struct stream *stream, struct err *err)
{
    const struct model *model = stream->asked.model;
    size_t n_outputs = model_n_outputs(model), row = model->recipe->n_inputs + n_outputs;
    stream->batch = row > BATCH_FLOATS ? 1 : BATCH_FLOATS / (uint32_t)row;
    if (stream->batch > BATCH_ROWS)
        stream->batch = BATCH_ROWS;
    if (!claim_take(&stream->claim,
                    stream->batch * (row * sizeof *stream->x + 2 * sizeof *stream->ends) +
                        workspace_bytes(model),
                    err))
        return false;
    stream->x = malloc(stream->batch * (size_t)model->recipe->n_inputs * sizeof *stream->x);
    stream->outputs = malloc(stream->batch * n_outputs * sizeof *stream->outputs);
    stream->ends = malloc(stream->batch * sizeof *stream->ends);
    stream->why_ends = malloc(stream->batch * sizeof *stream->why_ends);
    stream->workspace = workspace_new(err);
    return stream->workspace && ((stream->x && stream->outputs && stream->ends && stream->why_ends) ||
                                 err_memory(err, "the predictions"));
}

/* Read all rows: some can be predicted, and whether some cannot. */
static bool rows_check(struct stream *stream, struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields;
    struct err first = {0};
    enum instances_row got;
    bool some = false;
    if (!rows_open(stream, err))
        return false;
    while ((got = instances_csv_row(stream->rows, stream->x, &fields, &n_fields, err)) > ROW_END) {
        if (got == ROW_BAD && !stream->has_bad)
            first = *err;
        stream->has_bad |= got == ROW_BAD;
        some |= got == ROW_READ;
    }
    if (got == ROW_END && !some)
        *err = first;
    return got == ROW_END && some;
}

/* The name, or with ".2", ".3" ... where the rows have it. */
static void name_put(struct stream *stream, const struct csv_field *names, uint32_t n, const char *wanted)
{
    char name[32];
    snprintf(name, sizeof name, "%s", wanted);
    for (int number = 2; names; number++) {
        bool taken = false;
        for (uint32_t i = 0; i < n && !taken; i++)
            taken = names[i].length == strlen(name) && !memcmp(names[i].text, name, names[i].length);
        if (!taken)
            break;
        snprintf(name, sizeof name, "%s.%d", wanted, number);
    }
    writer_bytes(&stream->out, ",", 1);
    writer_bytes(&stream->out, name, strlen(name));
}

static void names_put(struct stream *stream)
{
    uint32_t n;
    const struct recipe *recipe = stream->asked.model->recipe;
    const struct csv_field *names = instances_csv_names(stream->rows, &n);
    for (uint32_t i = 0; i < n; i++) {
        writer_bytes(&stream->out, ",", i > 0);
        if (names)
            csv_put_text(&stream->out, names[i].text, names[i].length);
        else if (n == recipe->n_columns)
            csv_put_text(&stream->out, recipe->columns[i].name, strlen(recipe->columns[i].name));
        else
            writer_text(&stream->out, "c%u", i + 1);
    }
    name_put(stream, names, n, classifies(stream) ? "prediction" : "value");
    if (classifies(stream))
        name_put(stream, names, n, "probability");
    if (stream->has_bad)
        name_put(stream, names, n, "error");
    writer_bytes(&stream->out, "\n", 1);
}

/* The row as it came, with as many fields as the others have. */
static void line_put(struct stream *stream, const struct csv_field *fields, uint32_t n_fields)
{
    uint32_t n;
    instances_csv_names(stream->rows, &n);
    for (uint32_t i = 0; i < n; i++) {
        writer_bytes(&stream->lines, ",", i > 0);
        if (i < n_fields)
            csv_put_text(&stream->lines, fields[i].text, fields[i].length);
    }
}

/* Read up to a batch of rows; fewer: the end. False: *err. */
static bool batch_read(struct stream *stream, uint32_t *n_rows, struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields, n_inputs = stream->asked.model->recipe->n_inputs;
    enum instances_row got = ROW_READ;
    stream->lines.n = stream->whys.n = 0;
    for (*n_rows = 0; *n_rows < stream->batch && stream->lines.n < BATCH_BYTES; ++*n_rows) {
        got =
            instances_csv_row(stream->rows, stream->x + (size_t)*n_rows * n_inputs, &fields, &n_fields, err);
        if (got <= ROW_END)
            break;
        line_put(stream, fields, n_fields);
        stream->ends[*n_rows] = stream->lines.n;
        if (got == ROW_BAD)
            csv_put_text(&stream->whys, err->msg, strlen(err->msg));
        stream->why_ends[*n_rows] = stream->whys.n;
    }
    if (got == ROW_END) {
        instances_csv_free(stream->rows);
        stream->rows = NULL;
    }
    return got != ROW_FAILED;
}

/* Without a prediction, with the reason. */
static void bad_put(struct stream *stream, const char *why, size_t n)
{
    writer_bytes(&stream->out, ",,,", classifies(stream) ? 3 : 2);
    writer_bytes(&stream->out, why, n);
}

static void prediction_put(struct stream *stream, uint32_t row)
{
    const struct model *model = stream->asked.model;
    uint32_t n = model_n_outputs(model);
    const float *outputs = stream->outputs + (size_t)row * n;
    writer_bytes(&stream->out, ",", 1);
    if (!classifies(stream)) {
        csv_put_number(&stream->out, outputs[0]);
        return;
    }
    uint32_t best = predictions_best(outputs, n);
    csv_put_text(&stream->out, model->recipe->classes[best], strlen(model->recipe->classes[best]));
    writer_bytes(&stream->out, ",", 1);
    csv_put_number(&stream->out, outputs[best]);
}

static bool batch_make(struct stream *stream)
{
    struct err ignored = {0}; /* the status is sent: the broken reply tells */
    uint32_t n_rows;
    stream->out.n = stream->sent = 0;
    if (!batch_read(stream, &n_rows, &ignored) ||
        (n_rows && !model_predict(stream->asked.model, stream->x, n_rows, stream->outputs, stream->workspace,
                                  &ignored)))
        return false;
    for (uint32_t row = 0; row < n_rows; row++) {
        size_t begin = row ? stream->ends[row - 1] : 0;
        writer_bytes(&stream->out, stream->lines.text + begin, stream->ends[row] - begin);
        size_t why = row ? stream->why_ends[row - 1] : 0, n_why = stream->why_ends[row] - why;
        if (n_why > 0) {
            bad_put(stream, stream->whys.text + why, n_why);
        } else {
            prediction_put(stream, row);
            writer_bytes(&stream->out, ",", stream->has_bad);
        }
        writer_bytes(&stream->out, "\n", 1);
    }
    atomic_fetch_add_explicit(stream->asked.n_predictions, n_rows, memory_order_relaxed);
    return !stream->out.failed && !stream->lines.failed && !stream->whys.failed &&
           map_check(&stream->map, "the body", &ignored);
}

static int stream_read(void *self, char *text, size_t size, size_t *n)
{
    struct stream *stream = self;
    while (*n < size) {
        if (stream->sent == stream->out.n) {
            if (!stream->rows)
                return -1;
            if (!batch_make(stream))
                return -2;
            continue;
        }
        size_t left = stream->out.n - stream->sent, part = left < size - *n ? left : size - *n;
        memcpy(text + *n, stream->out.text + stream->sent, part);
        stream->sent += part;
        *n += part;
    }
    return 1;
}

bool predict_csv_source(const struct predict_csv *asked, struct reply_source *source, struct err *err)
{
    struct predict_csv ours = *asked;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        csv_query_done(&ours.csv);
        model_unref(ours.model);
        return err_memory(err, "the predictions");
    }
    stream->asked = ours;
    stream->claim = (struct claim){.ledger = ours.payer->ledger, .client = ours.payer->client};
    stream->lines.claim = stream->out.claim = stream->whys.claim = &stream->claim;
    stream->instances.stop = ours.stop;
    if (!claim_take(&stream->claim, sizeof *stream, err) || !body_map(stream, err) ||
        !room_make(stream, err) || !rows_check(stream, err) || !rows_open(stream, err)) {
        stream_free(stream);
        return false;
    }
    stream->instances.stop = NULL; /* the stream may outlive the request */
    names_put(stream);
    *source = (struct reply_source){.read = stream_read, .free = stream_free, .self = stream};
    return true;
}
