/* Writing and reading a table file's header and schema. See table/file.h. */
#include "table/file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    VERSION_PLAIN = 1, /* read only: bytes, floats, categories and dates */
    VERSION_TEXTS = 2, /* read only: with text columns */
    VERSION = 3,
    BYTE_ORDER_MARK = 0x01020304,
};
static const char magic[8] = "mlptable";

struct file_header {
    char magic[8];
    uint32_t version, byte_order;
    uint64_t n_rows;
    uint32_t n_columns, record_bytes;
    uint64_t n_groups, n_levels; /* levels of all columns together */
    uint64_t schema_at, schema_bytes, schema_checksum;
    uint64_t header_checksum; /* of all that stands before it */
};

/* The schema is: struct file_column (n_columns), struct table_group (n_groups),
 * for each level of each column its rows (uint64_t), then its words, each ended
 * by NUL: the names of the columns, the levels. Their order tells which is
 * whose. As many groups again follow the first, of the texts between records
 * and schema; not in version 1, which had no texts. Versions before 3 had no
 * `style`: their columns were smaller. */
struct file_column {
    uint64_t n_missing;
    double min, max, mean, stddev;
    uint32_t type, offset, n_levels;
    uint32_t detail; /* dates: order | separator << 8 | either << 16 | style << 17; others: all are integers |
                        decimal_point
                        << 8 | thousands_separator << 16 | decimals << 24 */
    uint64_t style;  /* 1: the name of the format of its numbers follows the column's name; else 0 */
};

typedef uint64_t words_v __attribute__((vector_size(64)));

/* Fletcher's sums of 64-bit words in eight lanes: as fast as memory, and any
 * one damaged word changes the result. */
uint64_t table_checksum(const void *bytes, size_t n_bytes)
{
    const uint64_t prime = 0x9e3779b97f4a7c15ull;
    const unsigned char *at = bytes;
    words_v words, sums = {1, 2, 3, 4, 5, 6, 7, 8}, sums_of_sums = {0};
    size_t left = n_bytes;
    for (; left >= sizeof words; left -= sizeof words, at += sizeof words) {
        memcpy(&words, at, sizeof words);
        sums += words;
        sums_of_sums += sums;
    }
    words = (words_v){0};
    if (left > 0)
        memcpy(&words, at, left);
    sums += words;
    sums_of_sums += sums;
    uint64_t sum = n_bytes;
    for (int i = 0; i < 8; i++) {
        sum = (sum ^ sums[i]) * prime;
        sum = (sum ^ sum >> 29 ^ sums_of_sums[i]) * prime;
    }
    return sum ^ sum >> 32;
}

static uint64_t levels_count(const struct table_schema *schema)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < schema->n_columns; i++)
        n += schema->columns[i].n_levels;
    return n;
}

static size_t column_bytes(uint32_t version)
{
    return version < VERSION ? offsetof(struct file_column, style) : sizeof(struct file_column);
}

/* Bytes before the words. */
static uint64_t fixed_bytes(const struct file_header *header)
{
    return header->n_columns * column_bytes(header->version) + header->n_groups * sizeof(struct table_group) +
           header->n_levels * sizeof(uint64_t);
}

bool table_file_has_texts(const struct table_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_columns; i++)
        if (schema->columns[i].type == COLUMN_TEXT)
            return true;
    return false;
}

/* Whether its numbers share more in writing than the detail holds. */
static bool has_format(const struct column *column)
{
    return column_is_number(column) && !number_format_is_plain(&column->number);
}

static size_t words_bytes(const struct table_schema *schema)
{
    size_t n = 0;
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        const struct column *column = &schema->columns[i];
        n += strlen(column->name) + 1;
        if (has_format(column)) {
            char format[NUMBER_FORMAT_MAX];
            number_format_text(&column->number, format);
            n += strlen(format) + 1;
        }
        for (uint32_t j = 0; j < column->n_levels; j++)
            n += strlen(column->levels[j]) + 1;
    }
    return n;
}

static char *text_put(char *to, const char *text)
{
    size_t n = strlen(text) + 1;
    memcpy(to, text, n);
    return to + n;
}

static uint32_t detail_pack(const struct column *column)
{
    const struct date_format *date = &column->date;
    if (column->type != COLUMN_DATE)
        return (uint32_t)column->integer | (uint32_t)(unsigned char)column->decimal_point << 8 |
               (uint32_t)(unsigned char)column->thousands_separator << 16 | (uint32_t)column->decimals << 24;
    return (uint32_t)date->order | (uint32_t)(unsigned char)date->separator << 8 |
           (uint32_t)date->either << 16 | (uint32_t)date->style << 17;
}

