/* What binding.c and binding_target.c share. */
#ifndef MLP_ENGINE_RECIPE_BINDING_H
#define MLP_ENGINE_RECIPE_BINDING_H

#include "mlp/binding.h"
#include "recipe/private.h"

enum plan_kind {
    PLAN_BYTE,         /* byte into a scaled or standardised column */
    PLAN_NUMBER,       /* float into such a one */
    PLAN_VALUE,        /* number of another type into such a one */
    PLAN_LEVEL_NUMBER, /* level whose text is a number into such a one */
    PLAN_LEVEL,        /* level into a one-hot column */
    PLAN_BYTE_HOT,     /* byte into a one-hot column, by its text */
    PLAN_NUMBER_HOT,   /* any number into a one-hot column, by its text */
    PLAN_DATE,         /* date into a date column */
    PLAN_DATE_SWAPPED, /* the same, read with day and month the other way: the model knows which is which */
    PLAN_DATE_MISSING, /* a column without values into a date column */
};

/* One used column of the recipe. */
struct plan {
    enum plan_kind kind;
    uint32_t offset;       /* in the record */
    enum column_type type; /* of the table's column */
    bool zero;             /* bytes that are zero in every row of the table */
    const struct recipe_column *column;
    uint32_t n_levels;      /* of the table's column */
    uint32_t *level_inputs; /* (n_levels), counted from the column's first input; LEVEL_NONE: no input */
    double *level_numbers;  /* (n_levels) */
};

/* A class that is a number, for tables that hold the target as numbers. */
struct class_value {
    double value; /* as a float where the table's column holds floats */
    int32_t class;
};

/* How a record's target is read. */
struct binding_target {
    enum { TARGET_NONE, TARGET_BYTE, TARGET_NUMBER, TARGET_LEVEL } kind;
    enum column_type type; /* of the table's column */
    uint32_t offset;
    uint32_t n_levels;
    int32_t *level_classes; /* TARGET_LEVEL, classification: (n_levels), -1: not one of the recipe's */
    float *level_values;    /* TARGET_LEVEL, regression: (n_levels) */
    uint32_t n_values;
    struct class_value *values; /* TARGET_NUMBER, classification: (n_values), ascending */
    int32_t byte_classes[256];  /* TARGET_BYTE, classification */
};

struct binding {
    const struct recipe *recipe;
    struct table *table;
    const uint8_t *records;
    uint64_t record_bytes;
    uint32_t n_plans, n_runs;
    struct plan *plans;    /* (n_plans), in the order of inputs */
    struct byte_run *runs; /* (n_runs), `first` is an input; none where binding_has_bytes is false */
    struct binding_target target;
};

bool binding_target_init(struct binding_target *target, const struct recipe *recipe,
                         const struct table *table, bool need, struct err *err);
void binding_target_done(struct binding_target *target);
int32_t target_class(const struct binding_target *target, const uint8_t *record);
float target_value(const struct binding_target *target, const uint8_t *record);

#endif
