/* A request's body on its way in. */
#define _GNU_SOURCE
#include "http/body.h"
#include "base/files.h"
#include "http/multipart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFER_KEPT 4096 /* kept from request to request: part of what a connection costs */
#define FIELD_BYTES 64   /* what the allocator adds to two texts */

void body_init(struct body *body, int (*temp)(void *self, struct err *err), void *self, struct claim *payer)
{
    *body = (struct body){.temp = temp, .self = self, .fd = -1, .labels.fd = -1};
    body->claim = body->field_claim = claim_of(payer);
    body->claim.unasked = BUFFER_KEPT;
}

void body_drop(struct body *body)
{
    multipart_free(body->multipart);
    body->multipart = NULL;
    inflate_free(body->inflate);
    body->inflate = NULL;
    map_done(&body->map);
    if (body->fd >= 0)
        close(body->fd);
    if (body->labels.fd >= 0)
        close(body->labels.fd);
    inflate_free(body->labels.inflate);
    body->labels = (struct body_labels){.fd = -1};
    if (body->capacity > BUFFER_KEPT) {
        free(body->filling);
        body->filling = NULL;
        body->capacity = 0;
    }
    free(body->in_flight);
    body->in_flight = NULL;
    claim_give(&body->claim, body->claim.bytes - body->capacity);
    body->fd = -1;
    body->n_filling = body->n_in_flight = 0;
    body->size = 0;
    body->unpacks = false;
}

void body_reset(struct body *body)
{
    body_drop(body);
    for (size_t i = 0; i < body->n_fields; i++) {
        free(body->fields[i].name);
        free(body->fields[i].value);
    }
    body->n_fields = 0;
    claim_end(&body->field_claim);
    body->received = body->flushed = 0;
    body->failed = false;
}

void body_leave(struct body *body)
{
    claim_part(&body->claim);
    claim_part(&body->field_claim);
    if (body->inflate)
        inflate_leave(body->inflate);
    if (body->labels.inflate)
        inflate_leave(body->labels.inflate);
}

void body_done(struct body *body)
{
    body_reset(body);
    free(body->filling);
    body->filling = NULL;
    claim_end(&body->claim);
}

static bool file_open(struct body *body, struct err *err)
{
    if (body->fd < 0)
        body->fd = body->temp(body->self, err);
    return body->fd >= 0;
}

static bool file_write(void *self, const char *bytes, size_t n, struct err *err)
{
    struct body *body = self;
    if (!stop_check(body->stop, err) || !file_open(body, err) || !files_reserve(body->fd, n, err))
        return false;
    while (n) {
        ssize_t written = write(body->fd, bytes, n);
        if (written < 0 && errno != EINTR)
            return err_errno(err, "the upload could not be stored");
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
            body->size += (uint64_t)written;
        }
    }
    return true;
}

/* Bytes of the body, of a form of its file, as they come. */
static bool file_bytes(void *self, const char *bytes, size_t n, struct err *err)
{
    struct body *body = self;
    return body->inflate ? inflate_feed(body->inflate, bytes, n, err) : file_write(body, bytes, n, err);
}

static bool labels_write(void *self, const char *bytes, size_t n, struct err *err)
{
    struct body_labels *labels = self;
    return files_reserve(labels->fd, n, err) && files_write(labels->fd, bytes, n, err);
}

static bool labels_begin(struct body *body, struct err *err)
{
    struct body_labels *labels = &body->labels;
    const struct inflate_sink sink = {.bytes = labels_write, .self = labels};
    if (labels->fd < 0 && (labels->fd = body->temp(body->self, err)) < 0)
        return false;
    if (body->inflate && !labels->inflate)
        labels->inflate = inflate_new(INFLATE_GUESS, body->most, &sink, &body->claim, err);
    return !body->inflate || labels->inflate;
}

/* Bytes of a form's files. */
static bool form_bytes(void *self, bool labels, const char *bytes, size_t n, struct err *err)
{
    struct body *body = self;
    if (!labels)
        return file_bytes(body, bytes, n, err);
    if (!labels_begin(body, err))
        return false;
    return body->labels.inflate ? inflate_feed(body->labels.inflate, bytes, n, err)
                                : labels_write(&body->labels, bytes, n, err);
}

static bool field_add(void *self, const char *name, const char *value, struct err *err)
{
    struct body *body = self;
    struct body_field *field = &body->fields[body->n_fields];
    if (body->n_fields == BODY_FIELDS_MAX)
        return err_set(err, ERR_INPUT, "the form has more than %d fields", BODY_FIELDS_MAX);
    if (!claim_take(&body->field_claim, strlen(name) + strlen(value) + FIELD_BYTES, err))
        return false;
    field->name = strdup(name);
    field->value = strdup(value);
    body->n_fields++;
    return (field->name && field->value) || err_memory(err, "the form");
}

bool body_form(struct body *body, const char *content_type, struct err *err)
{
    const struct multipart_sink sink = {.file = form_bytes, .field = field_add, .self = body};
    if (!claim_take(&body->claim, multipart_bytes(), err))
        return false;
    body->multipart = multipart_new(content_type, &sink, err);
    return body->multipart != NULL;
}

bool body_unpack(struct body *body, enum inflate_kind kind, uint64_t most, struct err *err)
{
    const struct inflate_sink sink = {.bytes = file_write, .self = body};
    body->most = most;
    if (!body->inflate)
        body->inflate = inflate_new(kind, most, &sink, &body->claim, err);
    return body->inflate != NULL;
}

void body_unpack_found(struct body *body, uint64_t most)
{
    body->most = most;
    body->unpacks = true;
}

