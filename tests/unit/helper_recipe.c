#include "helper_recipe.h"
#include "mlp/binding.h"
#include "mlp/ingest.h"
#include "mlp/value.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct table *table_of_fd(int fd, int header)
{
    char path[] = "/tmp/mlp-test-table-XXXXXX";
    struct csv_options options = {.header = header};
    struct err err = {0};
    int made = mkstemp(path);

    ck_assert_int_ge(made, 0);
    close(made);
    unlink(path);
    bool ok = table_ingest(fd, &options, path, NULL, NULL, &err);
    ck_assert_msg(ok, "table_ingest: %s", err.msg);
    struct table *table = table_open(path, &err);
    ck_assert_msg(table != NULL, "table_open: %s", err.msg);
    unlink(path);
    return table;
}

struct table *table_of_text(const char *csv, int header)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(csv, 1, strlen(csv), file), strlen(csv));
    ck_assert_int_eq(fflush(file), 0);
    struct table *table = table_of_fd(fileno(file), header);
    fclose(file);
    return table;
}

struct table *table_of_file(const char *path, int header)
{
    int fd = open(path, O_RDONLY);

    ck_assert_msg(fd >= 0, "cannot open %s", path);
    struct table *table = table_of_fd(fd, header);
    close(fd);
    return table;
}

uint32_t *rows_all(const struct table *table)
{
    uint64_t n = table_n_rows(table);
    uint32_t *rows = malloc((n + 1) * sizeof *rows);

    ck_assert_ptr_nonnull(rows);
    for (uint64_t i = 0; i < n; i++)
        rows[i] = (uint32_t)i;
    return rows;
}

struct recipe *recipe_of(const struct table *table, const char *target, enum task task)
{
    struct recipe_options options = {.target = target, .task = task};
    struct err err = {0};
    uint32_t *rows = rows_all(table);
    struct recipe *recipe = recipe_fit(table, rows, table_n_rows(table), &options, &err);

    ck_assert_msg(recipe != NULL, "recipe_fit: %s", err.msg);
    ck_assert_msg(recipe_check(recipe, &err), "recipe_check: %s", err.msg);
    free(rows);
    return recipe;
}

struct recipe *recipe_of_text(const char *csv, const char *target, enum task task)
{
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, target, task);

    table_unref(table);
    return recipe;
}

struct model *model_of_text(const char *csv, uint32_t n_hidden, uint32_t norms)
{
    struct recipe *recipe = recipe_of_text(csv, NULL, TASK_AUTO);
    bool classes = recipe->task == TASK_CLASSIFICATION;
    struct layer layers[2] = {{.units = n_hidden, .activation = ACTIVATION_RELU, .norms = norms},
                              {.units = classes ? recipe->n_classes : 1,
                               .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR}};
    struct err err = {0};
    struct network *network = network_new(recipe->n_inputs, layers, 2, &err);

    ck_assert_ptr_nonnull(network);
    ck_assert(network_init(network, INITIALIZER_HE_NORMAL, 0, 42, &err));
    for (uint32_t i = 0; norms > 0 && i < 3 * n_hidden; i++) /* gains and offsets that differ */
        network->params[network->biases_at[0] + i / n_hidden * ((n_hidden + 15) & ~15u) + i % n_hidden] =
            0.5f + (float)(i * 7 % 11) / 8;
    struct model *model =
        model_new(recipe, network, classes ? LOSS_CATEGORICAL_CROSSENTROPY : LOSS_MSE, &err);
    ck_assert_ptr_nonnull(model);
    return model;
}

const struct recipe_column *recipe_column_of(const struct recipe *recipe, const char *name)
{
    int64_t found = recipe_find(recipe, name);

    ck_assert_msg(found >= 0, "no column %s", name);
    return &recipe->columns[found];
}

static void row_compare(const struct binding *binding, uint64_t row, const struct value *values)
{
    const struct recipe *recipe = binding_recipe(binding);
    size_t size = recipe->n_inputs * sizeof(float);
    float *from_text = malloc(size), *from_table = malloc(size);
    struct err err = {0};

    memset(from_text, 0x55, size);
    memset(from_table, 0xaa, size);
    ck_assert_msg(recipe_encode(recipe, values, from_text, &err), "row %llu: %s", (unsigned long long)row,
                  err.msg);
    binding_encode(binding, row, from_table);
    for (uint32_t i = 0; i < recipe->n_inputs; i++) {
        ck_assert_msg(memcmp(&from_text[i], &from_table[i], sizeof(float)) == 0,
                      "row %llu, input %u: %.9g from text, %.9g from the table", (unsigned long long)row, i,
                      (double)from_text[i], (double)from_table[i]);
        ck_assert(isfinite(from_text[i]));
    }
    free(from_text);
    free(from_table);
}

uint64_t ways_compare(const struct recipe *recipe, struct table *table, const char *csv, size_t length,
                      int header)
{
    struct err err = {0};
    const struct csv_field *fields;
    uint32_t n_fields;
    uint64_t row = 0;
    struct csv_reader *reader = csv_reader_new(csv, length, 0, &err);
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    struct value *values = calloc(recipe->n_columns, sizeof *values);

    ck_assert_msg(binding != NULL, "recipe_bind: %s", err.msg);
    ck_assert_ptr_nonnull(reader);
    if (header > 0)
        ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), 1);
    while (csv_reader_next(reader, &fields, &n_fields, &err) == 1) {
        ck_assert_uint_eq(n_fields, table_n_columns(table));
        for (uint32_t c = 0; c < recipe->n_columns; c++) {
            int64_t at = table_find(table, recipe->columns[c].name);
            values[c] = (struct value){.kind = VALUE_TEXT,
                                       .text = fields[at].text,
                                       .length = fields[at].length,
                                       .decimal_point = csv_reader_decimal(reader)};
        }
        row_compare(binding, row++, values);
    }
    ck_assert_uint_eq(row, table_n_rows(table));
    free(values);
    binding_free(binding);
    csv_reader_free(reader);
    return row;
}

FILE *text_open(struct text *text)
{
    text->out = open_memstream(&text->bytes, &text->length);
    ck_assert_ptr_nonnull(text->out);
    return text->out;
}

const char *text_close(struct text *text)
{
    fclose(text->out);
    return text->bytes;
}

const char *image_text(struct text *text, uint32_t n, uint32_t rows, uint32_t max)
{
    FILE *out = text_open(text);

    for (uint32_t c = 0; c < n; c++)
        fprintf(out, "p%u,", c);
    fprintf(out, "label\n");
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < n; c++)
            fprintf(out, "%u,",
                    c == 0       ? 0
                    : r % 3 == 0 ? 0
                    : r % 3 == 1 ? max
                                 : (r * 31 + c * 17) % (max + 1));
        fprintf(out, "%u\n", r % 2);
    }
    return text_close(text);
}

const char mixed_csv[] = "age,fare,big,sex,same,y\n"
                         "10,1.5,1000,male,7,a\n"
                         "0,,2000,female,7,b\n"
                         "40,2.5,3000,male,7,a\n"
                         "20,-4,4000,,7,b\n"
                         "10,9.25,5000,female,7,a\n";
