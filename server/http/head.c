/* Judging a request by its head: broken or forged ones are refused, the others
 * find their route. */
#include "http/guard.h"
#include "http/inflate.h"
#include "http/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct named {
    const char *name;
    size_t offset; /* of the pointer in struct head */
    bool single;
};
static const struct named named[] = {
    {"Host", offsetof(struct head, host), true},
    {"Content-Length", offsetof(struct head, content_length), true},
    {"Transfer-Encoding", offsetof(struct head, transfer_encoding), true},
    {"Content-Type", offsetof(struct head, content_type), true},
    {"Content-Encoding", offsetof(struct head, content_encoding), true},
    {"Origin", offsetof(struct head, origin), true},
    {"Sec-Fetch-Site", offsetof(struct head, fetch_site), true},
    {"Expect", offsetof(struct head, expect), false},
    {"Accept", offsetof(struct head, accept), false},
};

static enum MHD_Result header_take(void *self, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct head *head = self;
    (void)kind;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (!strcasecmp(name, named[i].name)) {
            const char **slot = (const char **)((char *)head + named[i].offset);
            head->repeated |= *slot && named[i].single;
            *slot = value ? value : "";
            break;
        }
    return MHD_YES;
}

/* A NUL byte, written as %00, would end a name early. */
static enum MHD_Result query_check(void *self, enum MHD_ValueKind kind, const char *name, size_t n_name,
                                   const char *value, size_t n_value)
{
    (void)kind;
    bool *bad = self;
    *bad |= strlen(name) != n_name || (value && strlen(value) != n_value);
    return MHD_YES;
}

static bool refuse(struct request *request, unsigned status, const char *message)
{
    reply_refuse(&request->reply, status, "%s", message);
    return false;
}

/* What may be an attempt to smuggle a second request: answered at once, and the
 * connection ends. */
static bool refuse_now(struct request *request, unsigned status, const char *message)
{
    request->close_now = true;
    request->reply.close = true;
    return refuse(request, status, message);
}

static bool head_read(struct request *request, const char *version)
{
    bool old = !strcmp(version, "HTTP/1.0");
    struct head *head = &request->head;
    *head = (struct head){0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, header_take, head);
    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, query_check, &request->bad_uri);
    if (request->bad_uri || !head_is_strict(request, request->method, version))
        return refuse_now(
            request, 400,
            "the head of the request is not as HTTP/1.1 has it: expected a path that begins with /, lines "
            "that end in CR LF and "
            "hold no other control characters, no blank before a colon, and no header folded over lines");
    if (!head->host && !old)
        return refuse_now(request, 400, "the header Host is missing");
    if (head->transfer_encoding && old)
        return refuse_now(request, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (head->repeated)
        return refuse_now(
            request, 400,
            "a header that must appear once (Host, Content-Length, Content-Type, ...) appears twice");
    if (head->content_length && head->transfer_encoding)
        return refuse_now(request, 400, "the request has both Content-Length and Transfer-Encoding");
    if (head->transfer_encoding && strcasecmp(head->transfer_encoding, "chunked"))
        return refuse_now(request, 501, "the Transfer-Encoding is not known: expected \"chunked\"");
    if (head->content_length && !length_is_number(head->content_length))
        return refuse_now(request, 400, "the Content-Length is not a number");
    /* The library takes bare LF and extensions in chunks for what others may
     * not: nothing that comes after them counts as a request. */
    request->reply.close = head->transfer_encoding != NULL;
    request->length = head->content_length ? strtoull(head->content_length, NULL, 10) : 0;
    return true;
}

static bool host_check(struct request *request)
{
    const struct http_options *options = &request->http->options;
    const char *host = request->head.host;
    if (!host || guard_host(host, options->hosts, options->n_hosts))
        return true; /* without Host: HTTP/1.0, which no browser speaks */
    reply_refuse(&request->reply, 421,
                 "this service is not reached as \"%.100s\": use an address, localhost, or a name given with "
                 "--allow-host",
                 host);
    return false;
}

