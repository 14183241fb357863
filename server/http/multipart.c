/* multipart/form-data, streamed. The delimiter "\r\n--boundary" is matched byte
 * by byte over whatever pieces the body comes in; as \r stands only at its
 * beginning, a failed match can only begin again at the byte that failed. */
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 70 /* RFC 2046 */
#define HEAD_MAX 4096
#define VALUE_MAX 4096
#define FIELDS_MAX 64

enum state {
    STATE_SKIP,  /* before the first delimiter */
    STATE_AFTER, /* after a delimiter: the rest of its line */
    STATE_HEAD,  /* a part's headers */
    STATE_FILE,
    STATE_LABELS,
    STATE_FIELD,
    STATE_END, /* after the last delimiter */
};

struct multipart {
    struct multipart_sink sink;
    enum state state;
    char delimiter[BOUNDARY_MAX + 8]; /* "\r\n--boundary" */
    size_t n_delimiter, n_matched;
    char head[HEAD_MAX + 1]; /* of the part, or the rest of a delimiter's line */
    size_t n_head;
    char name[128];
    char value[VALUE_MAX + 1];
    size_t n_value, n_fields;
    bool has_file, has_labels;
};

/* One parameter's value at *at, quotes taken off; *at moves behind it. False
 * where it does not fit. */
static bool value_read(const char **at, char *value, size_t size)
{
    const char *text = *at;
    bool quoted = *text == '"';
    size_t n = 0;
    for (text += quoted; *text && (quoted ? *text != '"' : !strchr("; \t\r\n", *text)); text++) {
        if (quoted && *text == '\\' && text[1])
            text++;
        if (n + 1 < size)
            value[n] = *text;
        n++;
    }
    value[n < size ? n : 0] = 0;
    *at = text;
    return n < size;
}

/* The parameter's value within a header's text ("form-data; name=\"file\";
 * filename=..."). */
static bool parameter_find(const char *text, const char *name, char *value, size_t size)
{
    size_t n_name = strlen(name);
    const char *at = strchr(text, ';');
    while (at) {
        at += 1 + strspn(at + 1, " \t");
        size_t n_key = strcspn(at, "=;");
        bool found = n_key == n_name && at[n_key] == '=' && !strncasecmp(at, name, n_name);
        at += n_key + (at[n_key] == '=');
        bool fits = value_read(&at, value, size);
        if (found)
            return fits;
        at = strchr(at, ';');
    }
    return false;
}

struct multipart *multipart_new(const char *content_type, const struct multipart_sink *sink, struct err *err)
{
    char boundary[BOUNDARY_MAX + 1];
    if (!parameter_find(content_type, "boundary", boundary, sizeof boundary) || !*boundary ||
        strpbrk(boundary, "\r\n")) {
        err_set(err, ERR_INPUT,
                "the header Content-Type: multipart/form-data names no boundary of 1 to %d characters",
                BOUNDARY_MAX);
        return NULL;
    }
    struct multipart *multipart = calloc(1, sizeof *multipart);
    if (!multipart) {
        err_memory(err, "the form");
        return NULL;
    }
    multipart->sink = *sink;
    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary, strlen(boundary));
    multipart->n_delimiter = 4 + strlen(boundary);
    multipart->n_matched = 2; /* the first delimiter may begin the body */
    return multipart;
}

size_t multipart_bytes(void)
{
    return sizeof(struct multipart);
}

void multipart_free(struct multipart *multipart)
{
    free(multipart);
}

static bool part_begin(struct multipart *multipart, struct err *err)
{
    char *line = multipart->head, filename[256];
    multipart->head[multipart->n_head] = 0;
    while (line && strncasecmp(line, "Content-Disposition:", 20)) {
        line = strchr(line, '\n');
        if (line)
            line++;
    }
    if (line)
        line[strcspn(line, "\r\n")] = 0;
    if (!line || !parameter_find(line, "name", multipart->name, sizeof multipart->name))
        return err_set(err, ERR_INPUT,
                       "a part of the form has no usable Content-Disposition: form-data; name=...");
    bool file =
        !strcmp(multipart->name, "file") || parameter_find(line, "filename", filename, sizeof filename);
    bool labels = file && !strcmp(multipart->name, "labels");
    if (file && (labels ? multipart->has_labels : multipart->has_file))
        return err_set(err, ERR_INPUT,
                       "the form holds more than one file: expected one, as the field \"file\"");
    if (!file && ++multipart->n_fields > FIELDS_MAX)
        return err_set(err, ERR_INPUT, "the form has more than %d fields", FIELDS_MAX);
    multipart->has_file |= file && !labels;
    multipart->has_labels |= labels;
    multipart->n_value = 0;
    multipart->state = labels ? STATE_LABELS : file ? STATE_FILE : STATE_FIELD;
    return true;
}

