/* libFuzzer target: any bytes as a body of pen strokes. What is taken is JSON
 * to cJSON too, and moving a drawing does not change its picture. The first
 * byte: which call fails. */
#include "fuzz.h"
#include "predict/strokes.h"
#include "json/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    const char *bytes;
    size_t n;
    struct head_model model;
    uint8_t picture[DIGIT_PIXELS];
};

static bool body_read(void *self, struct err *err)
{
    struct trial *trial = self;
    struct json_head head;
    bool ok = head_read(&head, trial->bytes, trial->n, (struct head_url){0}, err);
    if (ok && head.kind != HEAD_STROKES)
        ok = err_set(err, ERR_INPUT, "no strokes");
    ok = ok && strokes_from_json(&head, trial->picture, err);
    trial->model = head.model;
    head_done(&head);
    return ok;
}

/* As many points as cJSON finds; ink where there is a point. */
static void strokes_check(const struct trial *trial)
{
    cJSON *body = cJSON_ParseWithLength(trial->bytes, trial->n);
    const cJSON *strokes = cJSON_GetObjectItemCaseSensitive(body, "strokes"), *stroke, *version;
    int n_points = 0, ink = 0;
    require(cJSON_IsArray(strokes), "cJSON finds the strokes");
    cJSON_ArrayForEach(stroke, strokes) n_points += cJSON_GetArraySize(stroke);
    for (int i = 0; i < DIGIT_PIXELS; i++)
        ink += trial->picture[i] > 0;
    require((n_points > 0) == (ink > 0), "points are ink");
    version = cJSON_GetObjectItemCaseSensitive(body, "version");
    require(!version || version->valuedouble == trial->model.version, "the version is the message's");
    cJSON_Delete(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    json_memory_open();
    uint8_t fault = fuzz_byte(&input);
    char *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    struct trial trial = {.bytes = exact, .n = input.n};
    if (fuzz_run(0, body_read, &trial))
        strokes_check(&trial);
    fuzz_run(fault, body_read, &trial);
    free(exact);
    return 0;
}
