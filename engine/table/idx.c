/* IDX files to CSV. See mlp/idx.h. */
#include "mlp/idx.h"
#include "base/file.h"

#include "csv/scan.h"
#include "table/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TYPE_BYTES = 8, DIMENSIONS_MAX = 4, NAME_BYTES = 24, VALUE_BYTES = 4 };

/* A file's shape. */
struct idx {
    int fd;
    uint32_t n_dimensions, dimensions[DIMENSIONS_MAX];
    uint64_t n_rows, n_columns, begin; /* begin: of the values in the file */
    const atomic_bool *stop;           /* of the pictures */
};

bool idx_known(const char *bytes, size_t n)
{
    return n >= 8 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= TYPE_BYTES && bytes[2] <= 14 &&
           bytes[3] >= 1 && bytes[3] <= DIMENSIONS_MAX;
}

static bool size_check(const struct idx *idx, struct err *err)
{
    struct stat status;
    if (fstat(idx->fd, &status) != 0)
        return err_errno(err, "looking at the IDX file");
    uint64_t bytes = idx->begin + idx->n_rows * idx->n_columns;
    return (uint64_t)status.st_size == bytes ||
           err_set(err, ERR_INPUT, "the IDX file has %llu bytes, and its head says %llu",
                   (unsigned long long)status.st_size, (unsigned long long)bytes);
}

static bool idx_open(struct idx *idx, int fd, struct err *err)
{
    unsigned char head[4 + 4 * DIMENSIONS_MAX];
    *idx = (struct idx){.fd = fd, .n_columns = 1};
    if (!file_read_at(fd, head, 4, 0, "the IDX file", err))
        return false;
    if (!idx_known((const char[8]){(char)head[0], (char)head[1], (char)head[2], (char)head[3]}, 8))
        return err_set(err, ERR_INPUT, "this is not an IDX file");
    if (head[2] != TYPE_BYTES)
        return err_set(err, ERR_UNSUPPORTED, "the IDX file holds values of type %u: expected 8, bytes",
                       head[2]);
    idx->n_dimensions = head[3];
    idx->begin = 4 + 4 * (uint64_t)idx->n_dimensions;
    if (!file_read_at(fd, head + 4, 4 * idx->n_dimensions, 4, "the IDX file", err))
        return false;
    for (uint32_t i = 0; i < idx->n_dimensions; i++) {
        const unsigned char *at = head + 4 + 4 * i;
        idx->dimensions[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (i > 0)
            idx->n_columns *= idx->dimensions[i];
        if (idx->n_columns == 0 || idx->n_columns >= CSV_COLUMNS_MAX)
            return err_set(err, ERR_INPUT, "the IDX file's pictures have no pixels, or more than %u",
                           CSV_COLUMNS_MAX);
    }
    idx->n_rows = idx->dimensions[0];
    return (idx->n_rows > 0 || err_set(err, ERR_INPUT, "the IDX file is empty")) && size_check(idx, err);
}

static bool out_write(int fd, const char *bytes, size_t n, struct err *err)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno != EINTR)
            return err_errno(err, "writing the pictures");
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
    return true;
}

static size_t name_write(const struct idx *images, uint64_t column, char *to)
{
    if (images->n_dimensions == 1)
        return (size_t)sprintf(to, "label");
    if (images->n_dimensions != 3)
        return (size_t)sprintf(to, "p%llu", (unsigned long long)column + 1);
    return (size_t)sprintf(to, "%llux%llu", (unsigned long long)(column / images->dimensions[2] + 1),
                           (unsigned long long)(column % images->dimensions[2] + 1));
}

static char *value_write(char *to, unsigned char value)
{
    if (value >= 100)
        *to++ = (char)('0' + value / 100);
    if (value >= 10)
        *to++ = (char)('0' + value / 10 % 10);
    *to++ = (char)('0' + value % 10);
    return to;
}

/* One line at a time; line: room for all names or values. */
static bool lines_write(const struct idx *images, const struct idx *labels, unsigned char *values, char *line,
                        int csv_fd, struct err *err)
{
    char *to = line;
    if (labels)
        to += sprintf(to, "label");
    for (uint64_t i = 0; i < images->n_columns; i++) {
        if (to > line)
            *to++ = ',';
        to += name_write(images, i, to);
    }
    *to++ = '\n';
    for (uint64_t row = 0; row < images->n_rows; row++) {
        if (!stop_check(images->stop, err) || !out_write(csv_fd, line, (size_t)(to - line), err) ||
            !file_read_at(images->fd, values + 1, images->n_columns, images->begin + row * images->n_columns,
                          "the IDX file", err) ||
            (labels && !file_read_at(labels->fd, values, 1, labels->begin + row, "the labels", err)))
            return false;
        to = line;
        for (uint64_t i = labels ? 0 : 1; i <= images->n_columns; i++) {
            if (to > line)
                *to++ = ',';
            to = value_write(to, values[i]);
        }
        *to++ = '\n';
    }
    return out_write(csv_fd, line, (size_t)(to - line), err);
}

bool idx_to_csv(int images_fd, int labels_fd, int csv_fd, const atomic_bool *stop, struct err *err)
{
    struct idx images, labels;
    bool labelled = labels_fd >= 0;
    if (!idx_open(&images, images_fd, err) || (labelled && !idx_open(&labels, labels_fd, err)))
        return false;
    if (labelled && (labels.n_dimensions != 1 || labels.n_rows != images.n_rows || images.n_dimensions == 1))
        return err_set(
            err, ERR_INPUT, "%llu pictures and %llu labels of %u dimensions do not belong together",
            (unsigned long long)images.n_rows, (unsigned long long)labels.n_rows, labels.n_dimensions);
    images.stop = stop;
    unsigned char *values = malloc(images.n_columns + 1);
    char *line = malloc((images.n_columns + 1) * NAME_BYTES + 16);
    bool ok = (values && line) || err_memory(err, "a line of pictures");
    ok = ok && lines_write(&images, labelled ? &labels : NULL, values, line, csv_fd, err);
    free(values);
    free(line);
    return ok;
}
