/* libFuzzer target: any bytes as a JSON body of rows. What is taken is JSON to
 * cJSON too, its numbers are strtof's, and rows left as they came give the same
 * inputs later. The first byte chooses the model, the second which call
 * fails. */
#include "fuzz.h"
#include "mlp/value.h"
#include "predict/instances.h"
#include "json/memory.h"
#include "json/scan.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 3, INPUTS_MAX = 64 };

struct trial {
    const char *bytes;
    size_t n;
    const struct recipe *recipe;
    struct instances instances; /* where it succeeded */
};

static struct recipe *numbers, *mixed;

static const struct recipe *find(void *self, const char *name, uint32_t version, struct err *err)
{
    struct trial *trial = self;
    trial->recipe = version == 2 ? mixed : version == 3 ? numbers : trial->recipe;
    if (!name || strlen(name) < 4)
        return trial->recipe;
    err_set(err, ERR_NOT_FOUND, "no model '%s'", name);
    return NULL;
}

static bool body_read(struct trial *trial, bool later, struct instances *instances, struct err *err)
{
    const struct instances_models models = {find, trial};
    struct json_head head;
    bool ok = head_read(&head, trial->bytes, trial->n, (struct head_url){0}, err) &&
              instances_from_json(&head, &models, later, instances, err);
    head_done(&head);
    return ok;
}

static bool rows_read(void *self, struct err *err)
{
    struct trial *trial = self;
    instances_done(&trial->instances);
    trial->instances = (struct instances){0};
    return body_read(trial, false, &trial->instances, err);
}

/* Each number that begins after what belongs to none. */
static void numbers_check(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct scan scan;
        float number = NAN;
        if ((text[i] != '-' && (text[i] < '0' || text[i] > '9')) ||
            (i > 0 && strchr("0123456789.eE+-", text[i - 1])))
            continue;
        scan_init(&scan, text + i, n - i);
        const char *wrong = scan_number(&scan, &number);
        char *alone = strndup(text + i, (size_t)(scan.at - text) - i);
        float expected = strtof(alone, NULL);
        require(wrong || memcmp(&number, &expected, sizeof number) == 0, "a number is strtof's");
        free(alone);
        scan_done(&scan);
    }
}

/* Between those of the two floats beside it: cJSON rounds twice. */
static void inputs_check(const cJSON *row, const float *x)
{
    float raw[2][COLUMNS], beside[2][INPUTS_MAX];
    const cJSON *item = cJSON_IsArray(row) && cJSON_GetArraySize(row) == COLUMNS ? row->child : NULL;
    for (int i = 0; item && i < COLUMNS; i++, item = item->next) {
        if (!cJSON_IsNumber(item) || fabs(item->valuedouble) > 1e30)
            return;
        raw[0][i] = nextafterf((float)item->valuedouble, -INFINITY);
        raw[1][i] = nextafterf((float)item->valuedouble, INFINITY);
    }
    recipe_encode_numbers(numbers, raw[0], beside[0]);
    recipe_encode_numbers(numbers, raw[1], beside[1]);
    for (uint32_t i = 0; cJSON_IsArray(row) && row->child && i < numbers->n_inputs; i++)
        require(x[i] >= beside[0][i] && x[i] <= beside[1][i], "inputs are the numbers'");
}

static void rows_check(const struct trial *trial)
{
    const struct instances *all = &trial->instances;
    cJSON *body = cJSON_ParseWithLength(trial->bytes, trial->n);
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(body, "instances");
    require(cJSON_IsArray(row) && cJSON_GetArraySize(row) == (int)all->n_rows, "cJSON finds the rows");
    row = row->child;
    for (uint32_t r = 0; r < all->n_rows; r++, row = row->next) {
        const float *x = all->x + (size_t)r * trial->recipe->n_inputs;
        for (uint32_t i = 0; i < trial->recipe->n_inputs; i++)
            require(isfinite(x[i]), "inputs are finite");
        if (trial->recipe == numbers && cJSON_IsArray(row) && cJSON_GetArraySize(row) == COLUMNS)
            inputs_check(row, x);
    }
    cJSON_Delete(body);
}

/* The rows only marked now, and read when they are wanted. */
static void later_check(struct trial *trial)
{
    struct instances later = {0};
    struct err err = {0};
    uint32_t n_inputs = trial->recipe->n_inputs;
    require(body_read(trial, true, &later, &err), "rows are taken later too");
    require(later.n_rows == trial->instances.n_rows, "as many of them");
    float *scratch =
        malloc((instances_scratch(&later, trial->recipe, INSTANCES_BLOCK) + 1) * sizeof *scratch);
    for (uint32_t first = 0, n; first < later.n_rows; first += n) {
        n = later.n_rows - first < INSTANCES_BLOCK ? later.n_rows - first : INSTANCES_BLOCK;
        const float *x = instances_inputs(&later, trial->recipe, first, n, scratch, &err);
        require(x && memcmp(x, trial->instances.x + (size_t)first * n_inputs, n * n_inputs * sizeof *x) == 0,
                "later rows are the same");
    }
    free(scratch);
    instances_done(&later);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    if (!numbers) {
        json_memory_open();
        numbers = fuzz_recipe(fuzz_numbers);
        mixed = fuzz_recipe(fuzz_mixed);
    }
    const struct recipe *recipe = fuzz_byte(&input) & 1 ? mixed : numbers;
    uint8_t fault = fuzz_byte(&input);
    char *text = calloc(1, input.n + 1);
    memcpy(text, input.at, input.n);
    struct trial trial = {.bytes = (const char *)input.at, .n = input.n, .recipe = recipe};
    numbers_check(text, input.n);
    if (fuzz_run(0, rows_read, &trial)) {
        rows_check(&trial);
        later_check(&trial);
    }
    if (fault > 0)
        fuzz_run(fault, rows_read, &trial);
    instances_done(&trial.instances);
    free(text);
    return 0;
}
