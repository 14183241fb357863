/* What handlers see of a request. */
#include "base/near.h"
#include "http/private.h"

#include <string.h>

void *request_app(const struct request *request)
{
    return request->http->options.app;
}

const char *request_method(const struct request *request)
{
    return request->method;
}

const char *request_path(const struct request *request)
{
    return request->path;
}

const char *request_param(const struct request *request, size_t index)
{
    return request->params[index];
}

const char *request_query(const struct request *request, const char *name)
{
    const char *value = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    return value ? value : body_field(&request->body, name);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct visitor {
    bool (*visit)(void *self, const char *name, const char *value);
    void *self;
    bool ok;
};

static enum MHD_Result query_visit(void *self, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct visitor *visitor = self;
    (void)kind;
    visitor->ok = visitor->visit(visitor->self, name, value ? value : "");
    return visitor->ok ? MHD_YES : MHD_NO;
}

bool request_queries(const struct request *request,
                     bool (*visit)(void *self, const char *name, const char *value), void *self)
{
    struct visitor visitor = {.visit = visit, .self = self, .ok = true};
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, query_visit, &visitor);
    for (size_t i = 0; visitor.ok && i < request->body.n_fields; i++)
        visitor.ok = visit(self, request->body.fields[i].name, request->body.fields[i].value);
    return visitor.ok;
}

struct parameters {
    const char *known;
    struct err *err;
};

static bool parameter_check(void *self, const char *name, const char *value)
{
    struct parameters *parameters = self;
    (void)value;
    return words_have(parameters->known, name) ||
           words_unknown(parameters->known, "parameter", name, parameters->err);
}

bool request_parameters_check(const struct request *request, struct err *err)
{
    const char *known = request->route->parameters;
    struct parameters parameters = {.known = known ? known : "", .err = err};
    return (known && !strcmp(known, ROUTE_ANY_PARAMETER)) ||
           request_queries(request, parameter_check, &parameters);
}

struct body *request_body(struct request *request)
{
    return &request->body;
}

uint64_t request_length(const struct request *request)
{
    return request->length;
}

uint32_t request_client(const struct request *request)
{
    return request->claim.client;
}

struct claim *request_claim(struct request *request)
{
    return &request->claim;
}

const atomic_bool *request_stop(const struct request *request)
{
    return &request->stop;
}

bool request_here(const struct request *request)
{
    return request->here;
}

void request_move(struct request *request, enum route_where where)
{
    request->where = where;
}

void request_keep(struct request *request, struct work_item *context)
{
    request->kept = context;
}

struct work_item *request_kept(const struct request *request)
{
    return request->kept;
}
