/* A prediction request as JSON: its members, and which model it means. One walk
 * over the bytes where the model is known before its instances come. */
#include "base/near.h"
#include "predict/instances_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LATER_BYTES (64u << 10) /* fewer are scanned at once */

static bool fail(struct json_rows *rows, const char *what)
{
    if (what == scan_no_memory)
        return err_memory(rows->err, "a text of the body");
    return err_set(rows->err, ERR_INPUT, "the body is not valid JSON: %s %s", what, rows_place(rows).text);
}

/* Ask for the model as the body names it so far, and get ready for its rows. */
static bool model_find(struct json_rows *rows)
{
    const struct instances_models *models = rows->models;
    const char *name = rows->has_name ? rows->name : models->name;

    rows_end(rows);
    instances_restart(rows->instances);
    snprintf(rows->found_name, sizeof rows->found_name, "%s", name ? name : "");
    rows->found_version = rows->version;
    rows->recipe = models->find(models->self, name, rows->version, rows->err);
    if (!rows->recipe)
        return false;
    rows->found = true;
    rows->scanned = false;
    rows_begin(rows);
    return true;
}

static bool member_fail(struct json_rows *rows, const char *field, const char *what)
{
    err_set(rows->err, ERR_INPUT, "'%s' %s (byte %zu)", field, what, rows_here(rows));
    return err_field(rows->err, field);
}

static bool take_model(struct json_rows *rows)
{
    struct scan_text name;
    const char *wrong;

    if (rows->has_name)
        return member_fail(rows, "model", "appears twice");
    if (scan_peek(&rows->scan) != '"')
        return member_fail(rows, "model", "must be a text: the name of a model");
    if ((wrong = scan_string(&rows->scan, &name)))
        return fail(rows, wrong);
    if (name.length > MODEL_NAME_MAX || memchr(name.text, 0, name.length))
        return member_fail(rows, "model", "is not the name of a model");
    memcpy(rows->name, name.text, name.length);
    rows->name[name.length] = 0;
    rows->has_name = true;
    if (rows->models->name && strcmp(rows->models->name, rows->name) != 0)
        return member_fail(rows, "model", "differs from the one in the URL");
    return true;
}

static bool take_version(struct json_rows *rows)
{
    if (rows->has_version)
        return member_fail(rows, "version", "appears twice");
    if (!scan_version(&rows->scan, &rows->version))
        return member_fail(rows, "version", "must be a whole number from 1");
    rows->has_version = true;
    return true;
}

/* Scan the instances at once where the model is known by now, else remember
 * where they are. */
static bool meet_instances(struct json_rows *rows)
{
    if (rows->array)
        return member_fail(rows, "instances", "appears twice");
    if (scan_peek(&rows->scan) != '[')
        return member_fail(rows, "instances", "must be an array of rows: [[...], ...] or [{...}, ...]");
    rows->array = rows->scan.at;
    if (rows->has_name || rows->models->name) {
        if (model_find(rows) && rows_take(rows))
            return true;
        rows->early = *rows->err;
        rows->early_failed = true; /* a version that comes later may still change it */
        rows->scan.at = rows->array;
        return !scan_skip_brackets(&rows->scan);
    }
    const char *wrong = scan_skip_brackets(&rows->scan);
    return !wrong || fail(rows, wrong);
}

static bool take_top_member(struct json_rows *rows, struct scan_text name)
{
    char text[64];

    if (text_equals("model", name.text, name.length))
        return take_model(rows);
    if (text_equals("version", name.text, name.length))
        return take_version(rows);
    if (text_equals("instances", name.text, name.length))
        return meet_instances(rows);
    if (text_equals("strokes", name.text, name.length))
        return member_fail(rows, "strokes", "and \"instances\" exclude each other");
    snprintf(text, sizeof text, "%.*s", (int)(name.length < 60 ? name.length : 60), name.text);
    return words_unknown("model version instances strokes", "field", text, rows->err);
}

/* The body's object, and nothing after it. */
static bool take_body(struct json_rows *rows)
{
    struct scan *scan = &rows->scan;
    struct scan_text name;
    const char *wrong;

    if (!scan_take(scan, '{'))
        return fail(rows, "expected an object, {\"model\": ..., \"instances\": ...}");
    if (!scan_take(scan, '}')) {
        do {
            if (scan_peek(scan) != '"')
                return fail(rows, "expected a member's name in quotes");
            if ((wrong = scan_string(scan, &name)))
                return fail(rows, wrong);
            if (!scan_take(scan, ':'))
                return fail(rows, "expected ':'");
            if (!take_top_member(rows, name))
                return false;
        } while (scan_take(scan, ','));
        if (!scan_take(scan, '}'))
            return fail(rows, "expected ',' or '}'");
    }
    scan_blanks(scan);
    return scan->at == scan->end || fail(rows, "expected nothing after the object");
}

/* What the body said after its instances may mean another model than the one
 * they were scanned for. */
static bool take_late(struct json_rows *rows)
{
    if (!rows->array) {
        err_set(rows->err, ERR_INPUT,
                "'instances' is missing: the rows to predict, [[...], ...] or [{...}, ...]");
        return err_field(rows->err, "instances");
    }
    bool same = rows->found && rows->version == rows->found_version &&
                (!rows->has_name || strcmp(rows->name, rows->found_name) == 0);
    if (same && rows->scanned)
        return true;
    if (rows->early_failed && rows->version == rows->found_version) {
        *rows->err = rows->early;
        return false;
    }
    return model_find(rows) && rows_take(rows);
}

static bool body_take(const char *bytes, size_t n, const struct instances_models *models, bool later,
                      struct instances *instances, struct err *err)
{
    struct json_rows rows = {.models = models, .instances = instances, .err = err, .later = later};

    instances_restart(instances);
    scan_init(&rows.scan, bytes, n);
    bool ok = take_body(&rows);
    if (!ok && rows.early_failed)
        *err = rows.early; /* it came first */
    ok = ok && take_late(&rows);
    rows_end(&rows);
    scan_done(&rows.scan);
    if (!ok)
        instances_done(instances);
    return ok;
}

bool instances_from_json(const char *bytes, size_t n, const struct instances_models *models, bool later,
                         struct instances *instances, struct err *err)
{
    /* Brackets in texts may mislead who looks at brackets only. */
    return (later && n >= LATER_BYTES && body_take(bytes, n, models, true, instances, err)) ||
           body_take(bytes, n, models, false, instances, err);
}
