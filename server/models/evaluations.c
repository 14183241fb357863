/* One model's evaluation as a file. Any thread; no state. */
#include "models/evaluations.h"
#include "base/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "evaluations are written as they lie in memory: little-endian machines only"
#endif

#define MAGIC_1 0x314c415645504c4du /* "MLPEVAL1" */
#define MAGIC_2 0x324c415645504c4du /* "MLPEVAL2" */
#define BLOCK 4096u                 /* guesses a hash covers */
#define ROWS_MAX UINT32_MAX
#define CLASSES_MAX RECIPE_CLASSES_MAX
#define METRICS_MAX 64
#define IMPORTANCE_MAX RECIPE_INPUTS_MAX
#define BLOCK_BYTES (BLOCK * sizeof(struct guess))
#define GUESS_1 16u /* bytes of a guess without its loss */

struct head {
    uint64_t magic;
    uint64_t n_rows, n_classes;
    uint64_t n_metrics, n_importance;
};
struct metric_word {
    char name[24];
    double value;
};
/* The first layout's, after its first three numbers. */
static const char *const metrics_1[] = {"loss", "accuracy", "rmse", "mae", "r2"};
#define HEAD_1 24u

_Static_assert(sizeof(struct head) == 40 && sizeof(struct metric_word) == 32, "the file's layout");
_Static_assert(sizeof(struct guess) == 20 && sizeof(struct importance) == 16, "the file's layout");
_Static_assert(N_METRICS <= METRICS_MAX, "the file's layout");

/* Where the parts of the front lie, and what follows it. */
struct layout {
    bool first; /* the first layout */
    uint64_t n_blocks, guess_bytes;
    uint64_t metrics_at, importance_at, confusion_at, hashes_at, guesses_at, end;
};

static struct layout layout_of(const struct head *head)
{
    bool first = head->magic == MAGIC_1;
    struct layout l = {.first = first,
                       .n_blocks = (head->n_rows + BLOCK - 1) / BLOCK,
                       .guess_bytes = first ? GUESS_1 : sizeof(struct guess)};
    l.metrics_at = first ? HEAD_1 : sizeof *head;
    l.importance_at = l.metrics_at + (first ? sizeof metrics_1 / sizeof *metrics_1 * 8
                                            : head->n_metrics * sizeof(struct metric_word));
    l.confusion_at = l.importance_at + head->n_importance * sizeof(struct importance);
    l.hashes_at = l.confusion_at + 8 * head->n_classes * head->n_classes;
    l.guesses_at = l.hashes_at + 8 * ((first ? 1 : 2) * l.n_blocks + 1);
    l.end = l.guesses_at + (first ? 1 : 2) * head->n_rows * l.guess_bytes;
    return l;
}

static uint64_t block_hash(const void *guesses, uint64_t n_bytes)
{
    return files_hash(FILES_HASH, guesses, (size_t)n_bytes);
}

/* ---- out ---- */

static int worse_first(const void *a, const void *b)
{
    const struct guess *x = a, *y = b;
    if (x->loss != y->loss)
        return x->loss < y->loss ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

/* The importance without the bytes that pad it. */
static void importance_put(unsigned char *at, const struct evaluation *e)
{
    for (uint32_t i = 0; i < e->n_importance; i++, at += sizeof(struct importance)) {
        memcpy(at, &e->importance[i].column, 4);
        memcpy(at + 8, &e->importance[i].drop, 8);
    }
}

static void front_fill(unsigned char *front, const struct head *head, const struct layout *l,
                       const struct evaluation *e, const struct guess *worst)
{
    memcpy(front, head, sizeof *head);
    for (int i = 0; i < N_METRICS; i++) {
        struct metric_word word = {.value = e->values[i]};
        snprintf(word.name, sizeof word.name, "%s", metric_name((enum metric)i));
        memcpy(front + l->metrics_at + (size_t)i * sizeof word, &word, sizeof word);
    }
    importance_put(front + l->importance_at, e);
    if (e->n_classes > 0)
        memcpy(front + l->confusion_at, e->confusion, (size_t)(l->hashes_at - l->confusion_at));
    for (uint64_t block = 0; block < 2 * l->n_blocks; block++) {
        uint64_t first = block % l->n_blocks * BLOCK,
                 n = e->n_rows - first < BLOCK ? e->n_rows - first : BLOCK;
        uint64_t hash = block_hash((block < l->n_blocks ? e->guesses : worst) + first, n * sizeof *worst);
        memcpy(front + l->hashes_at + 8 * block, &hash, 8);
    }
    uint64_t hash = block_hash(front, l->guesses_at - 8);
    memcpy(front + l->guesses_at - 8, &hash, 8);
}

bool evaluations_write(int fd, const struct evaluation *e, struct err *err)
{
    struct head head = {.magic = MAGIC_2,
                        .n_rows = e->n_rows,
                        .n_classes = e->n_classes,
                        .n_metrics = N_METRICS,
                        .n_importance = e->n_importance};
    struct layout l = layout_of(&head);
    size_t n_bytes = (size_t)e->n_rows * sizeof *e->guesses;
    unsigned char *front = calloc(1, (size_t)l.guesses_at);
    struct guess *worst = malloc(n_bytes + 1);
    bool ok = (front && worst) || err_memory(err, "an evaluation");
    if (ok) {
        memcpy(worst, e->guesses, n_bytes);
        qsort(worst, (size_t)e->n_rows, sizeof *worst, worse_first);
        front_fill(front, &head, &l, e, worst);
        ok = files_write(fd, front, (size_t)l.guesses_at, err) && files_write(fd, e->guesses, n_bytes, err) &&
             files_write(fd, worst, n_bytes, err) && files_sync(fd, err);
    }
    free(front);
    free(worst);
    return ok;
}

/* ---- in ---- */

/* An open file whose head, then whose front is read and checked. */
struct file {
    int fd;
    struct head head;
    struct layout layout;
    unsigned char *front; /* (layout.guesses_at), owned */
};

static bool damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the model's evaluation file is damaged");
}