/* Bytes of a part's content. */
static bool content_take(struct multipart *multipart, const char *bytes, size_t n, struct err *err)
{
    if (n == 0 || multipart->state == STATE_SKIP)
        return true;
    if (multipart->state == STATE_FILE || multipart->state == STATE_LABELS)
        return multipart->sink.file(multipart->sink.self, multipart->state == STATE_LABELS, bytes, n, err);
    if (n > VALUE_MAX - multipart->n_value)
        return err_set(
            err, ERR_INPUT,
            "the form's field \"%s\" is longer than %d bytes: a CSV belongs into the field \"file\"",
            multipart->name, VALUE_MAX);
    memcpy(multipart->value + multipart->n_value, bytes, n);
    multipart->n_value += n;
    return true;
}

static bool part_end(struct multipart *multipart, struct err *err)
{
    bool field = multipart->state == STATE_FIELD;
    multipart->state = STATE_AFTER;
    multipart->n_head = 0;
    multipart->n_matched = 0;
    if (!field)
        return true;
    multipart->value[multipart->n_value] = 0;
    if (strlen(multipart->value) != multipart->n_value)
        return err_set(err, ERR_INPUT, "the form's field \"%s\" holds a NUL byte", multipart->name);
    return multipart->sink.field(multipart->sink.self, multipart->name, multipart->value, err);
}

/* Content up to the delimiter or the end of the bytes; *used of them. */
static bool content_scan(struct multipart *multipart, const char *bytes, size_t n, size_t *used,
                         struct err *err)
{
    size_t i = 0;
    bool ok = true;
    while (ok && i < n && multipart->n_matched < multipart->n_delimiter) {
        if (multipart->n_matched && bytes[i] == multipart->delimiter[multipart->n_matched]) {
            multipart->n_matched++;
            i++;
        } else if (multipart->n_matched) {
            ok = content_take(multipart, multipart->delimiter, multipart->n_matched, err);
            multipart->n_matched = 0;
        } else {
            const char *cr = memchr(bytes + i, '\r', n - i);
            size_t plain = cr ? (size_t)(cr - (bytes + i)) : n - i;
            ok = content_take(multipart, bytes + i, plain, err);
            i += plain + (cr != NULL);
            multipart->n_matched = cr != NULL;
        }
    }
    *used = i;
    return ok && (multipart->n_matched < multipart->n_delimiter || part_end(multipart, err));
}

/* The byte after a delimiter, or of a part's headers. */
static bool head_take(struct multipart *multipart, char byte, struct err *err)
{
    if (multipart->n_head == HEAD_MAX)
        return err_set(err, ERR_INPUT, "a part of the form has more than %d bytes of headers", HEAD_MAX);
    multipart->head[multipart->n_head++] = byte;
    const char *end = multipart->head + multipart->n_head;
    if (multipart->state == STATE_AFTER) {
        if (multipart->n_head == 2 && !memcmp(multipart->head, "--", 2))
            multipart->state = STATE_END;
        else if (byte == '\n') {
            multipart->state = STATE_HEAD;
            multipart->n_head = 0;
        } else if (!strchr(" \t\r-", byte) || !byte)
            return err_set(err, ERR_INPUT, "the form is broken: unexpected text after a boundary");
        return true;
    }
    bool over = byte == '\n' &&
                ((multipart->n_head >= 4 && !memcmp(end - 4, "\r\n\r\n", 4)) || multipart->n_head == 2);
    return !over || part_begin(multipart, err);
}

bool multipart_feed(struct multipart *multipart, const char *bytes, size_t n, struct err *err)
{
    while (n && multipart->state != STATE_END) {
        size_t used = 1;
        if (multipart->state == STATE_AFTER || multipart->state == STATE_HEAD) {
            if (!head_take(multipart, *bytes, err))
                return false;
        } else if (!content_scan(multipart, bytes, n, &used, err)) {
            return false;
        }
        bytes += used;
        n -= used;
    }
    return true;
}

bool multipart_end(struct multipart *multipart, struct err *err)
{
    if (multipart->state != STATE_END)
        return err_set(err, ERR_INPUT, "the form ends before its closing boundary: the upload was cut short");
    if (!multipart->has_file)
        return err_set(err, ERR_INPUT, "the form has no file: expected the CSV in the field \"file\"");
    return true;
}