static void detail_unpack(struct column *column, uint32_t detail, uint32_t version)
{
    column->decimals = COLUMN_DECIMALS_MIXED;
    if (column->type == COLUMN_DATE) {
        column->date = (struct date_format){.order = (enum date_order)(detail & 0xff),
                                            .separator = (char)(detail >> 8 & 0xff),
                                            .either = (detail >> 16 & 1) != 0,
                                            .style = (uint16_t)(detail >> 17)};
        return;
    }
    column->integer = (detail & 1) != 0;
    column->decimal_point = (char)(detail >> 8 & 0xff);
    column->thousands_separator = (char)(detail >> 16 & 0xff);
    if (version >= VERSION)
        column->decimals = (uint8_t)(detail >> 24);
}

static void schema_pack(const struct table_schema *schema, char *block)
{
    struct file_column *columns = (struct file_column *)(void *)block;
    struct table_group *groups = (struct table_group *)(void *)(columns + schema->n_columns);
    uint64_t *level_rows = (uint64_t *)(void *)(groups + 2 * schema->n_groups);
    char *text = (char *)(level_rows + levels_count(schema));
    if (schema->n_groups > 0) {
        memcpy(groups, schema->groups, schema->n_groups * sizeof *groups);
        memcpy(groups + schema->n_groups, schema->text_groups, schema->n_groups * sizeof *groups);
    }
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        const struct column *from = &schema->columns[i];
        columns[i] = (struct file_column){.n_missing = from->n_missing,
                                          .min = from->min,
                                          .max = from->max,
                                          .mean = from->mean,
                                          .stddev = from->stddev,
                                          .type = from->type,
                                          .offset = from->offset,
                                          .n_levels = from->n_levels,
                                          .detail = detail_pack(from),
                                          .style = has_format(from)};
        text = text_put(text, from->name);
        if (has_format(from)) {
            char format[NUMBER_FORMAT_MAX];
            number_format_text(&from->number, format);
            text = text_put(text, format);
        }
        for (uint32_t j = 0; j < from->n_levels; j++) {
            *level_rows++ = from->level_rows[j];
            text = text_put(text, from->levels[j]);
        }
    }
}

bool table_file_finish(int fd, const struct table_schema *schema, struct err *err)
{
    struct file_header header = {.version = VERSION,
                                 .byte_order = BYTE_ORDER_MARK,
                                 .n_rows = schema->n_rows,
                                 .n_columns = schema->n_columns,
                                 .record_bytes = schema->record_bytes,
                                 .n_groups = 2 * schema->n_groups,
                                 .n_levels = levels_count(schema),
                                 .schema_at = TABLE_RECORDS_AT + schema->n_rows * schema->record_bytes +
                                              schema->n_text_bytes};
    header.schema_bytes = fixed_bytes(&header) + words_bytes(schema);
    char *block = calloc(1, (size_t)header.schema_bytes);
    if (!block)
        return err_memory(err, "the table's schema");
    schema_pack(schema, block);
    header.schema_checksum = table_checksum(block, (size_t)header.schema_bytes);
    memcpy(header.magic, magic, sizeof magic);
    header.header_checksum = table_checksum(&header, offsetof(struct file_header, header_checksum));
    bool good =
        file_write_at(fd, block, (size_t)header.schema_bytes, header.schema_at, "the table's schema", err) &&
        file_write_at(fd, &header, sizeof header, 0, "the table's header", err);
    free(block);
    if (good && fsync(fd) != 0)
        return err_errno(err, "syncing the table");
    return good;
}

/* How many bytes are between the records and `end`; huge where it is within the
 * records. */
static uint64_t texts_bytes(const struct file_header *header, uint64_t end)
{
    return end - TABLE_RECORDS_AT - header->n_rows * header->record_bytes;
}

static bool header_check(const struct file_header *header, uint64_t file_bytes, struct err *err)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return err_set(err, ERR_CORRUPT, "this is not a table file");
    if (header->version < VERSION_PLAIN || header->version > VERSION || header->byte_order != BYTE_ORDER_MARK)
        return err_set(err, ERR_CORRUPT,
                       "the table file is of version %u, expected at most %d in this machine's byte order",
                       header->version, VERSION);
    if (header->header_checksum != table_checksum(header, offsetof(struct file_header, header_checksum)))
        return err_set(err, ERR_CORRUPT, "the table's header is damaged");
    uint64_t limit = UINT64_MAX / 1024;
    bool texts = header->version != VERSION_PLAIN;
    bool good = header->n_columns > 0 && header->n_columns <= 1u << 24 && header->record_bytes > 0 &&
                header->n_rows <= limit / header->record_bytes && header->n_groups < limit &&
                header->n_levels < limit && header->schema_at < limit && header->schema_bytes < limit &&
                (!texts || header->n_groups % 2 == 0) &&
                texts_bytes(header, header->schema_at) < (texts ? limit : 1) &&
                file_bytes == header->schema_at + header->schema_bytes &&
                header->schema_bytes > fixed_bytes(header);
    return good || err_set(err, ERR_CORRUPT, "the table file's size is not what its header says");
}

/* A value stands at a multiple of its size, or of 4. */
static bool column_place_check(const struct file_column *column, uint32_t record_bytes)
{
    uint32_t size = column_type_bytes((enum column_type)column->type), step = size < 4 ? size : 4;
    return column->offset % step == 0 && record_bytes >= size && column->offset <= record_bytes - size &&
           record_bytes % step == 0;
}

