/* Rows of tables to a table: records are converted group by group to a layout
 * that holds the numbers of all sources, and counted; the writer packs them.
 * See mlp/compose.h. */
#include "mlp/compose.h"
#include "base/file.h"
#include "mlp/file.h"
#include "mlp/number.h"
#include "table/convert.h"
#include "table/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP_BYTES ((size_t)1 << 20) /* of records or texts, about */
#define N_LEVELS_MAX 1000000u
#define LEVEL_BYTES_MAX ((size_t)64 << 20)

/* One source on its way. */
struct source_map {
    struct conversion *list; /* (n_list) */
    uint32_t n_list;
    uint32_t **levels; /* (n_columns), categories' (n_levels): their number in the new table, TABLE_MISSING:
                          not met yet */
};

struct compose {
    const struct table_rows *sources;
    uint32_t n_sources;
    const atomic_bool *stop;
    struct plan plan;
    struct tally tally;
    struct table_writer writer;
    uint64_t n_groups; /* written */
    struct place place;
    uint8_t *records; /* of the group in progress */
    char *texts;
    uint64_t n_rows;
    size_t n_text_bytes, texts_room, rows_room;
};

bool tables_match(const struct table *a, const struct table *b)
{
    uint32_t n = table_n_columns(a);
    bool match = n == table_n_columns(b);
    for (uint32_t i = 0; match && i < n; i++) {
        const struct column *left = table_column(a, i), *right = table_column(b, i);
        match = strcmp(left->name, right->name) == 0 &&
                (left->type == right->type || (column_is_number(left) && column_is_number(right)));
    }
    return match;
}

static bool integer_type(enum column_type type)
{
    return type == COLUMN_BYTE || (type >= COLUMN_INT8 && type <= COLUMN_INT64);
}

/* The type of a record in progress that holds the values of both. */
static enum column_type type_join(enum column_type a, enum column_type b)
{
    static const uint8_t width[COLUMN_TYPES] = {
        [COLUMN_INT8] = 1, [COLUMN_BYTE] = 2, [COLUMN_INT16] = 3, [COLUMN_INT32] = 4, [COLUMN_INT64] = 5};
    if (a == b || !column_type_is_number(a))
        return a;
    if (!integer_type(a) || !integer_type(b)) {
        enum column_type other = integer_type(a) ? a : b;
        bool small = integer_type(other) && width[other] <= width[COLUMN_INT16];
        return a == COLUMN_DOUBLE || b == COLUMN_DOUBLE || !small ? COLUMN_DOUBLE : COLUMN_NUMBER;
    }
    enum column_type wider = width[a] > width[b] ? a : b;
    return wider == COLUMN_BYTE ? COLUMN_INT16 : wider; /* beside a column of int8 */
}

/* The first value of the rows that are taken, from which sums are taken of
 * differences; 0 where it is missing. */
static double shift_choose(const struct table_rows *source, uint32_t index)
{
    const struct column *column = table_column(source->table, index);
    uint64_t row = 0, n = table_n_rows(source->table);
    while (source->parts && row + 1 < n && source->parts[row] != source->part)
        row++;
    double value = column->type == COLUMN_DATE ? table_date(source->table, index, row)
                   : column_is_number(column)  ? table_value(source->table, index, row)
                                               : 0;
    return isfinite(value) ? value : 0;
}

static bool plan_make(struct compose *compose, struct err *err)
{
    const struct table *first = compose->sources[0].table;
    struct plan *plan = &compose->plan;
    *plan = (struct plan){.n_columns = table_n_columns(first),
                          .n_levels_max = N_LEVELS_MAX,
                          .level_bytes_max = LEVEL_BYTES_MAX,
                          .seed = (uint64_t)(uintptr_t)compose * 0x9e3779b97f4a7c15ull};
    plan->columns = calloc(plan->n_columns, sizeof *plan->columns);
    if (!plan->columns)
        return err_memory(err, "the columns");
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct column *column = table_column(first, i);
        plan->columns[i] = (struct plan_column){.name = column->name,
                                                .type = column->type,
                                                .shift = shift_choose(&compose->sources[0], i),
                                                .date = column->date};
        for (uint32_t j = 1; j < compose->n_sources; j++)
            plan->columns[i].type =
                type_join(plan->columns[i].type, table_column(compose->sources[j].table, i)->type);
    }
    plan_layout(plan);
    return true;
}