static bool head_read(struct file *file, struct err *err)
{
    struct head *head = &file->head;
    uint64_t n_bytes;
    if (!files_size(file->fd, &n_bytes, err) || !files_read_at(file->fd, head, sizeof *head, 0, err))
        return false;
    if (head->magic == MAGIC_1)
        head->n_metrics = head->n_importance = 0;
    if ((head->magic != MAGIC_1 && head->magic != MAGIC_2) || head->n_rows > ROWS_MAX ||
        head->n_classes > CLASSES_MAX || head->n_metrics > METRICS_MAX || head->n_importance > IMPORTANCE_MAX)
        return damaged(err);
    file->layout = layout_of(head);
    return n_bytes == file->layout.end || damaged(err);
}

static bool front_read(struct file *file, struct err *err)
{
    uint64_t hash;
    size_t n = (size_t)file->layout.guesses_at;
    file->front = malloc(n);
    if (!file->front)
        return err_memory(err, "an evaluation");
    if (!files_read_at(file->fd, file->front, n, 0, err))
        return false;
    memcpy(&hash, file->front + n - 8, 8);
    return hash == block_hash(file->front, n - 8) || damaged(err);
}

/* Of the evaluation, which is about as large as the front and its guesses; and,
 * while it is read, of the front and a block. */
static bool page_claim(const struct file *file, const struct evaluation_page *page, struct err *err)
{
    uint64_t n = page->limit < file->head.n_rows ? page->limit : file->head.n_rows;
    return !page->claim ||
           claim_take(page->claim, 2 * file->layout.guesses_at + (n + 1) * sizeof(struct guess) + BLOCK_BYTES,
                      err);
}

static bool matches(const struct evaluation_page *page, const struct guess *guess)
{
    return (page->label < 0 || guess->label == (float)page->label) &&
           (page->guess < 0 || guess->guess == (float)page->guess);
}

/* Block `block` of the order into guesses (BLOCK), *n of them. */
static bool block_read(const struct file *file, bool worst, uint64_t block, struct guess *guesses,
                       uint64_t *n, struct err *err)
{
    const struct layout *l = &file->layout;
    uint64_t first = block * BLOCK, hash;
    unsigned char *bytes = (unsigned char *)guesses;
    *n = file->head.n_rows - first < BLOCK ? file->head.n_rows - first : BLOCK;
    memcpy(&hash, file->front + l->hashes_at + 8 * (block + (worst ? l->n_blocks : 0)), 8);
    uint64_t at = l->guesses_at + ((worst ? file->head.n_rows : 0) + first) * l->guess_bytes;
    if (!files_read_at(file->fd, bytes, (size_t)(*n * l->guess_bytes), at, err))
        return false;
    if (hash != block_hash(bytes, *n * l->guess_bytes))
        return damaged(err);
    for (uint64_t i = *n; l->first && i-- > 0;) { /* from the back: the larger ones overtake the smaller */
        struct guess guess = {.loss = NAN};
        memcpy(&guess, bytes + i * GUESS_1, GUESS_1);
        guesses[i] = guess;
    }
    return true;
}

