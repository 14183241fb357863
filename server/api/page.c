/* The page's files: what lies in the static folder, with types, ETags and
 * compressed copies. */
#define _GNU_SOURCE
#include "api/routes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PATH_MAX 512

static const char *type_of(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcasecmp(dot, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

/* Only plain segments: no dot files, so no "..", and no way out of the
 * folder. */
static bool path_plain(const char *path)
{
    if (strlen(path) >= FILE_PATH_MAX || strchr(path, '\\'))
        return false;
    for (const char *segment = path; segment; segment = strchr(segment, '/')) {
        segment += *segment == '/' && segment != path;
        if (*segment == '.' || *segment == '/' || !*segment)
            return false;
    }
    return true;
}

/* Whether the header Accept-Encoding takes the coding. */
static bool accepts(const char *header, const char *coding)
{
    size_t length = strlen(coding);
    while (header && *header) {
        header += strspn(header, ", \t");
        size_t n = strcspn(header, ",");
        size_t word = strcspn(header, ",; \t");
        if (word == length && !strncasecmp(header, coding, length)) {
            const char *q = memmem(header, n, "q=", 2);
            return !q || strspn(q + 2, "0.") < strcspn(q + 2, ", \t");
        }
        header += n;
    }
    return false;
}

static int file_open(int folder, const char *path, const char *suffix, struct stat *status)
{
    char name[FILE_PATH_MAX + 8];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, status) || !S_ISREG(status->st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Whether the header If-None-Match names the tag. */
static bool tag_known(const char *header, const char *tag)
{
    return header && (!strcmp(header, "*") || strstr(header, tag));
}

static void file_reply(const struct request *request, struct reply *reply, int fd, const struct stat *status,
                       const char *suffix)
{
    char tag[80];
    snprintf(tag, sizeof tag, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%s\"", (uint64_t)status->st_mtim.tv_sec,
             (uint64_t)status->st_mtim.tv_nsec, (uint64_t)status->st_size, *suffix ? suffix + 1 : "");
    reply_header(reply, "ETag", "%s", tag);
    reply_header(reply, "Cache-Control", "no-cache"); /* ask each time: the answer is mostly 304 */
    reply_header(reply, "Vary", "Accept-Encoding");
    if (tag_known(request_header(request, "If-None-Match"), tag)) {
        close(fd);
        reply_empty(reply, 304);
        return;
    }
    if (*suffix)
        reply_header(reply, "Content-Encoding", "%s", strcmp(suffix, ".br") ? "gzip" : "br");
    reply->fd = fd;
    reply->n_fd = (uint64_t)status->st_size;
    reply->status = 200;
}

static void page_missing(const struct request *request, struct reply *reply)
{
    const struct server *server = request_app(request);
    if (server->static_fd < 0 && !strcmp(request_path(request), "/"))
        reply_refuse(reply, 404,
                     "the page's files are not installed: start with --static-dir=DIR; the service works "
                     "without them");
    else
        reply_refuse(reply, 404, "there is nothing at %.200s: GET /openapi.json lists what there is",
                     request_path(request));
}

/* How a file may be compressed beside the one that has a name of its own. */
static const struct {
    const char *coding, *suffix;
} codings[] = {{"br", ".br"}, {"gzip", ".gz"}};
enum { N_CODINGS = sizeof codings / sizeof *codings };

static bool path_compressed(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < N_CODINGS; i++)
        if (!strcmp(dot, codings[i].suffix))
            return true;
    return false;
}

void page_get(struct request *request, struct reply *reply)
{
    const struct server *server = request_app(request);
    const char *path = *request_param(request, 0) ? request_param(request, 0) : "index.html";
    struct stat status;
    int fd = -1;
    const char *suffix = "";
    bool plain = server->static_fd >= 0 && path_plain(path) && !path_compressed(path);
    for (size_t i = 0; plain && fd < 0 && i < N_CODINGS; i++)
        if (accepts(request_header(request, "Accept-Encoding"), codings[i].coding)) {
            suffix = codings[i].suffix;
            fd = file_open(server->static_fd, path, suffix, &status);
        }
    if (plain && fd < 0) {
        suffix = "";
        fd = file_open(server->static_fd, path, suffix, &status);
    }
    if (fd < 0) {
        page_missing(request, reply);
        return;
    }
    reply->type = type_of(path);
    file_reply(request, reply, fd, &status, suffix);
}