static void map_done(struct source_map *map, uint32_t n_columns)
{
    for (uint32_t i = 0; map->levels && i < n_columns; i++)
        free(map->levels[i]);
    free(map->levels);
    free(map->list);
}

static bool map_init(struct source_map *map, const struct table *table, const struct plan *plan,
                     struct err *err)
{
    *map = (struct source_map){.list = calloc(plan->n_columns, sizeof *map->list),
                               .levels = calloc(plan->n_columns, sizeof *map->levels)};
    bool good = map->list && map->levels;
    for (uint32_t i = 0; good && i < plan->n_columns; i++) {
        const struct column *from = table_column(table, i);
        const struct plan_column *to = &plan->columns[i];
        conversion_add(map->list, &map->n_list,
                       (struct conversion){
                           .from = from->type, .to = to->type, .from_at = from->offset, .to_at = to->offset});
        if (from->type != COLUMN_CATEGORY)
            continue;
        map->levels[i] = malloc(((size_t)from->n_levels + 1) * sizeof **map->levels);
        good = map->levels[i] != NULL;
        if (good)
            memset(map->levels[i], 0xff, from->n_levels * sizeof **map->levels);
    }
    return good || err_memory(err, "the columns");
}

/* --- one row --- */

static void number_count(struct compose *compose, uint32_t index, enum column_type from, const uint8_t *at)
{
    const struct plan_column *column = &compose->plan.columns[index];
    struct tally_number *number = &compose->tally.numbers[column->slot];
    double value = column_value(column->type, at);
    if (isnan(value)) {
        number->n_missing++;
        return;
    }
    if (column->type == COLUMN_NUMBER)
        value = number_of_float((float)value);
    tally_add_number(number, value, column->shift);
    if (column->type == COLUMN_DOUBLE && from != COLUMN_NUMBER && !number->inexact)
        number->inexact = !number_fits_float(value);
}

static bool level_count(struct compose *compose, uint32_t index, const struct table *table, uint32_t **levels,
                        uint8_t *at, struct err *err)
{
    struct tally *tally = &compose->tally;
    struct tally_category *category = &tally->categories[compose->plan.columns[index].slot];
    const struct column *column = table_column(table, index);
    uint32_t level;
    memcpy(&level, at, sizeof level);
    if (level >= column->n_levels) {
        category->n_missing++;
        return true;
    }
    uint32_t *known = &levels[index][level];
    const char *text = column->levels[level];
    if (*known == TABLE_MISSING) {
        uint32_t n = category->levels.n;
        size_t length = strlen(text);
        if (!levels_add(&category->levels, &tally->texts, compose->plan.seed, text, (uint32_t)length, known))
            return err_memory(err, "the levels of a category");
        tally->n_levels += category->levels.n - n;
        tally->level_bytes += category->levels.n > n ? length + 1 : 0;
        if (tally->n_levels > N_LEVELS_MAX || tally->level_bytes > LEVEL_BYTES_MAX)
            return err_set(err, ERR_UNSUPPORTED, "the columns hold too many different texts");
    }
    category->levels.items[*known].n_rows++;
    memcpy(at, known, sizeof *known);
    return true;
}

static bool text_take(struct compose *compose, uint32_t index, const char *text, uint8_t *at, struct err *err)
{
    uint64_t place = TABLE_TEXT_MISSING;
    if (!text) {
        compose->tally.texts_missing[compose->plan.columns[index].slot]++;
    } else {
        size_t n = strlen(text) + 1, needed = compose->n_text_bytes + n;
        if (needed > compose->texts_room) {
            char *texts = realloc(compose->texts, needed + needed / 2);
            if (!texts)
                return err_memory(err, "the texts of a group");
            compose->texts = texts;
            compose->texts_room = needed + needed / 2;
        }
        memcpy(compose->texts + compose->n_text_bytes, text, n);
        place = compose->place.n_text_bytes + compose->n_text_bytes;
        compose->n_text_bytes = needed;
    }
    memcpy(at, &place, sizeof place);
    return true;
}

