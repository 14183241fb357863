/* libFuzzer target: any bytes as a table file. What opens can be read row by
 * row, shown, written as CSV and learnt from. The first byte chooses whether
 * the checksums are mended first, so that what lies behind them is reached (1),
 * and the recipe's target; the second which call fails. */
#include "csv_write.h"
#include "fuzz.h"
#include "mlp/association.h"
#include "mlp/binding.h"
#include "profile.h"
#include "table_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_MAX = 4096, COLUMN_BYTES = 56, GROUP_BYTES = 16 };
/* Where the header has what. */
enum { N_ROWS = 16, N_COLUMNS = 24, RECORD_BYTES = 28, N_GROUPS = 32, SCHEMA_AT = 48, SCHEMA_BYTES = 56, SCHEMA_SUM = 64, HEADER_SUM = 72 };

static uint64_t get(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    memcpy(&value, bytes, n);
    return value;
}

static void put(uint8_t *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof value);
}

/* As many groups as lie within the file. Returns where the last one's content ends. */
static uint64_t groups_mend(uint8_t *bytes, uint64_t schema_at, uint8_t *groups, uint64_t n_groups, uint64_t at, uint64_t size)
{
    for (uint64_t i = 0; i < n_groups; i++, groups += GROUP_BYTES) {
        uint64_t n = get(groups, 8);
        if (at > schema_at || (size && n > (schema_at - at) / size))
            break;
        put(groups + 8, table_checksum(bytes + at, (size_t)(n * size)));
        at += n * size;
    }
    return at;
}

static void file_mend(uint8_t *bytes, size_t n)
{
    if (n < TABLE_RECORDS_AT)
        return;
    uint64_t schema_at = get(bytes + SCHEMA_AT, 8), n_groups = get(bytes + N_GROUPS, 8), n_columns = get(bytes + N_COLUMNS, 4);
    if (schema_at < TABLE_RECORDS_AT || schema_at > n)
        return;
    put(bytes + SCHEMA_BYTES, n - schema_at);
    uint64_t groups_at = schema_at + n_columns * COLUMN_BYTES, parts = get(bytes + 8, 4) == 2 ? 2 : 1;
    if (groups_at <= n && n_groups <= (n - groups_at) / GROUP_BYTES) {
        uint8_t *groups = bytes + groups_at;
        uint64_t at = groups_mend(bytes, schema_at, groups, n_groups / parts, TABLE_RECORDS_AT, get(bytes + RECORD_BYTES, 4));
        if (parts == 2)
            groups_mend(bytes, schema_at, groups + n_groups / 2 * GROUP_BYTES, n_groups / 2, at, 1);
    }
    put(bytes + SCHEMA_SUM, table_checksum(bytes + schema_at, n - schema_at));
    put(bytes + HEADER_SUM, table_checksum(bytes, HEADER_SUM));
}

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
    struct recipe *recipe = rows ? recipe_fit(table, rows, n_rows, &options, err) : (err_memory(err, "rows"), NULL);
    struct binding *binding = recipe ? recipe_bind(recipe, table, true, err) : NULL;
    float *x = binding ? malloc(recipe->n_inputs * sizeof *x) : NULL;
    for (uint32_t row = 0; x && row < n_rows; row++) {
        binding_encode(binding, row, x);
        for (uint32_t i = 0; i < recipe->n_inputs; i++)
            require(isfinite(x[i]), "inputs are finite");
        require(recipe->task != TASK_CLASSIFICATION || binding_class(binding, row) < (int32_t)recipe->n_classes, "a class is one of them");
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
    bool good = (association || err_memory(err, "figures")) && table_association(table, 0, association, &stop, err);
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
        file_mend(bytes, input.n);
    close(fuzz_file(0, bytes, input.n));
    free(bytes);
    fuzz_run(fault, table_use, &choice);
    return 0;
}
