/* What the files of POST /train's fields share: setters as struct field has
 * them, each of the field of its name. */
#ifndef MLPD_JOBS_JSON_TRAIN_PRIVATE_H
#define MLPD_JOBS_JSON_TRAIN_PRIVATE_H

#include "jobs/json_field.h"

#include <stddef.h>

#define EPOCHS_MAX 100000
#define PLACE(member) offsetof(struct job_request, member)
#define RATE "a number above 0 and at most 1000"
#define POSITIVE "a number of at least 0"

/* json_train_columns.c */
set_function train_set_ignore, train_set_features, train_set_recipe, train_set_sample_weight,
    train_set_class_weight;
/* json_train_parts.c */
set_function train_set_layers, train_set_optimizer, train_set_schedule, train_set_weight_decay,
    train_set_early_stopping, train_set_augmentation, train_set_image;

#endif
