/* A table's target as the recipe's classes or numbers: labels are matched by
 * text, then without a full stop at the end (adult's test file writes ">50K."),
 * then as numbers. Threads: immutable after binding_target_init. */
#include "mlp/csv.h"
#include "mlp/number.h"
#include "recipe/binding.h"

#include <stdlib.h>

void binding_target_done(struct binding_target *target)
{
    free(target->level_classes);
    free(target->level_values);
    free(target->values);
}

/* A class by its text; lists of them are in order of bytes. */
struct class_name {
    const char *text;
    size_t length;
    int32_t class;
};

/* The ways from a text to a class, while binding. */
struct class_index {
    uint32_t n;
    struct class_name *whole, *stopless; /* (n): as they are, and without a full stop at the end */
    const struct binding_target *target; /* its values, once they are there */
};

static size_t stopless_length(const char *text, size_t length)
{
    return length > 1 && text[length - 1] == '.' ? length - 1 : length;
}

static int name_compare(const void *a, const void *b)
{
    const struct class_name *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);

    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int32_t name_find(const struct class_name *names, uint32_t n, const char *text, size_t length)
{
    struct class_name wanted = {text, length, -1};
    const struct class_name *found = bsearch(&wanted, names, n, sizeof *names, name_compare);

    return found ? found->class : -1;
}

static void class_index_done(struct class_index *index)
{
    free(index->whole);
    free(index->stopless);
}

static bool class_index_init(struct class_index *index, const struct recipe *recipe, struct err *err)
{
    uint32_t n = recipe->n_classes;

    *index = (struct class_index){
        .n = n,
        .whole = calloc((size_t)n + 1, sizeof *index->whole),
        .stopless = calloc((size_t)n + 1, sizeof *index->stopless),
    };
    if (!index->whole || !index->stopless)
        return err_memory(err, "the target's classes");
    for (uint32_t c = 0; c < n; c++) {
        const char *text = recipe->classes[c];
        size_t length = strlen(text);
        index->whole[c] = (struct class_name){text, length, (int32_t)c};
        index->stopless[c] = (struct class_name){text, stopless_length(text, length), (int32_t)c};
    }
    qsort(index->whole, n, sizeof *index->whole, name_compare);
    qsort(index->stopless, n, sizeof *index->stopless, name_compare);
    return true;
}

/* Where the column holds floats, what is compared with them. */
static double value_as(const struct binding_target *target, double value)
{
    return target->type == COLUMN_NUMBER ? (double)(float)value : value;
}

