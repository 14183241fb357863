/* Fields of a control message: a table row each, with what stands for a right
 * value and a setter. Pure functions. */
#ifndef MLPD_JOBS_JSON_FIELD_H
#define MLPD_JOBS_JSON_FIELD_H

#include "jobs/jobs.h"
#include "json/message.h"

struct field;
typedef bool set_function(struct job_request *request, const struct field *field, const struct message *value,
                          struct err *err);

/* How a query parameter's text becomes a value. */
enum form { FORM_TEXT, FORM_NUMBER, FORM_BOOL, FORM_NUMBERS, FORM_TEXTS, FORM_NUMBER_OR_TEXT };

struct field {
    const char *name;
    enum form form;
    set_function *set;
    size_t offset;      /* in struct job_request, for the setters that store one value */
    double least, most; /* of numbers; `above`: greater than least */
    bool above;
    const char *expected;
};

/* ERR_INPUT: "name": expected ..., found ...; false. */
bool field_wrong(struct err *err, const char *name, const char *expected, const struct message *value);
/* ERR_INPUT: there is no field of that name, but those words, which have single
 * blanks between; false. */
bool field_unknown(struct err *err, const char *name, const char *words);

/* The finite number within the field's bounds, a whole one, a word that `find`
 * knows. */
bool field_number(const struct field *field, const struct message *value, double *number, struct err *err);
bool field_whole(const struct field *field, const struct message *value, double *number, struct err *err);
bool field_word(const struct field *field, const struct message *value, int (*find)(const char *name),
                int *word, struct err *err);

/* A job's settings, in POST /train and PATCH /jobs/{j}. */
#define FIELD_PRIORITY                                                                                       \
    {                                                                                                        \
        "priority", FORM_NUMBER, field_set_int32, offsetof(struct job_request, priority), PRIORITY_MIN,      \
            PRIORITY_MAX, false, "a whole number from -10 to 10, higher ones first"                          \
    }
#define FIELD_WEIGHT                                                                                         \
    {                                                                                                        \
        "weight", FORM_NUMBER, field_set_uint32, offsetof(struct job_request, weight), 1, WEIGHT_MAX, false, \
            "a whole number from 1 to 100, the share of the time"                                            \
    }
#define FIELD_MAX_SECONDS                                                                                    \
    {                                                                                                        \
        "max_seconds", FORM_NUMBER, field_set_double, offsetof(struct job_request, max_seconds), 0, 1e9,     \
            true, "a number of seconds above 0"                                                              \
    }

/* Setters that store one value at the field's place. */
void *field_place(struct job_request *request, const struct field *field);
set_function field_set_float, field_set_double, field_set_int32, field_set_uint32, field_set_uint64,
    field_set_bool;

#endif
