/* See mend.h. The layouts stand in table/file.c, models/file.h, evaluations.h
 * and the PNG specification. */
#include "mend.h"

#include "base/files.h"
#include "fuzz.h"
#include "table/file.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* ---- tables ---- */

enum { GROUP_BYTES = 16 };
/* Where the header has what. */
enum {
    N_ROWS = 16,
    N_COLUMNS = 24,
    RECORD_BYTES = 28,
    N_GROUPS = 32,
    SCHEMA_AT = 48,
    SCHEMA_BYTES = 56,
    SCHEMA_SUM = 64,
    HEADER_SUM = 72
};

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

/* As many groups as lie within the file. Returns where the last one's content
 * ends. */
static uint64_t groups_mend(uint8_t *bytes, uint64_t schema_at, uint8_t *groups, uint64_t n_groups,
                            uint64_t at, uint64_t size)
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

void mend_table(uint8_t *bytes, size_t n)
{
    if (n < TABLE_RECORDS_AT)
        return;
    uint64_t schema_at = get(bytes + SCHEMA_AT, 8), n_groups = get(bytes + N_GROUPS, 8),
             n_columns = get(bytes + N_COLUMNS, 4);
    if (schema_at < TABLE_RECORDS_AT || schema_at > n)
        return;
    put(bytes + SCHEMA_BYTES, n - schema_at);
    uint64_t version = get(bytes + 8, 4), column_bytes = version < 3 ? 56 : 64,
             groups_at = schema_at + n_columns * column_bytes, parts = version == 1 ? 1 : 2;
    if (groups_at <= n && n_groups <= (n - groups_at) / GROUP_BYTES) {
        uint8_t *groups = bytes + groups_at;
        uint64_t at = groups_mend(bytes, schema_at, groups, n_groups / parts, TABLE_RECORDS_AT,
                                  get(bytes + RECORD_BYTES, 4));
        if (parts == 2)
            groups_mend(bytes, schema_at, groups + n_groups / 2 * GROUP_BYTES, n_groups / 2, at, 1);
    }
    put(bytes + SCHEMA_SUM, table_checksum(bytes + schema_at, n - schema_at));
    put(bytes + HEADER_SUM, table_checksum(bytes, HEADER_SUM));
}

/* ---- models ---- */

static void sum_put(cJSON *metadata, const char *name, uLong sum)
{
    char text[12];
    snprintf(text, sizeof text, "%08lx", sum & 0xffffffff);
    if (cJSON_GetObjectItemCaseSensitive(metadata, name))
        cJSON_ReplaceItemInObjectCaseSensitive(metadata, name, cJSON_CreateString(text));
}

/* The file with the sums of its data and texts put right, and its header's
 * length; as it is where its header cannot be read. */
void mend_model(int file, const uint8_t *bytes, size_t n)
{
    static const char *const texts[] = {"recipe", "network", "info"};
    uint64_t length = 0;
    memcpy(&length, bytes, n < 8 ? n : 8);
    cJSON *root =
        n > 8 && length <= n - 8 ? cJSON_ParseWithLength((const char *)bytes + 8, (size_t)length) : NULL;
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(root, "__metadata__");
    uLong sum = crc32(0, NULL, 0);
    for (int i = 0; i < 3; i++) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, texts[i]));
        sum = text ? crc32_z(sum, (const Bytef *)text, strlen(text) + 1) : sum;
    }
    sum_put(metadata, "text_checksum", sum);
    if (root)
        sum_put(metadata, "checksum", crc32_z(crc32(0, NULL, 0), bytes + 8 + length, n - 8 - (size_t)length));
    char *header = root ? cJSON_PrintUnformatted(root) : NULL;
    uint64_t n_header = header ? strlen(header) : 0;
    int fd = header ? fuzz_file(file, &n_header, sizeof n_header) : fuzz_file(file, bytes, n);
    if (header)
        require(write(fd, header, n_header) == (ssize_t)n_header &&
                    write(fd, bytes + 8 + length, n - 8 - (size_t)length) >= 0,
                "written");
    close(fd);
    free(header);
    cJSON_Delete(root);
}

/* ---- evaluations ---- */

enum { BLOCK = 4096, HEAD_1 = 24, HEAD_2 = 40, METRICS_1 = 40 };

static void hash_put(uint8_t *at, const uint8_t *bytes, size_t n)
{
    uint64_t hash = files_hash(FILES_HASH, bytes, n);
    memcpy(at, &hash, sizeof hash);
}

/* The layout as evaluations.c has it, where it lies within the n bytes. */
void mend_evaluation(uint8_t *bytes, size_t n)
{
    if (n < HEAD_2)
        return;
    bool first = bytes[7] == '1';
    uint64_t rows = get(bytes + 8, 8), classes = get(bytes + 16, 8), metrics = first ? 0 : get(bytes + 24, 8),
             columns = first ? 0 : get(bytes + 32, 8);
    uint64_t orders = first ? 1 : 2, size = first ? 16 : 20, n_blocks = (rows + BLOCK - 1) / BLOCK;
    if (rows > n || classes > 64 || metrics > n || columns > n)
        return;
    uint64_t hashes =
        (first ? HEAD_1 + METRICS_1 : HEAD_2 + 32 * metrics + 16 * columns) + 8 * classes * classes;
    uint64_t front = hashes + 8 * (orders * n_blocks + 1);
    if (front + orders * rows * size > n)
        return;
    for (uint64_t i = 0; i < orders * n_blocks; i++) {
        uint64_t from = i % n_blocks * BLOCK, n_rows = rows - from < BLOCK ? rows - from : BLOCK;
        hash_put(bytes + hashes + 8 * i, bytes + front + (i / n_blocks * rows + from) * size,
                 (size_t)(n_rows * size));
    }
    hash_put(bytes + front - 8, bytes, (size_t)front - 8);
}

/* ---- pictures ---- */

enum { SIGNATURE_BYTES = 8, CHUNK_BYTES = 12 };

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void mend_png(uint8_t *bytes, size_t n)
{
    for (size_t at = SIGNATURE_BYTES; at + CHUNK_BYTES <= n; at += CHUNK_BYTES + big_endian(bytes + at)) {
        size_t length = big_endian(bytes + at);
        if (length > n - at - CHUNK_BYTES)
            return;
        uint32_t crc = (uint32_t)crc32_z(0, bytes + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

uint64_t mend_png_pixels(const uint8_t *bytes)
{
    return (uint64_t)big_endian(bytes + 16) * big_endian(bytes + 20);
}
