/* The reply to a prediction:
 * {"model","version","predictions":[{"label","probability","probabilities"}|{"value"}|{"error"}],"warnings"}.
 */
#ifndef MLPD_PREDICT_PREDICTIONS_H
#define MLPD_PREDICT_PREDICTIONS_H

#include "base/writer.h"
#include "predict/instances.h"

#include "mlp/digit.h"
#include "mlp/model.h"

/* What the rows of a reply share. Any number of threads may write rows, each
 * into its own writer; text that predictions_rows wrote is put after other rows
 * with writer_raw. Always valid JSON: what is not finite is null. */
struct predictions {
    const struct recipe *recipe;
    struct writer keys;                  /* the classes as keys with their colons, one after the other */
    uint32_t at[RECIPE_CLASSES_MAX + 1]; /* (n_classes + 1): where each begins, and the end */
};
/* recipe and claim (NULL: nothing is reserved) outlive it. ERR_MEMORY, or as
 * claim_take; then there is nothing to give up. */
bool predictions_init(struct predictions *predictions, const struct recipe *recipe, struct claim *claim,
                      struct err *err);
void predictions_done(struct predictions *predictions);

/* Up to the first row. */
void predictions_begin(struct writer *writer, const char *name, uint32_t version);
/* outputs: (n_rows, model_n_outputs) from model_predict. */
void predictions_rows(struct writer *writer, const struct predictions *predictions, const float *outputs,
                      uint32_t n_rows);
/* In the place of a row that could not be read: {"error": why}. */
void predictions_bad(struct writer *writer, const char *why);
/* What a reply says besides its rows. */
struct predictions_notes {
    const uint8_t *picture; /* (DIGIT_PIXELS), made of strokes or of a file; NULL: none */
    bool evened;            /* its paper was not of one shade */
    uint32_t version,
        wanted;         /* which answers, in the place of which damaged one; wanted 0: it is the wanted one */
    const char *reason; /* what is wrong with that */
};
/* What follows the last row: "image", "warnings" and "fallback" stand there
 * only where there are some. */
void predictions_end(struct writer *writer, const struct instances *instances,
                     const struct predictions_notes *notes);

/* The likeliest class; of equal ones the first. What is not a number is never
 * likelier. */
uint32_t predictions_best(const float *probabilities, uint32_t n);

#endif
