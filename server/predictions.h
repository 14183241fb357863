/* The reply to a prediction: {"model","version","predictions":[{"label","probability","probabilities"}|{"value"}],"warnings"}. */
#ifndef MLPD_PREDICTIONS_H
#define MLPD_PREDICTIONS_H

#include "instances.h"
#include "writer.h"

#include "mlp/digit.h"
#include "mlp/model.h"

/* outputs: (n_rows, model_n_outputs) from model_predict. "warnings" stands there only where there are some. Always valid JSON: what
 * is not finite is null. */
void predictions_write(struct writer *writer, const struct recipe *recipe, const char *name, uint32_t version, const float *outputs,
                       uint32_t n_rows, const struct instances *instances);
/* The same with "image", the picture (DIGIT_PIXELS) that was made of strokes; NULL: none. */
void predictions_write_drawn(struct writer *writer, const struct recipe *recipe, const char *name, uint32_t version, const float *outputs,
                             uint32_t n_rows, const struct instances *instances, const uint8_t *picture);

/* The likeliest class; of equal ones the first. What is not a number is never likelier. */
uint32_t predictions_best(const float *probabilities, uint32_t n);

#endif
