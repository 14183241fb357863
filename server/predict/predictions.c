/* The reply to a prediction, made without a tree: labels are escaped once,
 * numbers go straight to text. */
#include "predict/predictions.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool predictions_init(struct predictions *predictions, const struct recipe *recipe, struct claim *claim,
                      struct err *err)
{
    uint32_t n_classes = recipe->task == TASK_CLASSIFICATION ? recipe->n_classes : 0;
    struct writer *keys = &predictions->keys;

    predictions->recipe = recipe;
    writer_init(keys);
    keys->claim = claim;
    for (uint32_t i = 0; i < n_classes; i++) {
        predictions->at[i] = (uint32_t)keys->n;
        writer_key(keys, recipe->classes[i]);
    }
    predictions->at[n_classes] = (uint32_t)keys->n;
    if (!keys->failed)
        return true;
    return writer_why(keys, err);
}

void predictions_done(struct predictions *predictions)
{
    writer_done(&predictions->keys);
}

static void put_label(struct writer *writer, const struct predictions *predictions, uint32_t class,
                      bool colon)
{
    const uint32_t *at = predictions->at + class;
    writer_raw(writer, predictions->keys.text + at[0], at[1] - at[0] - !colon);
}

/* A fixed piece of text; the writer puts a comma before it where one
 * belongs. */
static void put_piece(struct writer *writer, const char *piece)
{
    writer_raw(writer, piece, strlen(piece));
}

uint32_t predictions_best(const float *probabilities, uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t i = 1; i < n; i++)
        if (probabilities[i] > probabilities[best] || isnan(probabilities[best]))
            best = i;
    return best;
}

static void put_classes(struct writer *writer, const struct predictions *predictions,
                        const float *probabilities, uint32_t n)
{
    uint32_t best = predictions_best(probabilities, n);

    put_piece(writer, "{\"label\":");
    put_label(writer, predictions, best, false);
    put_piece(writer, "\"probability\":");
    writer_float(writer, probabilities[best]);
    put_piece(writer, "\"probabilities\":{");
    for (uint32_t i = 0; i < n; i++) {
        put_label(writer, predictions, i, true);
        writer_float(writer, probabilities[i]);
    }
    writer_close(writer, '}');
    writer_close(writer, '}');
}

static void put_fallback(struct writer *writer, const struct predictions_notes *notes)
{
    if (!notes->wanted)
        return;
    writer_key(writer, "fallback");
    writer_open(writer, '{');
    writer_put_uint(writer, "wanted", notes->wanted);
    writer_put_string(writer, "reason", notes->reason);
    writer_close(writer, '}');
}

static void put_warnings(struct writer *writer, const struct instances *instances,
                         const struct predictions_notes *notes)
{
    char damaged[96];
    if (instances->n_unknown == 0 && instances->n_bad == 0 && !notes->wanted && !notes->evened)
        return;
    writer_key(writer, "warnings");
    writer_open(writer, '[');
    if (notes->wanted) {
        snprintf(damaged, sizeof damaged,
                 "version %" PRIu32 " of the model is damaged: version %" PRIu32 " answers", notes->wanted,
                 notes->version);
        writer_string(writer, damaged);
    }
    if (notes->evened)
        writer_string(writer,
                      "the picture's paper is not of one shade: it was evened out, as \"image\" shows");
    if (instances->n_bad > 0) {
        snprintf(damaged, sizeof damaged,
                 "%" PRIu32 " of %" PRIu32 " rows could not be read, the first is row %" PRIu32,
                 instances->n_bad, instances->n_rows, instances->bad[0].row + 1);
        writer_string(writer, damaged);
    }
    for (uint32_t i = 0; i < instances->n_unknown; i++) {
        char text[INSTANCES_NAME_MAX + 64];
        int n = snprintf(text, sizeof text, "the model does not know the column '%s': ignored",
                         instances->unknown[i]);
        writer_string_n(writer, text, n < 0 ? 0 : (size_t)n);
    }
    if (instances->more_unknown)
        writer_string(writer, "the model does not know other columns either: ignored");
    writer_close(writer, ']');
}

static void put_picture(struct writer *writer, const uint8_t *picture)
{
    writer_key(writer, "image");
    writer_open(writer, '[');
    for (int i = 0; i < DIGIT_PIXELS; i++)
        writer_uint(writer, picture[i]);
    writer_close(writer, ']');
}

void predictions_begin(struct writer *writer, const char *name, uint32_t version)
{
    writer_open(writer, '{');
    writer_put_string(writer, "model", name);
    writer_put_uint(writer, "version", version);
    writer_key(writer, "predictions");
    writer_open(writer, '[');
}

void predictions_rows(struct writer *writer, const struct predictions *predictions, const float *outputs,
                      uint32_t n_rows)
{
    const struct recipe *recipe = predictions->recipe;

    for (uint32_t row = 0; row < n_rows && !writer->failed; row++) {
        if (recipe->task == TASK_CLASSIFICATION) {
            put_classes(writer, predictions, outputs + (size_t)row * recipe->n_classes, recipe->n_classes);
            continue;
        }
        put_piece(writer, "{\"value\":");
        writer_float(writer, outputs[row]);
        writer_close(writer, '}');
    }
}

void predictions_bad(struct writer *writer, const char *why)
{
    writer_open(writer, '{');
    writer_put_string(writer, "error", why ? why : "the row could not be read");
    writer_close(writer, '}');
}

void predictions_end(struct writer *writer, const struct instances *instances,
                     const struct predictions_notes *notes)
{
    writer_close(writer, ']');
    if (notes->picture)
        put_picture(writer, notes->picture);
    put_warnings(writer, instances, notes);
    put_fallback(writer, notes);
    writer_close(writer, '}');
}