/* How many guesses the page's filter lets through. */
static uint64_t count_matching(const struct evaluation *e, const struct evaluation_page *page)
{
    uint64_t n = 0;
    if (page->label < 0 && page->guess < 0)
        return e->n_rows;
    for (uint32_t label = 0; label < e->n_classes; label++)
        for (uint32_t guess = 0; guess < e->n_classes; guess++)
            if ((page->label < 0 || label == page->label) && (page->guess < 0 || guess == page->guess))
                n += e->confusion[(size_t)label * e->n_classes + guess];
    return n;
}

/* The page's guesses into e->guesses (n). */
static bool guesses_read(const struct file *file, const struct evaluation_page *page, struct evaluation *e,
                         uint64_t n, struct err *err)
{
    bool filtered = page->label >= 0 || page->guess >= 0, ok = true,
         worst = page->worst && !file->layout.first;
    struct guess *block = malloc(BLOCK * sizeof *block);
    if (!block)
        return err_memory(err, "an evaluation");
    uint64_t skip = filtered ? page->offset : page->offset % BLOCK, done = 0, held = 0;
    for (uint64_t b = filtered ? 0 : page->offset / BLOCK; ok && done < n && b < file->layout.n_blocks; b++) {
        ok = stop_check(page->stop, err) && block_read(file, worst, b, block, &held, err);
        for (uint64_t i = 0; ok && done < n && i < held; i++)
            if (matches(page, &block[i]) && skip-- == 0) {
                e->guesses[done++] = block[i];
                skip = 0;
            }
    }
    free(block);
    return ok && (done == n || damaged(err));
}

static void metrics_get(const struct file *file, struct evaluation *e)
{
    const unsigned char *at = file->front + file->layout.metrics_at;
    bool first = file->layout.first;
    for (int i = 0; i < N_METRICS; i++)
        e->values[i] = NAN;
    for (uint64_t i = 0; i < (first ? sizeof metrics_1 / sizeof *metrics_1 : file->head.n_metrics); i++) {
        struct metric_word word = {{0}, 0};
        if (first) {
            snprintf(word.name, sizeof word.name, "%s", metrics_1[i]);
            memcpy(&word.value, at + 8 * i, 8);
        } else {
            memcpy(&word, at + i * sizeof word, sizeof word);
            word.name[sizeof word.name - 1] = '\0';
        }
        int metric = metric_find(word.name);
        if (metric >= 0)
            e->values[metric] = word.value;
    }
}

/* The arrays as evaluation_free expects them: each its own allocation. */
static struct evaluation *evaluation_make(const struct file *file, struct err *err)
{
    const struct head *head = &file->head;
    struct evaluation *e = calloc(1, sizeof *e);
    size_t n_confusion = (size_t)(head->n_classes * head->n_classes);
    bool ok = e != NULL;
    if (ok) {
        e->n_rows = head->n_rows;
        e->n_classes = (uint32_t)head->n_classes;
        e->n_importance = (uint32_t)head->n_importance;
        e->confusion = malloc((n_confusion + 1) * sizeof *e->confusion);
        e->importance = malloc((e->n_importance + 1) * sizeof *e->importance);
        ok = e->confusion && e->importance;
    }
    if (!ok) {
        evaluation_free(e);
        err_memory(err, "an evaluation");
        return NULL;
    }
    metrics_get(file, e);
    memcpy(e->importance, file->front + file->layout.importance_at, e->n_importance * sizeof *e->importance);
    memcpy(e->confusion, file->front + file->layout.confusion_at, n_confusion * 8);
    return e;
}

static struct evaluation *file_read(struct file *file, const struct evaluation_page *page,
                                    uint64_t *n_guesses, uint64_t *n_matching, struct err *err)
{
    struct evaluation *e =
        page_claim(file, page, err) && front_read(file, err) ? evaluation_make(file, err) : NULL;
    if (!e)
        return NULL;
    uint64_t matching = count_matching(e, page), n = page->offset < matching ? matching - page->offset : 0;
    n = n < page->limit ? n : page->limit;
    e->guesses = n > ROWS_MAX ? NULL : malloc((size_t)(n + 1) * sizeof *e->guesses);
    if (!e->guesses)
        err_memory(err, "an evaluation");
    if (!e->guesses || !guesses_read(file, page, e, n, err)) {
        evaluation_free(e);
        return NULL;
    }
    *n_guesses = n;
    *n_matching = matching;
    return e;
}

struct evaluation *evaluations_read(int fd, const struct evaluation_page *page, uint64_t *n_guesses,
                                    uint64_t *n_matching, struct err *err)
{
    struct file file = {.fd = fd};
    struct evaluation *e = head_read(&file, err) ? file_read(&file, page, n_guesses, n_matching, err) : NULL;
    free(file.front);
    if (e && page->claim)
        claim_give(page->claim, file.layout.guesses_at + BLOCK_BYTES);
    return e;
}
