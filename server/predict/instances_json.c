/* The rows of a prediction request as JSON: one walk over the bytes where the
 * model is known before its instances come. */
#include "predict/instances_rows.h"

#define LATER_BYTES (64u << 10) /* fewer are scanned at once */

/* A body's instances on their way. */
struct reading {
    struct json_head *head;
    const struct instances_models *models;
    struct json_rows rows;
    struct head_model found; /* whose recipe the rows have */
    struct err early;        /* why they could not be read before the body's end, where `early_failed` */
    bool early_failed;
};

/* Ask for the model as it is known so far, and get ready for its rows. */
static bool model_find(struct reading *reading)
{
    struct json_rows *rows = &reading->rows;
    rows_end(rows);
    instances_restart(rows->instances);
    reading->found = reading->head->model;
    rows->recipe = instances_model(reading->models, &reading->found, rows->err);
    if (!rows->recipe)
        return false;
    rows->scanned = false;
    rows_begin(rows);
    return true;
}

/* Scan the instances at once where the model is known by now, else step over
 * them. */
static bool take_early(struct reading *reading)
{
    struct scan *scan = &reading->head->scan;
    if (reading->head->model.has_name) {
        if (model_find(reading) && rows_take(&reading->rows))
            return true;
        reading->early = *reading->rows.err;
        reading->early_failed = true; /* a version that comes later may still change it */
        scan->at = reading->rows.array;
        return !scan_skip_brackets(scan);
    }
    const char *wrong = scan_skip_brackets(scan);
    return !wrong || head_invalid(scan, wrong, reading->rows.err);
}

/* What the body said after its instances may mean another model than the one
 * they were scanned for. */
static bool take_late(struct reading *reading)
{
    const struct head_model *model = &reading->head->model;
    bool same = reading->rows.recipe && head_model_equal(model, &reading->found);
    if (same && reading->rows.scanned)
        return true;
    if (reading->early_failed && model->version == reading->found.version) {
        *reading->rows.err = reading->early;
        return false;
    }
    return model_find(reading) && rows_take(&reading->rows);
}

/* From the array's bracket to the body's end. */
static bool array_take(struct reading *reading)
{
    bool ok = take_early(reading) && head_rest(reading->head, reading->rows.err);
    if (!ok && reading->early_failed)
        *reading->rows.err = reading->early; /* it came first */
    return ok && take_late(reading);
}

static bool read_once(struct reading *reading, bool later)
{
    reading->early_failed = false;
    reading->rows.later = later;
    reading->rows.recipe = NULL;
    bool ok = array_take(reading);
    rows_end(&reading->rows);
    return ok;
}

bool instances_from_json(struct json_head *head, const struct instances_models *models, bool later,
                         struct instances *instances, struct err *err)
{
    const struct head_model model = head->model;
    struct json_rows rows = {.scan = &head->scan, .array = head->rows, .instances = instances, .err = err};
    struct reading reading = {.head = head, .models = models, .rows = rows};
    instances_restart(instances);
    if (head->kind != HEAD_INSTANCES) {
        err_set(err, ERR_INPUT, "'instances' is missing: the rows to predict, [[...], ...] or [{...}, ...]");
        return err_field(err, "instances");
    }
    if (scan_peek(&head->scan) != '[')
        return head_wrong(head, "instances", "must be an array of rows: [[...], ...] or [{...}, ...]", err);
    bool ok = read_once(&reading, later && head->scan.end - head->scan.bytes >= LATER_BYTES);
    if (!ok && reading.rows.marked) { /* brackets in texts mislead who looks at brackets only */
        head->model = model;
        ok = read_once(&reading, false);
    }
    if (!ok)
        instances_done(instances);
    return ok;
}
