/* A file, whatever it is, into a dataset. See take.h. */
#include "datasets/take.h"
#include "base/files.h"
#include "datasets/convert.h"
#include "datasets/kind.h"
#include "mlp/idx.h"
#include "mlp/map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* curl -d reads a file without its line ends. */
static bool lines_check(const struct taken_file *file, struct err *err)
{
    char head[4096];
    uint64_t size;
    if (!files_size(file->fd, &size, err))
        return false;
    for (uint64_t at = 0; at < size; at += sizeof head) {
        size_t n = size - at < sizeof head ? (size_t)(size - at) : sizeof head;
        if (!files_read_at(file->fd, head, n, at, err))
            return false;
        if (memchr(head, '\n', n) || memchr(head, '\r', n))
            return true;
    }
    err_set(err, ERR_INPUT,
            "the file is one line: curl -d @file drops the line ends; send it with --data-binary @file");
    return err_id(err, "lines_dropped");
}

/* The other kinds as CSV in `fd`, an empty file. */
static bool file_convert(const struct taken_file *file, enum file_kind kind, int fd,
                         struct converted *converted, struct err *err)
{
    struct convert_source source = {.most = file->most, .claim = file->claim, .stop = file->stop};
    struct map map = {0};
    uint64_t size;
    if (kind == FILE_IDX) {
        *converted = (struct converted){.options = convert_options(&(struct csv_options){0})};
        return idx_to_csv(file->fd, file->labels_fd, fd, file->stop, err);
    }
    if (!files_size(file->fd, &size, err) || !map_file(&map, file->fd, (size_t)size, err))
        return false;
    source.bytes = map.bytes;
    source.n = map.n_bytes;
    bool ok = (kind == FILE_JSON ? convert_json : convert_libsvm)(&source, file->options, fd, converted, err);
    struct err fault;
    if (!map_check(&map, "the upload", &fault)) {
        *err = fault;
        if (ok)
            converted_done(converted);
        ok = false;
    }
    map_done(&map);
    return ok;
}

static bool converted_take(struct datasets *datasets, struct upload *upload, const struct taken_file *file,
                           enum file_kind kind, struct dataset_info *info, struct err *err)
{
    struct converted converted = {0};
    int fd = datasets_temp(datasets, err);
    bool ok = fd >= 0 && file_convert(file, kind, fd, &converted, err);
    if (ok)
        ok = datasets_finish(upload, fd, &converted.options, file->stop, info, err);
    else
        datasets_abort(upload);
    converted_done(&converted);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool kind_tell(const struct taken_file *file, enum file_kind *kind, struct err *err)
{
    if (!kind_find_file(file->fd, kind, err))
        return false;
    if (*kind != FILE_IDX && file->labels_fd >= 0) {
        err_set(err, ERR_INPUT,
                "the form's field \"labels\" goes with pictures in IDX as the field \"file\"");
        return err_field(err, "labels");
    }
    if (*kind == FILE_CSV && file->json)
        *kind = FILE_JSON;
    return *kind == FILE_JSON || *kind == FILE_IDX || !file->lines_dropped || lines_check(file, err);
}

/* Pictures with labels are two files, and are not kept. */
static bool source_describe(struct upload *upload, const struct taken_file *file, enum file_kind kind,
                            struct err *err)
{
    static const char *const formats[] = {
        [FILE_CSV] = "csv", [FILE_JSON] = "json", [FILE_LIBSVM] = "libsvm", [FILE_IDX] = "idx"};
    struct upload_source source = {.format = formats[kind],
                                   .told = file->told,
                                   .keep_fd = file->labels_fd >= 0 ? -1 : file->fd,
                                   .keep_of = file->kept_of};
    return files_size(file->fd, &source.bytes, err) && datasets_describe(upload, &source, err);
}

bool take_file(struct datasets *datasets, struct upload *upload, const struct taken_file *file,
               struct dataset_info *info, struct err *err)
{
    enum file_kind kind;
    if (!kind_tell(file, &kind, err) || !source_describe(upload, file, kind, err)) {
        datasets_abort(upload);
        return false;
    }
    if (kind == FILE_CSV)
        return datasets_finish(upload, file->fd, file->options, file->stop, info, err);
    return converted_take(datasets, upload, file, kind, info, err);
}
