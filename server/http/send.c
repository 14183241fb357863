/* Replies to libmicrohttpd. */
#include "http/private.h"

#include <stdlib.h>
#include <string.h>

static const char last_resort[] = "{\"type\":\"about:blank\",\"title\":\"Service "
                                  "Unavailable\",\"status\":503,\"detail\":\"out of memory\"}";

/* The bytes, the file or the source become libmicrohttpd's. */
static struct MHD_Response *response_make(struct reply *reply)
{
    struct MHD_Response *response;
    if (reply->source)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, source_read, reply->source, NULL);
    if (reply->fd >= 0) {
        response = MHD_create_response_from_fd64(reply->n_fd, reply->fd);
        if (response)
            reply->fd = -1;
        return response;
    }
    if (!reply->body)
        return MHD_create_response_from_buffer(reply->status == 503 ? sizeof last_resort - 1 : 0,
                                               (void *)last_resort, MHD_RESPMEM_PERSISTENT);
    response = MHD_create_response_from_buffer(reply->n_body, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response)
        reply->body = NULL;
    return response;
}

static bool headers_add(struct MHD_Response *response, const struct reply *reply)
{
    bool ok = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    if (reply->type)
        ok &= MHD_add_response_header(response, "Content-Type", reply->type) == MHD_YES;
    if (reply->type && !strncmp(reply->type, "text/html", 9)) {
        ok &=
            MHD_add_response_header(
                response, "Content-Security-Policy",
                "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'") == MHD_YES;
        ok &= MHD_add_response_header(response, "Referrer-Policy", "no-referrer") == MHD_YES;
    }
    for (size_t i = 0; i < reply->n_headers; i++)
        ok &= MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value) == MHD_YES;
    if (reply->close)
        ok &= MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    return ok;
}

static void source_start(struct request *request)
{
    struct http *http = request->http;
    struct source *source = request->reply.source;
    request->reply.source = NULL;
    source_attach(source, request);
    pthread_mutex_lock(&http->lock);
    request->source = source;
    watch_client(http, request);
    if (http->quiesced)
        source_nudge(source, true, clock_ms());
    pthread_mutex_unlock(&http->lock);
}

enum MHD_Result request_send(struct request *request)
{
    struct reply *reply = &request->reply;
    uint64_t n = reply->fd >= 0 ? reply->n_fd : reply->n_body;
    if (atomic_load_explicit(&request->http->stopping, memory_order_relaxed))
        reply->close = true;
    bool stream = reply->source != NULL;
    struct MHD_Response *response = response_make(reply);
    if (!response)
        return MHD_NO;
    if (stream)
        source_start(request);
    atomic_store_explicit(&request->deadline_ms, stream ? 0 : clock_ms() + SEND_TIME_MS + n / 10,
                          memory_order_relaxed);
    request->status = reply->status;
    request->stage = STAGE_SENT;
    enum MHD_Result result = MHD_NO;
    if (headers_add(response, reply))
        result = MHD_queue_response(request->connection, reply->status, response);
    MHD_destroy_response(response);
    request->http->options.busy(request->http->options.app);
    return result;
}
