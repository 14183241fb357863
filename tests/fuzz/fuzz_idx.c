/* libFuzzer target: any bytes as IDX files, pictures and perhaps labels. The
 * CSV has the values that a naive reading finds. The first byte: how long the
 * labels are, 0: there are none; the second which call fails. */
#include "fuzz.h"
#include "mlp/idx.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trial {
    int images, labels, csv;
};

static bool files_read(void *self, struct err *err)
{
    const struct trial *trial = self;
    atomic_bool stop = false;
    close(fuzz_file(2, "", 0)); /* empty again */
    lseek(trial->csv, 0, SEEK_SET);
    return idx_to_csv(trial->images, trial->labels, trial->csv, &stop, err);
}

/* Values of the rows, a digit string each; labels first. */
static void csv_check(const uint8_t *images, size_t n, const uint8_t *labels)
{
    size_t n_csv, n_head = 4 + 4 * (size_t)images[3], n_columns = 1;
    uint8_t *csv = fuzz_bytes(fuzz_path(2), &n_csv);
    csv[n_csv] = 0;
    char *at = strchr((char *)csv, '\n');
    for (uint8_t i = 1; i < images[3]; i++)
        n_columns *=
            (size_t)images[7 + 4 * i] | (size_t)images[6 + 4 * i] << 8 | (size_t)images[5 + 4 * i] << 16;
    for (size_t i = n_head; i < n; i++) {
        if (labels && (i - n_head) % n_columns == 0)
            require(at && strtol(at + 1, &at, 10) == labels[8 + (i - n_head) / n_columns],
                    "a label is the file's");
        require(at && strtol(at + 1, &at, 10) == images[i], "a pixel is the file's");
        require(*at == ((i - n_head) % n_columns == n_columns - 1 ? '\n' : ','), "a line a row");
    }
    require(at && strcmp(at, "\n") == 0, "and nothing else");
    free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t n_labels = fuzz_byte(&input), fault = fuzz_byte(&input);
    n_labels = n_labels < input.n ? n_labels : (uint8_t)input.n;
    size_t n = input.n - n_labels;
    struct trial trial = {fuzz_file(0, input.at + n_labels, n),
                          n_labels ? fuzz_file(1, input.at, n_labels) : -1, fuzz_file(2, "", 0)};
    if (fuzz_run(fault, files_read, &trial)) {
        require(idx_known((const char *)input.at + n_labels, n), "an IDX file is known as one");
        if (fault == 0)
            csv_check(input.at + n_labels, n, n_labels ? input.at : NULL);
    }
    close(trial.images);
    close(trial.csv);
    if (trial.labels >= 0)
        close(trial.labels);
    return 0;
}
