/* What libmicrohttpd before 1.0 lets pass in the head of a request, and another
 * server on the way may read differently: folded headers, blanks before the
 * colon, NUL bytes, bare LF. Such a head may hide a second request in its body
 * (request smuggling).
 *
 * The library parses a head where it lies: of "Name: value\r\n" it leaves
 * "Name\0 value\0\0", and it says where names, values and the whole head are.
 * So the head is walked once more: each byte must belong to exactly what the
 * library has understood. Later versions do as much themselves
 * (MHD_OPTION_CLIENT_DISCIPLINE_LVL). One thing cannot be told apart: a line
 * that ends in NUL LF looks as if it ended in CR LF. */
#include "http/private.h"

#include <string.h>
#include <sys/socket.h>

static bool is_token(const char *text)
{
    size_t n = 0;
    for (; text[n]; n++) {
        unsigned char c = (unsigned char)text[n], letter = c | 0x20;
        bool common = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!common && !strchr("!#$%&'*+.^_`|~", c))
            return false;
    }
    return n > 0;
}

/* Nothing below `lowest`, but tabs where that is a blank; no DEL. */
static bool is_printable(const char *text, size_t n, unsigned char lowest)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < lowest && !(c == '\t' && lowest == ' ')) || c == 127)
            return false;
    }
    return true;
}

bool length_is_number(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n < 20 && strspn(text, "0123456789") == n;
}

bool target_is_strict(const char *target)
{
    return (*target == '/' || !strcmp(target, "*")) && is_printable(target, strlen(target), '!');
}

/* Whether the library leaves heads as this file's first lines say. */
static const bool in_place = MHD_VERSION < 0x00097701;

struct walk {
    const char *at, *end; /* of the head: what has not been looked at */
    bool bad;
};

/* Name, colon, blanks, value and line end follow each other from walk->at
 * on. */
static bool place_check(const struct walk *walk, const char *name, size_t n_name, const char *value,
                        size_t n_value)
{
    if (name != walk->at || value <= name + n_name || value > walk->end ||
        n_value + 2 > (size_t)(walk->end - value))
        return false;
    for (const char *blank = name + n_name + 1; blank < value; blank++)
        if (*blank != ' ' && *blank != '\t')
            return false;
    return !value[n_value] && !value[n_value + 1];
}

static enum MHD_Result header_walk(void *self, enum MHD_ValueKind kind, const char *name, size_t n_name,
                                   const char *value, size_t n_value)
{
    struct walk *walk = self;
    (void)kind;
    walk->bad = !value || strlen(name) != n_name || !is_token(name) || !is_printable(value, n_value, ' ') ||
                (in_place && !place_check(walk, name, n_name, value, n_value));
    if (in_place && !walk->bad)
        walk->at = value + n_value + 2;
    return walk->bad ? MHD_NO : MHD_YES;
}

/* What comes before the headers: method, target and version. *headers: where
 * they begin. */
static bool line_check(const struct request *request, const char *method, const char *version,
                       const char **headers)
{
    static const size_t n_version = sizeof "HTTP/1.1" - 1;
    *headers = version + n_version + 2;
    return request->target == method + strlen(method) + 1 &&
           version == request->target + request->n_target + 1 && !version[n_version] &&
           !version[n_version + 1];
}

bool head_is_strict(const struct request *request, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct walk walk = {.end = method + (info ? info->header_size : 0)};
    if (!is_token(method) || (in_place && !line_check(request, method, version, &walk.at)))
        return false;
    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, header_walk, &walk);
    return !walk.bad && (!in_place || (walk.at + 2 == walk.end && !walk.at[0] && !walk.at[1]));
}

/* Before 1.0 the library sends its own head twice where a Content-Length is no
 * number. It says in its log that it is about to; the request whose head has
 * just come is among those of this thread. */
void length_refuse(struct worker *worker)
{
    static const char reply[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: 103\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"the Content-Length "
        "is not a number\"}";
    struct http *http = worker->http;
    pthread_mutex_lock(&http->lock);
    for (struct request *request = http->requests; request; request = request->next) {
        if (request->worker != worker || !request->head_open)
            continue;
        const char *length =
            MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Length");
        if (!length || length_is_number(length))
            continue;
        request->head_open = false;
        if (send(request->fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            shutdown(request->fd, SHUT_WR); /* and nothing of the library's */
        break;
    }
    pthread_mutex_unlock(&http->lock);
}