static int32_t class_find(const struct binding_target *target, double value)
{
    uint32_t low = 0, high = target->n_values;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (target->values[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < target->n_values && target->values[low].value == value ? target->values[low].class : -1;
}

static int32_t class_of_text(const struct class_index *index, const char *text, size_t length)
{
    int32_t class = name_find(index->whole, index->n, text, length);
    double value;

    if (class < 0)
        class = name_find(index->stopless, index->n, text, stopless_length(text, length));
    if (class < 0 && number_parse_double(text, length, '.', &value))
        class = class_find(index->target, value_as(index->target, value));
    return class;
}

static int32_t class_of_number(const struct class_index *index, double value)
{
    char text[NUMBER_TEXT_MAX];

    return class_of_text(index, text, number_text(value, text));
}

static bool levels_init(struct binding_target *target, const struct class_index *index, bool classes,
                        const struct column *column, struct err *err)
{
    size_t n = column->n_levels;

    target->kind = TARGET_LEVEL;
    target->n_levels = column->n_levels;
    target->level_classes = calloc(n + 1, sizeof *target->level_classes);
    target->level_values = calloc(n + 1, sizeof *target->level_values);
    if (!target->level_classes || !target->level_values)
        return err_memory(err, "the target's levels");
    for (size_t i = 0; i < n; i++) {
        const char *text = column->levels[i];
        char cut[80];
        target->level_classes[i] = classes ? class_of_text(index, text, strlen(text)) : -1;
        if (classes || number_parse(text, strlen(text), &target->level_values[i]))
            continue;
        err_set(err, ERR_INPUT,
                "the target '%s' holds text (\"%s\"), and the model was trained on numbers there",
                column->name, text_cut(text, strlen(text), 60, cut));
        return err_at(err, 0, column->name);
    }
    return true;
}

static int value_compare(const void *a, const void *b)
{
    const struct class_value *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* The numbers among the classes, ascending and each once; of "1" and "01" the
 * one that a number is written as. */
static bool values_init(struct binding_target *target, const struct class_index *index, struct err *err)
{
    uint32_t n = 0, kept = 0;
    double value;
    char text[NUMBER_TEXT_MAX];

    target->values = calloc((size_t)index->n + 1, sizeof *target->values);
    if (!target->values)
        return err_memory(err, "the target's classes");
    for (uint32_t i = 0; i < index->n; i++) {
        const struct class_name *name = &index->whole[i];
        if (!number_parse_double(name->text, name->length, '.', &value) || !isfinite(value))
            continue;
        int32_t class = name_find(index->whole, index->n, text, number_text(value, text));
        target->values[n++] = (struct class_value){value_as(target, value), class < 0 ? name->class : class};
    }
    qsort(target->values, n, sizeof *target->values, value_compare);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || target->values[i].value > target->values[kept - 1].value)
            target->values[kept++] = target->values[i];
    target->n_values = kept;
    return true;
}

static bool column_init(struct binding_target *target, const struct recipe *recipe,
                        const struct column *column, struct err *err)
{
    struct class_index index;
    bool ok;

    target->offset = column->offset;
    target->type = column->type;
    ok = class_index_init(&index, recipe, err) && values_init(target, &index, err);
    index.target = target;
    target->kind = column->type == COLUMN_BYTE ? TARGET_BYTE : TARGET_NUMBER;
    if (ok && column->type == COLUMN_CATEGORY)
        ok = levels_init(target, &index, recipe->task == TASK_CLASSIFICATION, column, err);
    for (int value = 0; ok && target->kind == TARGET_BYTE && value < 256; value++)
        target->byte_classes[value] = class_of_number(&index, value);
    class_index_done(&index);
    return ok;
}

bool binding_target_init(struct binding_target *target, const struct recipe *recipe,
                         const struct table *table, bool need, struct err *err)
{
    int64_t found = table_find(table, recipe->target);
    const struct column *column = found >= 0 ? table_column(table, (uint32_t)found) : NULL;
    char name[80];

    if (column && (column->type == COLUMN_DATE || column->type == COLUMN_TEXT)) {
        if (!need)
            return true;
        err_set(err, ERR_INPUT, "the target '%s' holds %s, and the model was trained on something else there",
                text_cut(recipe->target, strlen(recipe->target), 60, name),
                column->type == COLUMN_DATE ? "dates" : "texts that are not told apart");
        return err_at(err, 0, recipe->target);
    }
    if (column) {
        if (!need && column->type == COLUMN_CATEGORY && recipe->task == TASK_REGRESSION)
            return true; /* nobody will ask for it */
        return column_init(target, recipe, column, err);
    }
    if (!need)
        return true;
    err_set(err, ERR_INPUT, "the target's column '%s' is missing",
            text_cut(recipe->target, strlen(recipe->target), 60, name));
    return err_at(err, 0, recipe->target);
}

static float number_at(const struct binding_target *target, const uint8_t *record)
{
    return (float)column_value(target->type, record + target->offset);
}

static uint32_t level_at(const uint8_t *at)
{
    uint32_t level;

    memcpy(&level, at, sizeof level);
    return level;
}

int32_t target_class(const struct binding_target *target, const uint8_t *record)
{
    uint32_t level;

    switch (target->kind) {
    case TARGET_BYTE:
        return target->byte_classes[record[target->offset]];
    case TARGET_NUMBER:
        return class_find(target, column_value(target->type, record + target->offset));
    case TARGET_LEVEL:
        level = level_at(record + target->offset);
        return level < target->n_levels ? target->level_classes[level] : -1;
    case TARGET_NONE:
        break;
    }
    return -1;
}

float target_value(const struct binding_target *target, const uint8_t *record)
{
    float value = NAN;
    uint32_t level;

    switch (target->kind) {
    case TARGET_BYTE:
        return record[target->offset];
    case TARGET_NUMBER:
        value = number_at(target, record);
        break;
    case TARGET_LEVEL:
        level = level_at(record + target->offset);
        value = level < target->n_levels ? target->level_values[level] : NAN;
        break;
    case TARGET_NONE:
        break;
    }
    return isfinite(value) ? value : NAN;
}
