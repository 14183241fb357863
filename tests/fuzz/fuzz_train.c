/* libFuzzer target: any bytes as the message of POST /train, and as a query of
 * its fields. What is taken reads back from its own text as the same request.
 * The first byte: 1, a query; the second which call fails. */
#include "fuzz.h"
#include "jobs/jobs.h"
#include "jobs/json_train.h"
#include "json/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const char *bytes;
    size_t n;
};

static void request_check(const struct job_request *request)
{
    const struct train_options *o = &request->train;
    require(*request->dataset && strlen(request->dataset) < NAME_SIZE && strlen(request->model) < NAME_SIZE,
            "there is a dataset");
    require((request->validation_split == -1 || request->validation_split >= 0) &&
                request->validation_split < 1 && request->test_split >= 0 && request->test_split < 1,
            "splits are shares");
    require(isfinite(o->learning_rate) && isfinite(o->label_smoothing) && isfinite(o->weight_decay) &&
                isfinite(o->clipnorm),
            "rates are finite");
    require(o->n_layers < NETWORK_LAYERS_MAX && o->epochs <= 100000 && o->batch_size <= 1000000,
            "counts are within their limits");
    for (uint32_t i = 0; i < o->n_layers; i++)
        require(o->layers[i].units > 0 && o->layers[i].units <= NETWORK_UNITS_MAX && o->layers[i].dropout < 1,
                "layers have units");
}

static bool message_read(void *self, struct err *err)
{
    const struct trial *trial = self;
    struct job_request request, again;
    struct err ignored;
    job_request_init(&request);
    bool good = train_read(trial->bytes, trial->n, &request, err);
    if (good) {
        request_check(&request);
        job_request_init(&again);
        bool reads = train_parse(request.json, &again, &ignored);
        require(reads || ignored.code == ERR_MEMORY, "a request's text is a request");
        require(!reads ||
                    (memcmp(&request.train.layers, &again.train.layers, sizeof again.train.layers) == 0 &&
                     request.train.seed == again.train.seed &&
                     request.train.learning_rate == again.train.learning_rate &&
                     request.train.epochs == again.train.epochs &&
                     strcmp(request.dataset, again.dataset) == 0),
                "the same request");
        job_request_done(&again);
    }
    job_request_done(&request);
    return good;
}

/* name=text&name=text, already decoded. */
static bool query_read(void *self, struct err *err)
{
    const struct trial *trial = self;
    struct message *object = message_new();
    char *text = malloc(trial->n + 1), *at = text, *json = NULL;
    bool good = (object && text) || err_memory(err, "a query");
    if (good) {
        memcpy(text, trial->bytes, trial->n);
        text[trial->n] = 0;
    }
    while (good && *at) {
        char *name = at, *value;
        at += strcspn(at, "&");
        at += *at ? (*at = 0, 1) : 0;
        value = name + strcspn(name, "=");
        value += *value ? (*value = 0, 1) : 0;
        good = train_add(object, name, value, err);
    }
    good = good && ((json = message_print(object)) || err_memory(err, "a query"));
    if (good) {
        struct message *back = message_parse(json, strlen(json), err);
        require(back || err->code == ERR_MEMORY || err->code == ERR_INPUT,
                "a query is a message"); /* a name twice is none */
        good = back != NULL;
        message_free(back);
    }
    free(json);
    free(text);
    message_free(object);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input);
    json_memory_open();
    char *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    struct trial trial = {exact, input.n};
    fuzz_run(fault, choice & 1 ? query_read : message_read, &trial);
    free(exact);
    return 0;
}
