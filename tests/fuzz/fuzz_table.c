/* libFuzzer target: any bytes as a table file. What opens can be read row by
 * row, shown, written as CSV and learnt from. The first byte chooses whether
 * the checksums are mended first, so that what lies behind them is reached (1),
 * and the recipe's target; the second which call fails. */
#include "base/csv_write.h"
#include "datasets/profile.h"
#include "fuzz.h"
#include "mend.h"
#include "mlp/association.h"
#include "mlp/binding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_MAX = 4096 };
static void rows_read(const struct table *table)
{
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *column = table_column(table, i);
        uint64_t n_text = 0;
        require(table_find(table, column->name) >= 0, "a column is found by its name");
        for (uint32_t level = 0; level < column->n_levels; level++)
            n_text += strlen(column->levels[level]);
        for (uint64_t row = 0; row < table_n_rows(table); row++) {
            const char *text = column_has_texts(column) ? table_text(table, i, row) : NULL;
            n_text += text ? strlen(text) : 0;
            if (column->type == COLUMN_BYTE)
                require(table_number(table, i, row) >= 0, "a byte is a number");
        }
        require(n_text < 1u << 24, "texts end");
    }
}

static bool rows_write(const struct table *table, struct err *err)
{
    struct writer writer;
    writer_init(&writer);
    csv_put_names(&writer, table);
    for (uint64_t row = 0; row < table_n_rows(table); row++)
        csv_put_row(&writer, table, row);
    size_t n;
    char *text = writer_take(&writer, &n, err);
    free(text);
    return text != NULL;
}

static bool recipe_use(struct table *table, uint8_t choice, struct err *err)
{
    struct recipe_options options = {0};
    uint32_t n_rows = (uint32_t)table_n_rows(table), *rows = malloc(n_rows * sizeof *rows);
    options.target = choice & 2 ? table_column(table, 0)->name : NULL;
    for (uint32_t i = 0; rows && i < n_rows; i++)
        rows[i] = i;
    struct recipe *recipe =
        rows ? recipe_fit(table, rows, n_rows, &options, err) : (err_memory(err, "rows"), NULL);
    struct binding *binding = recipe ? recipe_bind(recipe, table, true, err) : NULL;
    float *x = binding ? malloc(recipe->n_inputs * sizeof *x) : NULL;
    for (uint32_t row = 0; x && row < n_rows; row++) {
        binding_encode(binding, row, x);
        for (uint32_t i = 0; i < recipe->n_inputs; i++)
            require(isfinite(x[i]), "inputs are finite");
        require(recipe->task != TASK_CLASSIFICATION ||
                    binding_class(binding, row) < (int32_t)recipe->n_classes,
                "a class is one of them");
    }
    bool good = x || (binding && err_memory(err, "inputs"));
    free(x);
    binding_free(binding);
    recipe_free(recipe);
    free(rows);
    return good;
}

static bool table_use(void *self, struct err *err)
{
    const uint8_t *choice = self;
    struct table *table = table_open(fuzz_path(0), err);
    if (!table || table_n_rows(table) > RECORDS_MAX || table_n_columns(table) > 64) {
        table_unref(table);
        return table != NULL;
    }
    atomic_bool stop = false;
    double *association = malloc(table_n_columns(table) * sizeof *association);
    bool good =
        (association || err_memory(err, "figures")) && table_association(table, 0, association, &stop, err);
    char *profile = good ? profile_make(table, NULL, err) : NULL;
    rows_read(table);
    good = profile && rows_write(table, err) && recipe_use(table, *choice, err) && table_verify(table, err);
    free(profile);
    free(association);
    table_unref(table);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input), *bytes = malloc(input.n + 1);
    memcpy(bytes, input.at, input.n);
    if (choice & 1)
        mend_table(bytes, input.n);
    close(fuzz_file(0, bytes, input.n));
    free(bytes);
    fuzz_run(fault, table_use, &choice);
    return 0;
}