static bool method_safe(const char *method)
{
    return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static bool method_matches(const struct route *route, const char *method)
{
    return !strcmp(route->method, method) || (!strcmp(method, "HEAD") && !strcmp(route->method, "GET"));
}

/* Whether the path fits the pattern, and where the pieces that {} and * stand
 * for begin and end. */
static bool path_matches(const char *pattern, const char *path, const char *starts[PARAMS_MAX],
                         size_t lengths[PARAMS_MAX], size_t *n)
{
    *n = 0;
    while (*pattern) {
        if (*pattern == '*') {
            starts[*n] = path;
            lengths[(*n)++] = strlen(path);
            return true;
        }
        if (*pattern == '{') {
            size_t length = strcspn(path, "/");
            if (length == 0 || *n == PARAMS_MAX)
                return false;
            starts[*n] = path;
            lengths[(*n)++] = length;
            path += length;
            pattern += strcspn(pattern, "}") + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*path;
}

static void params_store(struct request *request, const char *const *starts, const size_t *lengths, size_t n)
{
    char *to = request->segments;
    for (size_t i = 0; i < n; i++) {
        memcpy(to, starts[i], lengths[i]); /* the whole path fits: request_validate has checked */
        to[lengths[i]] = 0;
        request->params[i] = to;
        to += lengths[i] + 1;
    }
}

static bool nothing_here(struct request *request)
{
    reply_refuse(&request->reply, 404, "there is nothing at %.200s: GET /openapi.json lists what there is",
                 request->path);
    return false;
}

/* The path exists with other methods. */
static bool method_refuse(struct request *request, const char *allow)
{
    if (!strcmp(request->method, "OPTIONS"))
        reply_empty(&request->reply, 204);
    else
        reply_refuse(&request->reply, 405, "%.20s is not possible at %.200s: expected %s", request->method,
                     request->path, allow);
    reply_header(&request->reply, "Allow", "%s, OPTIONS", allow);
    return false;
}

/* A pattern that ends in * is a last resort: its methods do not count where
 * another pattern fits the path. */
static bool route_find(struct request *request)
{
    const struct http_options *options = &request->http->options;
    const char *starts[PARAMS_MAX];
    size_t lengths[PARAMS_MAX], n;
    char allow[64] = "";
    for (size_t i = 0; i < options->n_routes; i++) {
        const struct route *route = &options->routes[i];
        bool last_resort = route->pattern[strlen(route->pattern) - 1] == '*';
        if ((last_resort && *allow) || !path_matches(route->pattern, request->path, starts, lengths, &n))
            continue;
        if (method_matches(route, request->method)) {
            params_store(request, starts, lengths, n);
            request->route = route;
            request->where = route->where;
            return true;
        }
        if (last_resort && strcmp(request->method, "OPTIONS"))
            return nothing_here(request);
        size_t used = strlen(allow);
        snprintf(allow + used, sizeof allow - used, "%s%s%s", used ? ", " : "", route->method,
                 strcmp(route->method, "GET") ? "" : ", HEAD");
    }
    return *allow ? method_refuse(request, allow) : nothing_here(request);
}

static bool is_type(const struct head *head, const char *type)
{
    return head->content_type && !strncasecmp(head->content_type, type, strlen(type));
}

/* Rows of CSV that come back as CSV: made while it is sent, whatever their
 * number. */
static bool reply_streams(const struct request *request)
{
    const struct head *head = &request->head;
    bool other = is_type(head, "application/json") || is_type(head, "application/octet-stream") ||
                 is_type(head, "image/");
    return request->route->body == ROUTE_BODY_ROWS && head->accept && strstr(head->accept, "text/csv") &&
           !other;
}

uint64_t request_body_limit(const struct request *request)
{
    const struct http_options *options = &request->http->options;
    const uint64_t limits[] = {
        [ROUTE_BODY_NONE] = 65536,
        [ROUTE_BODY_SMALL] = HTTP_SMALL_MAX,
        [ROUTE_BODY_ROWS] = options->max_rows,
        [ROUTE_BODY_LARGE] = options->max_body,
    };
    return limits[reply_streams(request) ? ROUTE_BODY_LARGE : request->route->body];
}

static bool body_check(struct request *request)
{
    const struct head *head = &request->head;
    struct err err = {0};
    enum inflate_kind kind = INFLATE_NONE;
    bool large = request->route->body == ROUTE_BODY_LARGE || request->route->body == ROUTE_BODY_ROWS;
    if (head->content_encoding &&
        (!inflate_find(head->content_encoding, &kind) || (kind != INFLATE_NONE && !large))) {
        reply_refuse(&request->reply, 415,
                     "the Content-Encoding %.40s is not taken here: expected %s, or the body as it is",
                     head->content_encoding, large ? inflate_kinds() : "none");
        return false;
    }
    if (request->length > request_body_limit(request)) {
        reply_refuse(&request->reply, 413, "the body has %llu bytes: at most %llu are accepted here",
                     (unsigned long long)request->length, (unsigned long long)request_body_limit(request));
        return false;
    }
    bool form = is_type(head, "multipart/form-data");
    if (request->route->body == ROUTE_BODY_LARGE && form &&
        !body_form(&request->body, head->content_type, &err)) {
        reply_problem(&request->reply, &err);
        return false;
    }
    if (kind != INFLATE_NONE && form)
        return refuse(request, 415,
                      "a form is taken without Content-Encoding: its file may be compressed instead");
    /* Raw floats are not looked at: they may begin with any bytes. */
    if (kind == INFLATE_NONE && request->route->body == ROUTE_BODY_ROWS &&
        !is_type(head, "application/octet-stream"))
        body_unpack_found(&request->body, request_body_limit(request));
    if (kind != INFLATE_NONE && !body_unpack(&request->body, kind, request_body_limit(request), &err)) {
        reply_problem(&request->reply, &err);
        return false;
    }
    return true;
}

bool request_validate(struct request *request, const char *version)
{
    if (!head_read(request, version) || !host_check(request))
        return false;
    if (strlen(request->path) >= SEGMENTS_MAX)
        return refuse(request, 414, "the path is longer than 1,023 bytes");
    if (!route_find(request))
        return false;
    if (!method_safe(request->method) &&
        !guard_origin(request->head.origin, request->head.fetch_site, request->head.host))
        return refuse(request, 403,
                      "a page of another site may not do this: the headers Origin and Sec-Fetch-Site must "
                      "name this service");
    struct err err = {0};
    if (!request_parameters_check(request, &err)) {
        reply_problem(&request->reply, &err);
        return false;
    }
    return body_check(request);
}
