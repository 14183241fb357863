/* What the converters share: CSV on its way out, and how to read it. */
#include "datasets/convert.h"
#include "base/files.h"
#include "base/writer.h"

#include <stdlib.h>

void converted_done(struct converted *converted)
{
    for (uint32_t i = converted->n_told; converted->types && i < converted->options.n_types; i++)
        free((char *)converted->types[i].column);
    free(converted->types);
    *converted = (struct converted){0};
}

bool convert_flush(struct convert_out *out, size_t above, struct err *err)
{
    struct writer *writer = out->writer;
    if (writer->failed)
        return writer_why(writer, err);
    if (writer->n <= above)
        return true;
    out->n_written += writer->n;
    if (out->n_written > out->source->most)
        return err_set(
            err, ERR_LIMIT,
            "as a table the file has more than %llu bytes: send fewer columns, or raise --max-body",
            (unsigned long long)out->source->most);
    size_t n = writer->n;
    writer->n = 0;
    return stop_check(out->source->stop, err) && files_reserve(out->fd, n, err) &&
           files_write(out->fd, writer->text, n, err);
}

struct csv_options convert_options(const struct csv_options *told)
{
    struct csv_options options = *told;
    options.separator = ',';
    options.quote = 0;
    options.header = 1;
    options.titles = -1;
    options.decimal = '.';
    options.thousands = 0;
    options.comment = -1;
    options.encoding = CSV_UTF8;
    return options;
}
