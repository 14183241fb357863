/* libFuzzer target: any bytes as a query, name=value&name=value: how to read a
 * CSV, and the numbers of the routes. What is taken is within its limits. The
 * first byte: which call fails. The query is the one that is wrapped here. */
#include "api/routes.h"
#include "fuzz.h"
#include "http/csv_query.h"
#include "http/reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 32 };

/* What a request is here: the pairs, decoded. */
static struct {
    char *names[PAIRS_MAX], *values[PAIRS_MAX];
    int n;
} query;

const char *__wrap_request_query(const struct request *request, const char *name);
const char *__wrap_request_query(const struct request *request, const char *name)
{
    (void)request;
    for (int i = 0; i < query.n; i++)
        if (strcmp(query.names[i], name) == 0)
            return query.values[i];
    return NULL;
}

static void query_parse(char *text)
{
    for (query.n = 0; *text && query.n < PAIRS_MAX; query.n++) {
        char *end = text + strcspn(text, "&"), *next = *end ? end + 1 : end;
        *end = 0;
        char *value = text + strcspn(text, "=");
        query.names[query.n] = text;
        query.values[query.n] = *value ? value + 1 : value;
        *value = 0;
        text = next;
    }
}

static bool csv_read(void *self, struct err *err)
{
    struct csv_query csv = {0};
    bool good = csv_query_read(&csv, NULL, err);
    const struct csv_options *options = &csv.options;
    (void)self;
    require(good || err->code == ERR_MEMORY || err->field[0], "an error names the parameter");
    require(!good || (options->titles >= -1 && options->header >= -1 && options->header <= 1),
            "what is taken is within its limits");
    for (uint32_t i = 0; good && i < options->n_types; i++)
        require(options->types[i].column != NULL, "a type has its column");
    for (uint32_t i = 0; good && i < options->n_names; i++)
        require(options->names[i] != NULL, "a column has its name");
    csv_query_done(&csv);
    return good;
}

static void numbers_check(void)
{
    static const uint64_t limits[] = {0, 100, UINT32_MAX, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        struct reply reply;
        uint64_t number = 7;
        reply_init(&reply);
        const char *text = __wrap_request_query(NULL, "n");
        bool good = query_number(NULL, "n", 5, limits[i], &number, &reply);
        require(!good || number == (text ? strtoull(text, NULL, 10) : 5),
                "a number is its text's, or what stands for none");
        require(!good || !text || (number <= limits[i] && isdigit((unsigned char)*text)),
                "a number is within its limit");
        reply_done(&reply);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t fault = fuzz_byte(&input);
    char *text = calloc(1, input.n + 1);
    memcpy(text, input.at, input.n);
    query_parse(text);
    fuzz_run(fault, csv_read, NULL);
    numbers_check();
    free(text);
    return 0;
}