static bool column_check(const struct file_column *column, const struct file_header *header)
{
    if (column->type >= (header->version < VERSION ? COLUMN_INT8 : COLUMN_TYPES))
        return false;
    bool bytes =
        column->type != COLUMN_BYTE || (column->min >= 0 && column->max >= column->min && column->max <= 255);
    bool old = header->version < VERSION;
    bool format =
        column->type != COLUMN_DATE || ((column->detail & 0xff) < (old ? DATE_MDY + 1 : DATE_ORDERS) &&
                                        column->detail >> 17 < (old ? 1 : 2 * DATE_LETTER));
    bool style = old || column->style == 0 ||
                 (column->style == 1 && column_type_is_number((enum column_type)column->type));
    return bytes && format && style && column_place_check(column, header->record_bytes) &&
           (column->type == COLUMN_CATEGORY || column->n_levels == 0);
}

/* The next text, which must end before `end`. */
static char *text_take(char **text, const char *end)
{
    char *taken = *text, *nul = taken < end ? memchr(taken, '\0', (size_t)(end - taken)) : NULL;
    if (nul)
        *text = nul + 1;
    return nul ? taken : NULL;
}

/* Point columns and levels into the block. False where it does not hold what
 * the header says. */
static bool schema_unpack(const struct file_header *header, char *block, struct table_schema *schema,
                          const char **levels)
{
    size_t n_bytes = column_bytes(header->version);
    schema->groups = (struct table_group *)(void *)(block + header->n_columns * n_bytes);
    schema->text_groups = schema->groups + schema->n_groups;
    uint64_t *level_rows = (uint64_t *)(void *)(schema->groups + header->n_groups), n_left = header->n_levels;
    char *text = (char *)(level_rows + header->n_levels);
    const char *end = block + header->schema_bytes;
    for (uint32_t i = 0; i < header->n_columns; i++) {
        const struct file_column *from = (const struct file_column *)(const void *)(block + i * n_bytes);
        if (!column_check(from, header) || from->n_levels > n_left)
            return false;
        n_left -= from->n_levels;
        schema->columns[i] = (struct column){.name = text_take(&text, end),
                                             .type = (enum column_type)from->type,
                                             .offset = from->offset,
                                             .n_missing = from->n_missing,
                                             .min = from->min,
                                             .max = from->max,
                                             .mean = from->mean,
                                             .stddev = from->stddev,
                                             .n_levels = from->n_levels,
                                             .levels = levels,
                                             .level_rows = level_rows};
        if (!schema->columns[i].name)
            return false;
        detail_unpack(&schema->columns[i], from->detail, header->version);
        const char *format = header->version >= VERSION && from->style ? text_take(&text, end) : "0";
        if (!format || !number_format_find(format, &schema->columns[i].number))
            return false;
        for (uint32_t j = 0; j < from->n_levels; j++)
            if (!(*levels++ = text_take(&text, end)))
                return false;
        level_rows += from->n_levels;
    }
    bool texts = table_file_has_texts(schema);
    return n_left == 0 && text == end && (texts || schema->n_text_bytes == 0) &&
           (header->version == VERSION || texts == (header->version == VERSION_TEXTS));
}

bool table_file_read(int fd, struct table_schema *schema, void **block, const char ***levels, struct err *err)
{
    struct file_header header;
    struct stat status;
    *schema = (struct table_schema){0};
    *block = NULL;
    *levels = NULL;
    if (fstat(fd, &status) != 0)
        return err_errno(err, "looking at the table file");
    if (!file_read_at(fd, &header, sizeof header, 0, "the table's header", err) ||
        !header_check(&header, (uint64_t)status.st_size, err))
        return false;
    schema->n_rows = header.n_rows;
    schema->n_columns = header.n_columns;
    schema->record_bytes = header.record_bytes;
    schema->n_groups = header.version == VERSION_PLAIN ? header.n_groups : header.n_groups / 2;
    schema->n_text_bytes = texts_bytes(&header, header.schema_at);
    *block = malloc((size_t)header.schema_bytes);
    *levels = malloc(((size_t)header.n_levels + 1) * sizeof **levels);
    schema->columns = malloc(header.n_columns * sizeof *schema->columns);
    bool good = *block && *levels && schema->columns;
    if (!good)
        err_memory(err, "a table's schema");
    good = good &&
           file_read_at(fd, *block, (size_t)header.schema_bytes, header.schema_at, "the table's schema", err);
    if (good && (table_checksum(*block, (size_t)header.schema_bytes) != header.schema_checksum ||
                 !schema_unpack(&header, *block, schema, *levels)))
        good = err_set(err, ERR_CORRUPT, "the table's schema is damaged");
    if (!good) {
        free(*block);
        free(*levels);
        free(schema->columns);
        *schema = (struct table_schema){0};
        *block = NULL;
        *levels = NULL;
    }
    return good;
}
