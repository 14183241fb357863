/* The members of a prediction request as JSON. */
#include "predict/head.h"

#include "base/near.h"

#include <stdio.h>
#include <string.h>

struct place scan_place(const struct scan *scan)
{
    struct place place;
    char found[24] = "the end";
    if (scan->at < scan->end)
        snprintf(found, sizeof found, *scan->at > ' ' && *scan->at < 127 ? "'%c'" : "byte 0x%02x",
                 (unsigned char)*scan->at);
    snprintf(place.text, sizeof place.text, "at byte %zu, found %s", scan_here(scan), found);
    return place;
}

bool head_invalid(const struct scan *scan, const char *what, struct err *err)
{
    if (what == scan_no_memory)
        return err_memory(err, "a text of the body");
    return err_set(err, ERR_INPUT, "the body is not valid JSON: %s %s", what, scan_place(scan).text);
}

bool head_wrong(const struct json_head *head, const char *field, const char *what, struct err *err)
{
    err_set(err, ERR_INPUT, "'%s' %s (byte %zu)", field, what, scan_here(&head->scan));
    return err_field(err, field);
}

bool head_model_equal(const struct head_model *a, const struct head_model *b)
{
    return a->version == b->version && a->has_name == b->has_name && !strcmp(a->name, b->name);
}

static bool model_take(struct json_head *head, struct err *err)
{
    struct head_model *model = &head->model;
    struct scan_text name;
    const char *wrong;
    if (model->names_it)
        return head_wrong(head, "model", "appears twice", err);
    if (scan_peek(&head->scan) != '"')
        return head_wrong(head, "model", "must be a text: the name of a model", err);
    if ((wrong = scan_string(&head->scan, &name)))
        return head_invalid(&head->scan, wrong, err);
    if (name.length == 0 || name.length > HEAD_NAME_MAX || memchr(name.text, 0, name.length))
        return head_wrong(head, "model", "is not the name of a model", err);
    memcpy(model->name, name.text, name.length);
    model->name[name.length] = 0;
    model->has_name = model->names_it = true;
    if (!head->url.name || !strcmp(head->url.name, model->name))
        return true;
    err_set(err, ERR_INPUT,
            "'model' is \"%.64s\" in the body, and differs from the one in the URL, \"%.64s\"", model->name,
            head->url.name);
    return err_field(err, "model");
}

static bool version_take(struct json_head *head, struct err *err)
{
    struct head_model *model = &head->model;
    if (model->versions_it)
        return head_wrong(head, "version", "appears twice", err);
    if (!scan_version(&head->scan, &model->version))
        return head_wrong(head, "version", "must be a whole number from 1", err);
    model->versions_it = true;
    if (!head->url.version || head->url.version == model->version)
        return true;
    err_set(err, ERR_INPUT, "'version' is %u in the body, and differs from the one in the URL, %u",
            model->version, head->url.version);
    return err_field(err, "version");
}

/* The rows' value comes next. */
static bool rows_meet(struct json_head *head, enum head_rows kind, const char *field, struct err *err)
{
    if (head->kind == kind)
        return head_wrong(head, field, "appears twice", err);
    if (head->kind != HEAD_NONE) {
        const char *other = kind == HEAD_STROKES ? "and \"instances\" exclude each other"
                                                 : "and \"strokes\" exclude each other";
        return head_wrong(head, field, other, err);
    }
    scan_blanks(&head->scan);
    head->kind = kind;
    head->rows = head->scan.at;
    return true;
}

/* A member's value, or of rows only where it is. */
static bool member_take(struct json_head *head, struct scan_text name, struct err *err)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(name.length < 60 ? name.length : 60), name.text);
    bool whole = strlen(text) == name.length;
    if (whole && !strcmp(text, "model"))
        return model_take(head, err);
    if (whole && !strcmp(text, "version"))
        return version_take(head, err);
    if (whole && !strcmp(text, "instances"))
        return rows_meet(head, HEAD_INSTANCES, text, err);
    if (whole && !strcmp(text, "strokes"))
        return rows_meet(head, HEAD_STROKES, text, err);
    return words_unknown("model version instances strokes", "field", text, err);
}

/* Members from the name at hand on, up to the value of rows or the end. */
static bool members_take(struct json_head *head, struct err *err)
{
    struct scan *scan = &head->scan;
    struct scan_text name;
    const char *wrong, *rows = head->rows;
    do {
        if (scan_peek(scan) != '"')
            return head_invalid(scan, "expected a member's name in quotes", err);
        if ((wrong = scan_string(scan, &name)))
            return head_invalid(scan, wrong, err);
        if (!scan_take(scan, ':'))
            return head_invalid(scan, "expected ':'", err);
        if (!member_take(head, name, err))
            return false;
        if (head->rows != rows)
            return true;
    } while (scan_take(scan, ','));
    return true;
}

static bool end_take(struct json_head *head, struct err *err)
{
    struct scan *scan = &head->scan;
    if (!scan_take(scan, '}'))
        return head_invalid(scan, "expected ',' or '}'", err);
    scan_blanks(scan);
    return scan->at == scan->end || head_invalid(scan, "expected nothing after the object", err);
}

bool head_read(struct json_head *head, const char *bytes, size_t n, struct head_url url, struct err *err)
{
    *head = (struct json_head){.url = url, .model = {.version = url.version, .has_name = url.name != NULL}};
    if (url.name)
        snprintf(head->model.name, sizeof head->model.name, "%s", url.name);
    scan_init(&head->scan, bytes, n);
    if (!scan_encoding_check(bytes, n, err))
        return false;
    if (!scan_take(&head->scan, '{'))
        return head_invalid(&head->scan, "expected an object, {\"model\": ..., \"instances\": ...}", err);
    if (scan_peek(&head->scan) == '}')
        return end_take(head, err);
    return members_take(head, err) && (head->rows || end_take(head, err));
}

bool head_rest(struct json_head *head, struct err *err)
{
    return (!scan_take(&head->scan, ',') || members_take(head, err)) && end_take(head, err);
}

void head_done(struct json_head *head)
{
    scan_done(&head->scan);
}
