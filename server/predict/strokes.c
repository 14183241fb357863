/* Strokes as JSON, with the strict scanner. */
#include "predict/strokes.h"

#include "base/near.h"
#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A body on its way. */
struct reading {
    struct scan scan;
    struct strokes *strokes;
    struct err *err;
    bool has_model, has_version, has_strokes;
    /* Owned. Room for as many as the body's bytes can hold, up to the limit. */
    struct digit_point *points;
    uint32_t *ends;
    uint32_t n_points, n_strokes, most_points, most_strokes;
};

static bool is(const struct scan_text *text, const char *word)
{
    return text->length == strlen(word) && !memcmp(text->text, word, text->length);
}

bool strokes_are_asked(const char *bytes, size_t n)
{
    struct scan scan;
    struct scan_text name;
    bool asked = false;
    scan_init(&scan, bytes, n);
    bool more = scan_take(&scan, '{');
    while (more && scan_peek(&scan) == '"' && !scan_string(&scan, &name) && scan_take(&scan, ':')) {
        asked = is(&name, "strokes");
        if (asked || is(&name, "instances") || scan_skip(&scan))
            break;
        more = scan_take(&scan, ',');
    }
    scan_done(&scan);
    return asked;
}

static size_t byte_here(const struct reading *r)
{
    return (size_t)(r->scan.at - r->scan.bytes) + 1;
}

static bool invalid(struct reading *r, const char *what)
{
    if (what == scan_no_memory)
        return err_memory(r->err, "a text of the body");
    return err_set(r->err, ERR_INPUT, "the body is not valid JSON: %s at byte %zu", what, byte_here(r));
}

static bool wrong(struct reading *r, const char *field, const char *what)
{
    err_set(r->err, ERR_INPUT, "'%s' %s (byte %zu)", field, what, byte_here(r));
    return err_field(r->err, field);
}

static bool too_many(struct reading *r, const char *what)
{
    err_set(r->err, ERR_LIMIT, "'strokes' holds more than %d %s", DIGIT_POINTS_MAX, what);
    return err_field(r->err, "strokes");
}

static bool take_model(struct reading *r)
{
    struct scan_text name;
    const char *why;
    if (r->has_model)
        return wrong(r, "model", "appears twice");
    if (scan_peek(&r->scan) != '"')
        return wrong(r, "model", "must be a text: the name of a model");
    if ((why = scan_string(&r->scan, &name)))
        return invalid(r, why);
    if (name.length == 0 || name.length > STROKES_MODEL_MAX || memchr(name.text, 0, name.length))
        return wrong(r, "model", "is not the name of a model");
    memcpy(r->strokes->model, name.text, name.length);
    r->strokes->model[name.length] = 0;
    return r->has_model = true;
}

static bool take_version(struct reading *r)
{
    if (r->has_version)
        return wrong(r, "version", "appears twice");
    if (!scan_version(&r->scan, &r->strokes->version))
        return wrong(r, "version", "must be a whole number from 1");
    return r->has_version = true;
}

/* One number of a point. */
static bool take_number(struct reading *r, float *number)
{
    char next = scan_peek(&r->scan);
    const char *why;
    if (next != '-' && (next < '0' || next > '9'))
        return wrong(r, "strokes", "must hold points of two numbers, [x,y]");
    return !(why = scan_number(&r->scan, number)) || invalid(r, why);
}

static bool take_point(struct reading *r)
{
    struct digit_point point;
    if (r->n_points == r->most_points)
        return too_many(r, "points");
    if (!scan_take(&r->scan, '['))
        return wrong(r, "strokes", "must hold strokes of points, [[[x,y],...],...]");
    if (!take_number(r, &point.x))
        return false;
    if (!scan_take(&r->scan, ','))
        return wrong(r, "strokes", "must hold points of two numbers, [x,y]");
    if (!take_number(r, &point.y))
        return false;
    if (!scan_take(&r->scan, ']'))
        return wrong(r, "strokes", "must hold points of two numbers, [x,y]");
    r->points[r->n_points++] = point;
    return true;
}

/* The things of an array, each by `take`. */
static bool take_array(struct reading *r, bool (*take)(struct reading *r))
{
    if (!scan_take(&r->scan, '['))
        return wrong(r, "strokes", "must be an array of strokes, [[[x,y],...],...]");
    if (scan_take(&r->scan, ']'))
        return true;
    do {
        if (!take(r))
            return false;
    } while (scan_take(&r->scan, ','));
    return scan_take(&r->scan, ']') || invalid(r, "expected ',' or ']'");
}

static bool take_stroke(struct reading *r)
{
    if (r->n_strokes == r->most_strokes)
        return too_many(r, "strokes");
    if (!take_array(r, take_point))
        return false;
    r->ends[r->n_strokes++] = r->n_points;
    return true;
}

static uint32_t room(const struct reading *r, size_t least_bytes)
{
    size_t most = (size_t)(r->scan.end - r->scan.at) / least_bytes + 1;
    return most < DIGIT_POINTS_MAX ? (uint32_t)most : DIGIT_POINTS_MAX;
}

static bool take_strokes(struct reading *r)
{
    if (r->has_strokes)
        return wrong(r, "strokes", "appears twice");
    r->has_strokes = true;
    r->most_points = room(r, sizeof "[0,0]" - 1);
    r->most_strokes = room(r, sizeof "[]" - 1);
    r->points = malloc(r->most_points * sizeof *r->points);
    r->ends = malloc(r->most_strokes * sizeof *r->ends);
    if (!r->points || !r->ends)
        return err_memory(r->err, "the strokes");
    return take_array(r, take_stroke);
}

static bool take_member(struct reading *r)
{
    struct scan_text name;
    const char *why;
    char text[64];
    if (scan_peek(&r->scan) != '"')
        return invalid(r, "expected a member's name in quotes");
    if ((why = scan_string(&r->scan, &name)))
        return invalid(r, why);
    if (!scan_take(&r->scan, ':'))
        return invalid(r, "expected ':'");
    if (is(&name, "model"))
        return take_model(r);
    if (is(&name, "version"))
        return take_version(r);
    if (is(&name, "strokes"))
        return take_strokes(r);
    snprintf(text, sizeof text, "%.*s", (int)(name.length < 60 ? name.length : 60), name.text);
    if (is(&name, "instances"))
        return wrong(r, text, "and \"strokes\" exclude each other");
    return words_unknown("model version strokes instances", "field", text, r->err);
}

static bool take_body(struct reading *r)
{
    if (!scan_take(&r->scan, '{'))
        return invalid(r, "expected an object, {\"model\": ..., \"strokes\": ...}");
    do {
        if (!take_member(r))
            return false;
    } while (scan_take(&r->scan, ','));
    if (!scan_take(&r->scan, '}'))
        return invalid(r, "expected ',' or '}'");
    scan_blanks(&r->scan);
    return r->scan.at == r->scan.end || invalid(r, "expected nothing after the object");
}

bool strokes_read(const char *bytes, size_t n, struct strokes *strokes, struct err *err)
{
    struct reading r = {.strokes = strokes, .err = err};
    strokes->model[0] = 0;
    strokes->version = 0;
    scan_init(&r.scan, bytes, n);
    bool ok = take_body(&r) && (r.has_strokes || wrong(&r, "strokes", "is missing"));
    ok = ok && digit_from_strokes(r.points, r.ends, r.n_strokes, strokes->picture, err);
    free(r.points);
    free(r.ends);
    scan_done(&r.scan);
    return ok;
}
