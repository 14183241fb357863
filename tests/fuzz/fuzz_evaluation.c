/* libFuzzer target: any bytes as an evaluation's file, with its hashes mended
 * where the first byte is odd. What is read is within what it says, and its
 * pages are those of the whole. The second byte: the page; the third which call
 * fails. */
#include "evaluations.h"
#include "files.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, HEAD_1 = 24, HEAD_2 = 40, METRICS_1 = 40 };

struct trial {
    int fd;
    struct evaluation_page page;
    uint64_t n_matching;
};

static uint64_t get(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void hash_put(uint8_t *at, const uint8_t *bytes, size_t n)
{
    uint64_t hash = files_hash(FILES_HASH, bytes, n);
    memcpy(at, &hash, sizeof hash);
}

/* The layout as evaluations.c has it, where it lies within the n bytes. */
static void file_mend(uint8_t *bytes, size_t n)
{
    if (n < HEAD_2)
        return;
    bool first = bytes[7] == '1';
    uint64_t rows = get(bytes + 8), classes = get(bytes + 16), metrics = first ? 0 : get(bytes + 24), columns = first ? 0 : get(bytes + 32);
    uint64_t orders = first ? 1 : 2, size = first ? 16 : 20, n_blocks = (rows + BLOCK - 1) / BLOCK;
    if (rows > n || classes > 64 || metrics > n || columns > n)
        return;
    uint64_t hashes = (first ? HEAD_1 + METRICS_1 : HEAD_2 + 32 * metrics + 16 * columns) + 8 * classes * classes;
    uint64_t front = hashes + 8 * (orders * n_blocks + 1);
    if (front + orders * rows * size > n)
        return;
    for (uint64_t i = 0; i < orders * n_blocks; i++) {
        uint64_t from = i % n_blocks * BLOCK, n_rows = rows - from < BLOCK ? rows - from : BLOCK;
        hash_put(bytes + hashes + 8 * i, bytes + front + (i / n_blocks * rows + from) * size, (size_t)(n_rows * size));
    }
    hash_put(bytes + front - 8, bytes, (size_t)front - 8);
}

static bool page_read(void *self, struct err *err)
{
    struct trial *trial = self;
    uint64_t n = 0;
    struct evaluation *e = evaluations_read(trial->fd, &trial->page, &n, &trial->n_matching, err);
    if (!e)
        return false;
    require(n <= trial->page.limit && n <= trial->n_matching, "a page is no longer than it may be");
    uint64_t sum = 0;
    for (uint64_t i = 0; i < (uint64_t)e->n_classes * e->n_classes; i++)
        sum += e->confusion[i];
    for (uint64_t i = 0; i < n; i++) {
        require(trial->page.label < 0 || e->guesses[i].label == (float)trial->page.label, "a page is of its label");
        sum += e->guesses[i].row;
    }
    for (uint32_t i = 0; i < e->n_importance; i++)
        sum += e->importance[i].column;
    volatile uint64_t seen = sum; /* all of it was read */
    (void)seen;
    evaluation_free(e);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), page = fuzz_byte(&input), fault = fuzz_byte(&input), *bytes = malloc(input.n + 1);
    memcpy(bytes, input.at, input.n);
    if (choice & 1)
        file_mend(bytes, input.n);
    struct trial trial = {.fd = fuzz_file(0, bytes, input.n),
                          .page = {.offset = page & 15, .limit = page >> 4, .worst = choice & 2, .label = -1, .guess = -1}};
    fuzz_run(fault, page_read, &trial);
    trial.page.label = choice >> 2 & 3;
    trial.page.guess = (choice >> 4 & 3) - 1;
    fuzz_run(0, page_read, &trial);
    close(trial.fd);
    free(bytes);
    return 0;
}
