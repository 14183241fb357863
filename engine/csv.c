/* A CSV reader over a whole buffer in memory: csv_scan with a separator found out and rows counted. One reader, one thread. */
#include "csv_scan.h"

#include <stdlib.h>
#include <string.h>

struct csv_reader {
    struct csv_scan scan;
    uint64_t n_rows; /* read so far */
};

struct csv_reader *csv_reader_new(const char *bytes, size_t n_bytes, char separator, struct err *err)
{
    struct csv_reader *reader = malloc(sizeof *reader);
    if (!reader) {
        err_memory(err, "a CSV reader");
        return NULL;
    }
    if (n_bytes >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        n_bytes -= 3;
    }
    struct csv_dialect dialect = {.separator = separator, .quote = '"'};
    csv_guess(&dialect, true, bytes, n_bytes, true);
    csv_scan_init(&reader->scan, &dialect);
    csv_scan_text(&reader->scan, bytes, n_bytes, true);
    reader->n_rows = 0;
    return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (reader)
        csv_scan_done(&reader->scan);
    free(reader);
}

char csv_reader_separator(const struct csv_reader *reader)
{
    return reader->scan.dialect.separator;
}

int csv_reader_next(struct csv_reader *reader, const struct csv_field **fields, uint32_t *n_fields, struct err *err)
{
    enum csv_result result = csv_scan_row(&reader->scan);
    if (result == CSV_END)
        return 0;
    if (result != CSV_ROW) {
        csv_describe(result, reader->n_rows + 1, reader->scan.n_fields, err);
        return -1;
    }
    reader->n_rows++;
    *fields = reader->scan.fields;
    *n_fields = reader->scan.n_fields;
    return 1;
}
