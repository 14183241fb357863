/* libsvm as CSV. See convert.h. */
#include "datasets/convert.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES (256u << 10)
#define INDEX_MAX 1000000u

struct libsvm {
    const struct convert_source *source;
    struct err *err;
    uint64_t row;
    uint32_t least, most; /* indices in the file; least > most: none */
    bool queries;
    struct writer writer;
    struct convert_out out;
};

struct line {
    const char *at, *end;
};

static bool wrong(const struct libsvm *libsvm, const char *what)
{
    err_set(libsvm->err, ERR_INPUT, "row %llu of the libsvm file: %s", (unsigned long long)libsvm->row, what);
    err_at(libsvm->err, libsvm->row, "");
    return err_id(libsvm->err, "libsvm_wrong");
}

static void blanks_skip(struct line *line)
{
    while (line->at < line->end && (*line->at == ' ' || *line->at == '\t' || *line->at == '\r'))
        line->at++;
}

/* A word up to a blank or `stop`; *n its bytes. */
static const char *word_take(struct line *line, char stop, size_t *n)
{
    const char *begin = line->at;
    while (line->at < line->end && !strchr(" \t\r", *line->at) && *line->at != stop && *line->at)
        line->at++;
    *n = (size_t)(line->at - begin);
    return begin;
}

struct pair {
    bool query;
    uint32_t index;
    const char *value;
    size_t n;
};

/* 1: a pair; 0: the end of the line; -1: *err. */
static int pair_next(const struct libsvm *libsvm, struct line *line, struct pair *pair)
{
    size_t n;
    blanks_skip(line);
    if (line->at == line->end || *line->at == '#')
        return 0;
    const char *index = word_take(line, ':', &n);
    if (line->at == line->end || *line->at != ':')
        return wrong(libsvm, "expected index:value") - 1;
    *pair = (struct pair){.query = n == 3 && memcmp(index, "qid", 3) == 0};
    for (size_t i = 0; !pair->query && i < n; i++) {
        if (index[i] < '0' || index[i] > '9')
            return wrong(libsvm, "an index is no whole number") - 1;
        pair->index = pair->index * 10 + (uint32_t)(index[i] - '0');
        if (pair->index >= INDEX_MAX)
            return wrong(libsvm, "an index is beyond 999999") - 1;
    }
    line->at++;
    pair->value = word_take(line, '\0', &pair->n);
    if (n == 0 || pair->n == 0 || memchr(pair->value, ',', pair->n) || memchr(pair->value, '"', pair->n))
        return wrong(libsvm, "expected index:value") - 1;
    return 1;
}

/* The next line with something on it. */
static bool line_next(struct libsvm *libsvm, struct line *rest, struct line *line)
{
    while (rest->at < rest->end) {
        const char *end = memchr(rest->at, '\n', (size_t)(rest->end - rest->at));
        *line = (struct line){rest->at, end ? end : rest->end};
        rest->at = end ? end + 1 : rest->end;
        blanks_skip(line);
        if (line->at < line->end && *line->at != '#') {
            libsvm->row++;
            return true;
        }
    }
    return false;
}

static struct line file_begin(struct libsvm *libsvm)
{
    const struct convert_source *source = libsvm->source;
    size_t mark = source->n >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    libsvm->row = 0;
    return (struct line){source->bytes + mark, source->bytes + source->n};
}

static bool indices_find(struct libsvm *libsvm)
{
    struct line rest = file_begin(libsvm), line;
    struct pair pair;
    size_t n;
    libsvm->least = 1;
    while (line_next(libsvm, &rest, &line)) {
        int more;
        word_take(&line, '\0', &n);
        while ((more = pair_next(libsvm, &line, &pair)) == 1) {
            libsvm->queries = libsvm->queries || pair.query;
            if (pair.query)
                continue;
            libsvm->most = pair.index > libsvm->most ? pair.index : libsvm->most;
            libsvm->least = pair.index == 0 ? 0 : libsvm->least;
        }
        if (more < 0 || (libsvm->row % 4096 == 0 && !stop_check(libsvm->source->stop, libsvm->err)))
            return false;
    }
    return libsvm->row > 0 || err_set(libsvm->err, ERR_INPUT, "the libsvm file has no rows");
}

static void header_put(struct libsvm *libsvm)
{
    writer_text(&libsvm->writer, libsvm->queries ? "label,qid" : "label");
    for (uint32_t i = libsvm->least; i <= libsvm->most; i++)
        writer_text(&libsvm->writer, ",x%u", i);
    writer_bytes(&libsvm->writer, "\n", 1);
}

static void label_put(struct libsvm *libsvm, const char *label, size_t n)
{
    bool several = memchr(label, ',', n) != NULL;
    writer_bytes(&libsvm->writer, "\"", several);
    writer_bytes(&libsvm->writer, label, n);
    writer_bytes(&libsvm->writer, "\"", several);
}

/* The values in the order of their indices, 0 where there is none. */
static bool row_put(struct libsvm *libsvm, struct line *line)
{
    struct writer *writer = &libsvm->writer;
    struct pair pair = {0};
    size_t n;
    uint32_t at = libsvm->least;
    const char *label = word_take(line, '\0', &n);
    label_put(libsvm, label, n);
    int more = pair_next(libsvm, line, &pair);
    if (libsvm->queries) {
        bool there = more == 1 && pair.query;
        writer_bytes(writer, ",", 1);
        if (there) {
            writer_bytes(writer, pair.value, pair.n);
            more = pair_next(libsvm, line, &pair);
        }
    }
    for (; more == 1; more = pair_next(libsvm, line, &pair)) {
        if (pair.query || pair.index < at)
            return wrong(libsvm, "the indices do not rise");
        for (; at < pair.index; at++)
            writer_bytes(writer, ",0", 2);
        writer_bytes(writer, ",", 1);
        writer_bytes(writer, pair.value, pair.n);
        at++;
    }
    for (; more == 0 && at <= libsvm->most; at++)
        writer_bytes(writer, ",0", 2);
    writer_bytes(writer, "\n", 1);
    return more == 0 && convert_flush(&libsvm->out, FLUSH_BYTES, libsvm->err);
}

static bool rows_put(struct libsvm *libsvm)
{
    struct line rest = file_begin(libsvm), line;
    header_put(libsvm);
    while (line_next(libsvm, &rest, &line))
        if (!row_put(libsvm, &line))
            return false;
    return convert_flush(&libsvm->out, 0, libsvm->err);
}

bool convert_libsvm(const struct convert_source *source, const struct csv_options *told, int fd,
                    struct converted *converted, struct err *err)
{
    struct libsvm libsvm = {.source = source, .err = err, .out = {.source = source, .fd = fd}};
    libsvm.out.writer = &libsvm.writer;
    libsvm.writer.claim = source->claim;
    *converted = (struct converted){.options = convert_options(told), .n_told = told->n_types};
    bool ok = indices_find(&libsvm) && rows_put(&libsvm);
    writer_done(&libsvm.writer);
    return ok;
}
