/* Two models for the tests of prediction requests. */
#ifndef HELPER_SHELF_H
#define HELPER_SHELF_H

#include "predict/instances.h"

/* The models that a request may name: "mixed", "numbers" (version 2 is
 * mixed). */
struct shelf {
    struct recipe *mixed, *numbers;
    uint32_t n_finds;
};

extern struct shelf shelf;

/* Before and after each test. */
void shelf_fill(void);
void shelf_clear(void);
/* As instances_models.find; self: the shelf. */
const struct recipe *shelf_find(void *self, const char *name, uint32_t version, struct err *err);
/* The whole of a JSON body with instances, for a model of the shelf. */
bool shelf_json(const char *bytes, size_t n, struct head_url url, bool later, struct instances *instances,
                struct err *err);

#endif