/* Count the values of the new record, and give its levels and texts their
 * numbers in the new table. */
static bool record_count(struct compose *compose, const struct table *table, uint64_t row, uint32_t **levels,
                         uint8_t *record, struct err *err)
{
    const struct plan *plan = &compose->plan;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct plan_column *column = &plan->columns[i];
        uint8_t *at = record + column->offset;
        if (column->type == COLUMN_BYTE)
            continue; /* counted by groups */
        if (column_type_is_number(column->type)) {
            number_count(compose, i, table_column(table, i)->type, at);
        } else if (column->type == COLUMN_DATE) {
            double value = column_value(COLUMN_DOUBLE, at);
            if (isnan(value))
                compose->tally.dates[column->slot].n_missing++;
            else
                tally_add_number(&compose->tally.dates[column->slot], value, column->shift);
        } else if (!(column->type == COLUMN_CATEGORY
                         ? level_count(compose, i, table, levels, at, err)
                         : text_take(compose, i, table_text(table, i, row), at, err))) {
            return false;
        }
    }
    return true;
}

/* --- groups --- */

static bool group_end(struct compose *compose, struct err *err)
{
    struct row_block block = {.n_rows = compose->n_rows,
                              .records = compose->records,
                              .record_bytes = compose->plan.record_bytes,
                              .texts = compose->texts,
                              .n_text_bytes = compose->n_text_bytes};
    if (compose->n_rows == 0)
        return true;
    tally_add_bytes(&compose->tally, compose->records, compose->n_rows);
    compose->tally.n_rows += compose->n_rows;
    if (!stop_check(compose->stop, err) ||
        !table_writer_group(&compose->writer, compose->n_groups++, &compose->place, &block, err))
        return false;
    compose->place.n_rows += compose->n_rows;
    compose->place.n_text_bytes += compose->n_text_bytes;
    compose->n_rows = 0;
    compose->n_text_bytes = 0;
    return true;
}

static bool source_take(struct compose *compose, const struct table_rows *source, struct source_map *map,
                        struct err *err)
{
    const struct table *table = source->table;
    uint64_t checked = 0, n_all = table_n_rows(table);
    uint32_t from_bytes = table_record_bytes(table), to_bytes = compose->plan.record_bytes;
    bool plain = compose->plan.n_of_type[COLUMN_BYTE] == compose->plan.n_columns;
    for (uint64_t row = 0; row < n_all; row++) {
        if (row == checked && !(checked = table_check_group(table, row, err)))
            return false;
        if (source->parts && source->parts[row] != source->part)
            continue;
        uint8_t *record = compose->records + compose->n_rows * to_bytes;
        record_convert(map->list, map->n_list, table_records(table) + row * from_bytes, record);
        if (!plain && !record_count(compose, table, row, map->levels, record, err))
            return false;
        if (++compose->n_rows == compose->rows_room || compose->n_text_bytes >= GROUP_BYTES)
            if (!group_end(compose, err))
                return false;
    }
    return table_check_read(table, err);
}

/* What the whole source says of how its numbers are written holds of its rows;
 * and dates may be read both ways only where all may. */
static void source_describe(struct compose *compose, const struct table_rows *source, uint64_t n_rows)
{
    for (uint32_t i = 0; i < compose->plan.n_columns && n_rows > 0; i++) {
        const struct plan_column *column = &compose->plan.columns[i];
        const struct column *from = table_column(source->table, i);
        struct tally_pointed *pointed = &compose->tally.pointed[column->slot];
        if (column->type == COLUMN_BYTE && from->decimals > 0) {
            pointed->n += n_rows;
            tally_decimals(&pointed->decimals, from->decimals);
        } else if (column->type != COLUMN_BYTE && column_is_number(from) &&
                   from->n_missing < table_n_rows(source->table)) {
            tally_decimals(&compose->tally.numbers[column->slot].decimals, from->decimals);
        }
    }
}

