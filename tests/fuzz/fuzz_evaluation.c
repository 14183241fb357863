/* libFuzzer target: any bytes as an evaluation's file, with its hashes mended
 * where the first byte is odd. What is read is within what it says, and its
 * pages are those of the whole. The second byte: the page; the third which call
 * fails. */
#include "fuzz.h"
#include "mend.h"
#include "models/evaluations.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trial {
    int fd;
    struct evaluation_page page;
    uint64_t n_matching;
};

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
        require(trial->page.label < 0 || e->guesses[i].label == (float)trial->page.label,
                "a page is of its label");
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
    uint8_t choice = fuzz_byte(&input), page = fuzz_byte(&input), fault = fuzz_byte(&input),
            *bytes = malloc(input.n + 1);
    memcpy(bytes, input.at, input.n);
    if (choice & 1)
        mend_evaluation(bytes, input.n);
    struct trial trial = {
        .fd = fuzz_file(0, bytes, input.n),
        .page = {.offset = page & 15, .limit = page >> 4, .worst = choice & 2, .label = -1, .guess = -1}};
    fuzz_run(fault, page_read, &trial);
    trial.page.label = choice >> 2 & 3;
    trial.page.guess = (choice >> 4 & 3) - 1;
    fuzz_run(0, page_read, &trial);
    close(trial.fd);
    free(bytes);
    return 0;
}
