/* Strokes as JSON, with the strict scanner. */
#include "predict/strokes.h"

#include <stdlib.h>

/* The strokes on their way. */
struct reading {
    struct json_head *head;
    struct scan *scan; /* the head's */
    struct err *err;
    /* Owned. Room for as many as the body's bytes can hold, up to the limit. */
    struct digit_point *points;
    uint32_t *ends;
    uint32_t n_points, n_strokes, most_points, most_strokes;
};

static bool wrong(struct reading *r, const char *what)
{
    return head_wrong(r->head, "strokes", what, r->err);
}

static bool too_many(struct reading *r, const char *what)
{
    err_set(r->err, ERR_LIMIT, "'strokes' holds more than %d %s", DIGIT_POINTS_MAX, what);
    return err_field(r->err, "strokes");
}

/* One number of a point. */
static bool take_number(struct reading *r, float *number)
{
    char next = scan_peek(r->scan);
    const char *why;
    if (!scan_begins_number(next))
        return wrong(r, "must hold points of two numbers, [x,y]");
    return !(why = scan_number(r->scan, number)) || head_invalid(r->scan, why, r->err);
}

static bool take_point(struct reading *r)
{
    struct digit_point point;
    if (r->n_points == r->most_points)
        return too_many(r, "points");
    if (!scan_take(r->scan, '['))
        return wrong(r, "must hold strokes of points, [[[x,y],...],...]");
    if (!take_number(r, &point.x))
        return false;
    if (!scan_take(r->scan, ','))
        return wrong(r, "must hold points of two numbers, [x,y]");
    if (!take_number(r, &point.y))
        return false;
    if (!scan_take(r->scan, ']'))
        return wrong(r, "must hold points of two numbers, [x,y]");
    r->points[r->n_points++] = point;
    return true;
}

/* The things of an array, each by `take`. */
static bool take_array(struct reading *r, bool (*take)(struct reading *r))
{
    if (!scan_take(r->scan, '['))
        return wrong(r, "must be an array of strokes, [[[x,y],...],...]");
    if (scan_take(r->scan, ']'))
        return true;
    do {
        if (!take(r))
            return false;
    } while (scan_take(r->scan, ','));
    return scan_take(r->scan, ']') || head_invalid(r->scan, "expected ',' or ']'", r->err);
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
    size_t most = (size_t)(r->scan->end - r->scan->at) / least_bytes + 1;
    return most < DIGIT_POINTS_MAX ? (uint32_t)most : DIGIT_POINTS_MAX;
}

static bool take_strokes(struct reading *r)
{
    r->most_points = room(r, sizeof "[0,0]" - 1);
    r->most_strokes = room(r, sizeof "[]" - 1);
    r->points = malloc(r->most_points * sizeof *r->points);
    r->ends = malloc(r->most_strokes * sizeof *r->ends);
    if (!r->points || !r->ends)
        return err_memory(r->err, "the strokes");
    return take_array(r, take_stroke);
}

bool strokes_from_json(struct json_head *head, uint8_t picture[DIGIT_PIXELS], struct err *err)
{
    struct reading r = {.head = head, .scan = &head->scan, .err = err};
    bool ok = take_strokes(&r) && head_rest(head, err) &&
              digit_from_strokes(r.points, r.ends, r.n_strokes, picture, err);
    free(r.points);
    free(r.ends);
    return ok;
}