/* At most so many groups, each but the last of GROUP_BYTES of records or
 * texts. */
static uint64_t groups_most(const struct compose *compose)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < compose->n_sources; i++) {
        const struct table *table = compose->sources[i].table;
        n += table_n_rows(table) / compose->rows_room + table_text_bytes(table) / GROUP_BYTES + 2;
    }
    return n;
}

static bool sources_take(struct compose *compose, struct err *err)
{
    bool good = true;
    for (uint32_t i = 0; good && i < compose->n_sources; i++) {
        const struct table_rows *source = &compose->sources[i];
        uint64_t before = compose->place.n_rows + compose->n_rows;
        struct source_map map;
        good = map_init(&map, source->table, &compose->plan, err) && source_take(compose, source, &map, err);
        source_describe(compose, source, compose->place.n_rows + compose->n_rows - before);
        map_done(&map, compose->plan.n_columns);
    }
    return good && group_end(compose, err) &&
           (compose->place.n_rows > 0 || err_set(err, ERR_INPUT, "there are no rows"));
}

/* What the numbers of another source have in their writing, too. */
static void number_join(struct number_format *format, const struct number_format *other)
{
    format->bounds = format->bounds || other->bounds;
    format->parentheses = format->parentheses || other->parentheses;
    if (format->n_decimals != other->n_decimals)
        format->n_decimals = 0;
}

/* How dates are read and written, and the numbers' marks, are the sources'. */
static void columns_inherit(struct column *columns, uint32_t n, const void *self)
{
    const struct compose *compose = self;
    for (uint32_t i = 0; i < n; i++) {
        const struct column *first = table_column(compose->sources[0].table, i);
        columns[i].decimal_point = first->decimal_point;
        columns[i].thousands_separator = first->thousands_separator;
        columns[i].number = first->number;
        for (uint32_t j = 1; j < compose->n_sources && column_is_number(&columns[i]); j++)
            number_join(&columns[i].number, &table_column(compose->sources[j].table, i)->number);
        for (uint32_t j = 0; j < compose->n_sources && columns[i].type == COLUMN_DATE; j++)
            columns[i].date.either =
                columns[i].date.either && table_column(compose->sources[j].table, i)->date.either;
    }
}

static bool compose_run(struct compose *compose, const char *path, int fd, struct err *err)
{
    bool texts = compose->plan.n_of_type[COLUMN_TEXT] > 0;
    int texts_fd = texts ? file_unnamed(path, "texts", err) : -1;
    uint32_t record_bytes = compose->plan.record_bytes;
    compose->rows_room = GROUP_BYTES / record_bytes + 1;
    compose->records = calloc(compose->rows_room, record_bytes);
    bool good = (texts_fd >= 0 || !texts) && tally_init(&compose->tally, &compose->plan, err) &&
                table_writer_init(&compose->writer, fd, texts_fd, groups_most(compose), err);
    if (good && !compose->records)
        good = err_memory(err, "the records of a group");
    good = good && sources_take(compose, err);
    if (good) {
        compose->writer.n_groups = compose->n_groups;
        compose->writer.inherit = columns_inherit;
        compose->writer.self = compose;
        good = table_writer_finish(&compose->writer, &compose->tally, compose->place.n_text_bytes, err);
    }
    tally_done(&compose->tally);
    table_writer_done(&compose->writer);
    free(compose->records);
    free(compose->texts);
    if (texts_fd >= 0)
        close(texts_fd);
    return good;
}

bool table_compose(const struct table_rows *sources, uint32_t n_sources, const char *path,
                   const atomic_bool *stop, struct err *err)
{
    struct compose compose = {.sources = sources, .n_sources = n_sources, .stop = stop};
    if (!plan_make(&compose, err))
        return false;
    int fd = file_create(path, err);
    bool good = fd >= 0 && compose_run(&compose, path, fd, err);
    if (fd >= 0 && close(fd) != 0 && good)
        good = err_errno(err, "closing the table file");
    if (!good && fd >= 0)
        unlink(path);
    free(compose.plan.columns);
    return good;
}
