/* libFuzzer target: any bytes as a prediction's CSV body. All rows at once and
 * a row at a time give the same inputs, or the same error. The first byte
 * chooses model, header and dialect, the second which call fails. */
#include "fuzz.h"
#include "predict/instances.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const struct recipe *recipe;
    struct csv_options options;
    struct csv_body body;
};

static struct recipe *recipes[2];

static bool all_read(void *self, struct err *err)
{
    struct trial *trial = self;
    struct instances instances = {0};
    bool good = instances_from_csv(trial->recipe, &trial->body, &instances, err);
    instances_done(&instances);
    return good;
}

static bool each_read(void *self, struct err *err)
{
    struct trial *trial = self;
    struct instances unknown = {0}, all = {0};
    const struct csv_field *fields;
    uint32_t n_inputs = trial->recipe->n_inputs, n_fields, n = 0;
    float *x = calloc(n_inputs, sizeof *x);
    enum instances_row result = ROW_FAILED;
    bool whole = instances_from_csv(trial->recipe, &trial->body, &all, err);
    struct instances_csv *rows = instances_csv_new(trial->recipe, &trial->body, &unknown, err);
    if (rows)
        instances_csv_names(rows, &n_fields);
    while (rows && (result = instances_csv_row(rows, x, &fields, &n_fields, err)) > ROW_END) {
        for (uint32_t i = 0; i < n_inputs; i++)
            require(isfinite(x[i]), "inputs are finite");
        require(!whole ||
                    (n < all.n_rows && memcmp(x, all.x + (size_t)n * n_inputs, n_inputs * sizeof *x) == 0),
                "a row is a row");
        n++;
    }
    require(!whole || (result == ROW_END && n == all.n_rows), "all rows are read one by one");
    instances_csv_free(rows);
    instances_done(&unknown);
    instances_done(&all);
    free(x);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    static const char *const names[] = {"b", "a", "zz", "c"}, *const missing[] = {"x"};
    if (!recipes[0]) {
        recipes[0] = fuzz_recipe(fuzz_numbers);
        recipes[1] = fuzz_recipe(fuzz_mixed);
    }
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input);
    struct trial trial = {.recipe = recipes[choice & 1], .options = {.header = (choice >> 1) % 3 - 1}};
    if (choice & 8)
        trial.options = (struct csv_options){
            .header = trial.options.header, .separator = ";|\t "[choice >> 4 & 3], .decimal = ','};
    if (choice & 64)
        trial.options.names = names, trial.options.n_names = 4;
    if (choice & 128)
        trial.options.missing = missing, trial.options.n_missing = 1;
    char *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    trial.body = (struct csv_body){exact, input.n, &trial.options};
    fuzz_run(0, each_read, &trial);
    fuzz_run(fault, all_read, &trial);
    free(exact);
    return 0;
}
