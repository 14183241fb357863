/* libFuzzer target: any bytes as multipart/form-data. Whatever pieces a body
 * comes in, file, labels and fields are the same. The first byte: the boundary
 * that the header names, or the input's own; the second the size of the pieces;
 * the third which call fails. */
#include "fuzz.h"
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 200 };

struct trial {
    char type[HEADER_SIZE];
    const char *bytes;
    size_t n, piece;
    uint64_t sums[3]; /* of what came: file, labels, fields */
};

static uint64_t mix(uint64_t sum, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return sum;
}

static bool file_take(void *self, bool labels, const char *bytes, size_t n, struct err *err)
{
    struct trial *trial = self;
    (void)err;
    trial->sums[labels] = mix(trial->sums[labels], bytes, n);
    return true;
}

static bool field_take(void *self, const char *name, const char *value, struct err *err)
{
    struct trial *trial = self;
    (void)err;
    trial->sums[2] = mix(mix(trial->sums[2], name, strlen(name) + 1), value, strlen(value) + 1);
    return true;
}

static bool form_read(void *self, struct err *err)
{
    struct trial *trial = self;
    const struct multipart_sink sink = {file_take, field_take, trial};
    struct multipart *form = multipart_new(trial->type, &sink, err);
    bool good = form != NULL;
    memset(trial->sums, 0, sizeof trial->sums);
    for (size_t at = 0, n; good && at < trial->n; at += n) {
        n = trial->n - at < trial->piece ? trial->n - at : trial->piece;
        good = multipart_feed(form, trial->bytes + at, n, err);
    }
    good = good && multipart_end(form, err);
    multipart_free(form);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), piece = fuzz_byte(&input), fault = fuzz_byte(&input);
    struct trial trial = {.type = "multipart/form-data; boundary=XX", .piece = SIZE_MAX};
    if (choice > 0) {
        size_t n = choice < HEADER_SIZE - 1 ? choice : HEADER_SIZE - 1;
        n = n < input.n ? n : input.n;
        memcpy(trial.type, input.at, n);
        trial.type[n] = 0;
        input.at += n;
        input.n -= n;
    }
    char *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    trial.bytes = exact;
    trial.n = input.n;
    struct trial pieces = trial;
    pieces.piece = 1u + piece % 32u;
    bool good = fuzz_run(fault, form_read, &trial);
    require(good == fuzz_run(0, form_read, &pieces), "pieces do not change the outcome");
    require(!good || fault || memcmp(trial.sums, pieces.sums, sizeof trial.sums) == 0,
            "pieces do not change what comes");
    free(exact);
    return 0;
}
