/* A file, whatever it is, into a dataset. See take.h. */
#include "datasets/take.h"
#include "base/files.h"
#include "base/recode.h"
#include "datasets/convert.h"
#include "datasets/kind.h"
#include "mlp/idx.h"
#include "mlp/map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How the file became UTF-8. */
struct recoded {
    const char *from; /* NULL: it is read as it is */
    uint64_t n_bad;
    bool head_is_unknown; /* nobody can tell the encoding */
};

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

/* The file as UTF-8, where its mark or the user says that it is in an encoding
 * that the reader does not know: *fd, which the caller closes, else -1. Where
 * nobody can tell, the user is asked. */
static bool file_recode(struct datasets *datasets, const struct taken_file *file, struct recoded *recoded,
                        int *fd, struct err *err)
{
    uint64_t size;
    *fd = -1;
    if (!files_size(file->fd, &size, err))
        return false;
    size_t n = size < KIND_HEAD ? (size_t)size : KIND_HEAD;
    char *head = malloc(KIND_HEAD);
    bool ok = (head || err_memory(err, "the head of the file")) && files_read_at(file->fd, head, n, 0, err);
    recoded->from = !ok ? NULL : file->charset ? file->charset : recode_mark(head, n);
    if (ok && recoded->from)
        ok = (*fd = datasets_temp(datasets, err)) >= 0 &&
             recode_file(file->fd, recoded->from, *fd, file->stop, &recoded->n_bad, err);
    else if (ok && file->options->encoding == CSV_ENCODING_GUESS)
        recoded->head_is_unknown = !recode_ask(head, n, err);
    free(head);
    return ok;
}

/* Pictures with labels are two files, and are not kept. */
static bool source_describe(struct upload *upload, const struct taken_file *file, enum file_kind kind,
                            const struct recoded *recoded, struct err *err)
{
    static const char *const formats[] = {
        [FILE_CSV] = "csv", [FILE_JSON] = "json", [FILE_LIBSVM] = "libsvm", [FILE_IDX] = "idx"};
    struct upload_source source = {.format = formats[kind],
                                   .told = file->told,
                                   .keep_fd = file->labels_fd >= 0 ? -1 : file->fd,
                                   .keep_of = file->kept_of,
                                   .recoded_from = recoded->from,
                                   .n_bad = recoded->n_bad};
    return files_size(file->fd, &source.bytes, err) && datasets_describe(upload, &source, err);
}

/* What is no text is named before its encoding is asked for. */
static bool text_tell(struct datasets *datasets, const struct taken_file *file, struct taken_file *read,
                      enum file_kind *kind, struct recoded *recoded, struct err *err)
{
    struct err unknown = {0};
    *recoded = (struct recoded){0};
    if (!file_recode(datasets, file, recoded, &read->fd, &unknown)) {
        *err = unknown;
        return false;
    }
    if (read->fd < 0)
        read->fd = file->fd;
    if (!kind_tell(read, kind, err))
        return false;
    if (recoded->head_is_unknown && *kind != FILE_IDX)
        *err = unknown;
    return !recoded->head_is_unknown || *kind == FILE_IDX;
}

/* Whether the head, of KIND_HEAD bytes, is of a CSV that is read as it is. */
static bool head_is_csv(const char *head, const struct csv_options *options)
{
    const struct file_ends ends = {.head = head, .tail = head, .n_head = KIND_HEAD, .n_tail = KIND_HEAD};
    enum file_kind kind;
    struct err ignored;
    return !recode_mark(head, KIND_HEAD) &&
           (options->encoding != CSV_ENCODING_GUESS || recode_ask(head, KIND_HEAD, &ignored)) &&
           kind_find(&ends, &kind, &ignored) && kind == FILE_CSV;
}

void take_early(struct upload *upload, const struct taken_file *file, uint64_t n_there, uint64_t n_bytes)
{
    struct err ignored;
    if (file->charset || file->json || file->lines_dropped || n_there < KIND_HEAD)
        return;
    char *head = malloc(KIND_HEAD);
    if (head && files_read_at(file->fd, head, KIND_HEAD, 0, &ignored) && head_is_csv(head, file->options))
        datasets_read_early(
            upload, &(struct arriving){
                        .fd = file->fd, .n_there = n_there, .n_bytes = n_bytes, .options = file->options});
    free(head);
}

bool take_file(struct datasets *datasets, struct upload *upload, const struct taken_file *file,
               struct dataset_info *info, struct err *err)
{
    struct taken_file read = *file;
    struct csv_options options = *file->options;
    struct recoded recoded;
    enum file_kind kind;
    read.fd = -1;
    bool ok = text_tell(datasets, file, &read, &kind, &recoded, err) &&
              source_describe(upload, file, kind, &recoded, err);
    if (recoded.from)
        options.encoding = CSV_UTF8;
    read.options = &options;
    if (!ok)
        datasets_abort(upload);
    else if (kind == FILE_CSV)
        ok = datasets_finish(upload, read.fd, read.options, file->stop, info, err);
    else
        ok = converted_take(datasets, upload, &read, kind, info, err);
    if (read.fd >= 0 && read.fd != file->fd)
        close(read.fd);
    return ok;
}