/* Whether what is about to be stored first has to be unpacked. */
static bool is_packed(const struct body *body, const char *bytes, size_t n)
{
    return body->unpacks && !body->inflate && body->fd < 0 && inflate_look(bytes, n) != INFLATE_NONE;
}

enum inflate_kind body_compression(const struct body *body)
{
    return body->inflate ? inflate_kind(body->inflate) : INFLATE_NONE;
}

static bool fail(struct body *body, const char *what)
{
    body->failed = true;
    return err_memory(&body->err, what);
}

/* Grow by doubling: most bodies are small. */
static bool filling_grow(struct body *body, size_t wanted)
{
    size_t capacity = body->capacity ? body->capacity : 4096;
    while (capacity < wanted && capacity < BODY_BUFFER)
        capacity *= 2;
    body->failed = !claim_take(&body->claim, capacity - body->capacity, &body->err);
    if (body->failed)
        return false;
    char *bytes = realloc(body->filling, capacity);
    if (!bytes)
        return fail(body, "the body of the request");
    body->filling = bytes;
    body->capacity = capacity;
    return true;
}

size_t body_take(struct body *body, const char *bytes, size_t n)
{
    if (body->n_filling + n > body->capacity && body->capacity < BODY_BUFFER &&
        !filling_grow(body, body->n_filling + n))
        return 0;
    size_t room = body->capacity - body->n_filling;
    size_t taken = n < room ? n : room;
    memcpy(body->filling + body->n_filling, bytes, taken);
    body->n_filling += taken;
    body->received += taken;
    return taken;
}

bool body_swap(struct body *body)
{
    body->failed = !body->in_flight && !claim_take(&body->claim, BODY_BUFFER, &body->err);
    if (body->failed)
        return false;
    if (!body->in_flight && !(body->in_flight = malloc(BODY_BUFFER)))
        return fail(body, "the body of the request");
    char *full = body->filling;
    body->filling = body->in_flight;
    body->in_flight = full;
    body->n_in_flight = body->n_filling;
    body->n_filling = 0;
    return true;
}

static bool bytes_store(struct body *body, const char *bytes, size_t n, struct err *err)
{
    if (is_packed(body, bytes, n) && !body_unpack(body, INFLATE_GUESS, body->most, err))
        return false;
    return body->multipart ? multipart_feed(body->multipart, bytes, n, err) : file_bytes(body, bytes, n, err);
}

void body_flush(struct body *body)
{
    if (!body->failed && !bytes_store(body, body->in_flight, body->n_in_flight, &body->err))
        body->failed = true;
    body->flushed += body->n_in_flight;
    body->n_in_flight = 0;
}

bool body_stored(const struct body *body)
{
    return body->fd >= 0 || body->labels.fd >= 0 || body->map.bytes || body->inflate;
}

bool body_plain(const struct body *body)
{
    return body->fd >= 0 && !body->failed && !body->multipart &&
           (!body->inflate || inflate_kind(body->inflate) == INFLATE_NONE);
}

bool body_pending(const struct body *body)
{
    return body->multipart || body->inflate || body->fd >= 0 ||
           is_packed(body, body->filling, body->n_filling);
}

bool body_finish(struct body *body, struct err *err)
{
    if (body->failed) {
        *err = body->err;
        return false;
    }
    if (!body_pending(body))
        return true;
    size_t n = body->n_filling;
    body->n_filling = 0;
    return bytes_store(body, body->filling, n, err) &&
           (!body->multipart || multipart_end(body->multipart, err)) &&
           (!body->inflate || inflate_end(body->inflate, err)) &&
           (!body->labels.inflate || inflate_end(body->labels.inflate, err));
}

bool body_pages(struct body *body, const char **bytes, size_t *n, struct err *err)
{
    *n = body_pending(body) ? body->size : body->n_filling;
    *bytes = body_pending(body) ? body->map.bytes : body->filling;
    if (!*n)
        *bytes = "";
    if (*n && !*bytes) {
        if (!map_file(&body->map, body->fd, body->size, err))
            return false;
        *bytes = body->map.bytes;
    }
    return true;
}

bool body_view(struct body *body, const char **bytes, size_t *n, struct err *err)
{
    bool maps = body_pending(body) && body->size && !body->map.bytes;
    if (maps && !claim_take(&body->claim, body->size, err))
        return false;
    if (!body_pages(body, bytes, n, err))
        return false;
    if (maps)
        (void)madvise((void *)(uintptr_t)body->map.bytes, body->size, MADV_POPULATE_READ); /* advice only */
    return true;
}

size_t body_head(struct body *body, char *bytes, size_t size)
{
    uint64_t n = body_pending(body) ? body->size : body->n_filling;
    struct err ignored;
    size = n < size ? (size_t)n : size;
    if (body_pending(body))
        return files_read_at(body->fd, bytes, size, 0, &ignored) ? size : 0;
    if (size)
        memcpy(bytes, body->filling, size);
    return size;
}

bool body_was_read(const struct body *body, struct err *err)
{
    return !body->map.bytes || map_check(&body->map, "the body's file", err);
}

int body_file(struct body *body, struct err *err)
{
    size_t n = body->n_filling;
    if (!file_open(body, err))
        return -1;
    body->n_filling = 0;
    return file_write(body, body->filling, n, err) ? body->fd : -1;
}

int body_labels(const struct body *body)
{
    return body->labels.fd;
}

const char *body_field(const struct body *body, const char *name)
{
    for (size_t i = 0; i < body->n_fields; i++)
        if (!strcmp(body->fields[i].name, name))
            return body->fields[i].value;
    return NULL;
}
