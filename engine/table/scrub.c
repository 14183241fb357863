/* A table's file read from the disk, group by group, to find damage early.
 * Nothing is mapped: a sector that cannot be read is an error of a system
 * call. */
#include "base/file.h"
#include "mlp/file.h"
#include "mlp/table.h"
#include "table/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* An open file and room for any of its groups. */
struct reading {
    int fd;
    struct table_schema schema;
    bool texts;
    char *bytes;
};

static bool bytes_make(struct reading *reading, struct err *err)
{
    const struct table_schema *schema = &reading->schema;
    uint64_t most = 1;
    for (uint64_t i = 0; i < schema->n_groups; i++) {
        uint64_t records = schema->groups[i].n * schema->record_bytes,
                 texts = reading->texts ? schema->text_groups[i].n : 0;
        most = records > most ? records : most;
        most = texts > most ? texts : most;
    }
    reading->bytes = most <= SIZE_MAX / 2 ? malloc((size_t)most) : NULL;
    return reading->bytes || err_memory(err, "a group of a table");
}

/* Whether n bytes at a place of the file are what was written. The system need
 * not keep them. */
static bool part_good(const struct reading *reading, uint64_t at, uint64_t n, uint64_t checksum)
{
    struct err ignored;
    bool good = file_read_at(reading->fd, reading->bytes, (size_t)n, at, "a table", &ignored);
    (void)posix_fadvise(reading->fd, (off_t)at, (off_t)n, POSIX_FADV_DONTNEED);
    return good && table_checksum(reading->bytes, (size_t)n) == checksum;
}

static bool groups_read(const struct reading *reading, const struct table_scrub *scrub, struct err *err)
{
    const struct table_schema *schema = &reading->schema;
    uint64_t at = TABLE_RECORDS_AT, row = 0, texts_at = at + schema->n_rows * schema->record_bytes;
    for (uint64_t i = 0; i < schema->n_groups; i++) {
        uint64_t n_rows = schema->groups[i].n, n = n_rows * schema->record_bytes,
                 n_texts = reading->texts ? schema->text_groups[i].n : 0;
        bool good = part_good(reading, at, n, schema->groups[i].checksum);
        good = good &&
               (!reading->texts || part_good(reading, texts_at, n_texts, schema->text_groups[i].checksum));
        if (!good && n_rows > 0)
            scrub->damaged(scrub->self, row + 1, row + n_rows);
        at += n;
        texts_at += n_texts;
        row += n_rows;
        if (!scrub->tick(scrub->self, n + n_texts))
            return err_set(err, ERR_STOPPED, "reading a table was stopped");
    }
    return true;
}

bool table_scrub(const char *path, const struct table_scrub *scrub, struct err *err)
{
    void *block = NULL;
    const char **levels = NULL;
    struct reading reading = {.fd = file_open(path, err)};
    bool ok = reading.fd >= 0 && table_file_read(reading.fd, &reading.schema, &block, &levels, err);
    reading.texts = ok && table_file_has_texts(&reading.schema);
    ok = ok && bytes_make(&reading, err) && groups_read(&reading, scrub, err);
    free(reading.bytes);
    free(reading.schema.columns);
    free(levels);
    free(block);
    if (reading.fd >= 0)
        close(reading.fd);
    return ok;
}
