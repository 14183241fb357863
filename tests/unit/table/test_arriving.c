/* A file that is parsed while it arrives gives the table, the report and the
 * rejects of the whole file, to the byte. */
#include "helper_main.h"
#include "helper_table.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A text on its way into a file, in pieces of random length. */
struct arrival {
    const char *text;
    size_t n;
    int fd;
    uint64_t n_comes; /* so many bytes ever come */
    uint64_t seed;
    bool late; /* a piece comes only once somebody waits for it */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    uint64_t n_there;
    uint64_t n_wanted; /* the most that somebody has waited for */
    bool over;         /* no more comes */
    uint64_t n_before; /* bytes that were there when the first row was told of; 0: none was */
};

static bool arrival_wait(void *self, uint64_t end, struct err *err)
{
    struct arrival *arrival = self;
    pthread_mutex_lock(&arrival->lock);
    arrival->n_wanted = end > arrival->n_wanted ? end : arrival->n_wanted;
    pthread_cond_broadcast(&arrival->changed);
    while (arrival->n_there < end && !arrival->over)
        pthread_cond_wait(&arrival->changed, &arrival->lock);
    bool there = arrival->n_there >= end;
    pthread_mutex_unlock(&arrival->lock);
    return there || err_set(err, ERR_STOPPED, "broken off");
}

static bool arrival_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    struct arrival *arrival = self;
    (void)bytes_done;
    ck_assert_uint_eq(bytes_all > 0, true);
    pthread_mutex_lock(&arrival->lock);
    if (rows > 0 && !arrival->n_before)
        arrival->n_before = arrival->n_there;
    pthread_mutex_unlock(&arrival->lock);
    return true;
}

static void *feed(void *self)
{
    struct arrival *arrival = self;
    pthread_mutex_lock(&arrival->lock);
    while (arrival->n_there < arrival->n_comes) {
        uint64_t left = arrival->n_comes - arrival->n_there;
        uint64_t n = 1 + random_below(&arrival->seed, 1 + random_below(&arrival->seed, 700));
        n = n < left ? n : left;
        while (arrival->late && arrival->n_wanted <= arrival->n_there && !arrival->over)
            pthread_cond_wait(&arrival->changed, &arrival->lock);
        if (arrival->over)
            break;
        ck_assert_int_eq(pwrite(arrival->fd, arrival->text + arrival->n_there, n, (off_t)arrival->n_there),
                         (ssize_t)n);
        arrival->n_there += n;
        pthread_cond_broadcast(&arrival->changed);
        if (!arrival->late && random_below(&arrival->seed, 2)) { /* readers may come in between */
            pthread_mutex_unlock(&arrival->lock);
            pthread_mutex_lock(&arrival->lock);
        }
    }
    arrival->over = arrival->over || arrival->n_comes < arrival->n;
    pthread_cond_broadcast(&arrival->changed);
    pthread_mutex_unlock(&arrival->lock);
    return NULL;
}

/* One ingest, the file arriving meanwhile. */
static bool arriving_ingest(struct reading *reading, struct arrival *arrival)
{
    struct table_progress progress = {.tick = arrival_tick, .self = arrival};
    pthread_t feeder;
    unlink(table_path);
    arrival->fd = open(csv_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int rejects = open(rejects_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(arrival->fd >= 0 && rejects > 0);
    reading->options.rejects_fd = rejects;
    pthread_mutex_init(&arrival->lock, NULL);
    pthread_cond_init(&arrival->changed, NULL);
    ck_assert_int_eq(pthread_create(&feeder, NULL, feed, arrival), 0);
    const struct csv_file file = {
        .fd = arrival->fd, .n_bytes = arrival->n, .wait = arrival_wait, .self = arrival};
    bool good = table_ingest_sized(&file, &reading->options, &reading->sizes, table_path, &progress,
                                   &reading->report, &reading->err);
    pthread_mutex_lock(&arrival->lock);
    arrival->over = true;
    pthread_cond_broadcast(&arrival->changed);
    pthread_mutex_unlock(&arrival->lock);
    pthread_join(feeder, NULL);
    pthread_cond_destroy(&arrival->changed);
    pthread_mutex_destroy(&arrival->lock);
    close(arrival->fd);
    close(rejects);
    ck_assert_msg(good || access(table_path, F_OK) != 0, "a failed ingest leaves no table behind");
    return good;
}

/* What an ingest has left. */
struct outcome {
    bool good;
    struct err err;
    struct csv_report report;
    char *table, *rejects;
    size_t n_table, n_rejects;
};

static void outcome_take(struct outcome *outcome, const struct reading *reading, bool good)
{
    *outcome = (struct outcome){.good = good, .err = reading->err, .report = reading->report};
    outcome->rejects = file_bytes(rejects_path, &outcome->n_rejects);
    if (good)
        outcome->table = file_bytes(table_path, &outcome->n_table);
}

static void outcome_done(struct outcome *outcome)
{
    free(outcome->table);
    free(outcome->rejects);
}

static void same(const struct outcome *a, const struct outcome *b, const char *what)
{
    ck_assert_msg(a->good == b->good, "%s: %s%s", what, a->err.msg, b->err.msg);
    ck_assert_msg(a->n_rejects == b->n_rejects && !memcmp(a->rejects, b->rejects, a->n_rejects),
                  "%s: other rejects", what);
    ck_assert_msg(a->err.code == b->err.code && !strcmp(a->err.msg, b->err.msg), "%s: %s, %s", what,
                  a->err.msg, b->err.msg);
    if (!a->good)
        return;
    ck_assert_msg(a->n_table == b->n_table && !memcmp(a->table, b->table, a->n_table), "%s: another table",
                  what);
    ck_assert_msg(!memcmp(&a->report, &b->report, sizeof a->report), "%s: another report", what);
}

enum { N_ROWS = 2000 }; /* the look at the encoding is of 4 KB */
static const struct ingest_sizes small = {.chunk_bytes = 97, .head_bytes = 300, .head_rows = 8};

/* The text whole, then arriving in many ways. */
static void check_arriving(const char *what, const char *text, size_t n)
{
    static const uint32_t n_threads[] = {1, 2, 5};
    struct reading whole = {.csv = text, .n_bytes = n, .sizes = small, .options.n_threads = 2};
    struct outcome expected, found;
    outcome_take(&expected, &whole, ingest(&whole));
    for (uint64_t i = 0; i < 12; i++) {
        struct reading reading = {.sizes = small, .options.n_threads = n_threads[i % 3]};
        struct arrival arrival = {.text = text, .n = n, .n_comes = n, .seed = i + 1, .late = i % 2 == 0};
        bool good = arriving_ingest(&reading, &arrival);
        outcome_take(&found, &reading, good);
        same(&expected, &found, what);
        outcome_done(&found);
    }
    outcome_done(&expected);
}

/* n rows by a format of one number. */
static char *rows_print(const char *head, const char *format, int n, const char *tail)
{
    size_t room = strlen(head) + strlen(tail) + (size_t)n * (strlen(format) + 24) + 1;
    char *text = malloc(room), *at = text + sprintf(text, "%s", head);
    for (int i = 0; i < n; i++) {
        const char *from = format;
        for (; *from; from++)
            at += *from == '#' ? sprintf(at, "%d", i) : sprintf(at, "%c", *from);
    }
    sprintf(at, "%s", tail);
    return text;
}

static const struct {
    const char *what, *head, *format, *tail;
} shapes[] = {
    {"bytes", "a,b,c\n", "1,22,0\n", ""},
    {"numbers that grow", "a,b\n", "#,#.5\n", ""},
    {"a word in the last row", "a,b\n", "#,2\n", "x,y\n"},
    {"no line end at the end", "a,b\n", "#,2\n", "7,8"},
    {"rows of another length, a footer and a sum", "a;b\n", "#;2\n",
     "1;2;3\n4\n\nTotal;900\nsource: nobody\n"},
    {"two tables", "a,b\n", "#,2\n", "\n\nc,d,e\n1,2,3\n4,5,6\n"},
    {"line ends in quotes", "a,b\n", "#,\"one\ntwo, # and\r\nthree\"\n", ""},
    {"categories and dates", "when,who\n", "2024-02-01,n#\n", "31/12/2024,\n"},
    {"bytes that are no UTF-8", "a,b\n", "#,gr\xfc\xdf\n", "1,\xe4\n"},
    {"titles and a remark", "# made by hand\nA title\n\na,b\n", "#,2\n", "# end\n"},
    {"a quote that is not closed", "a,b\n", "#,2\n", "1,\"open\n2,3\n"},
    {"a header and nothing else", "a,b\n", "", ""},
    {"a NUL", "a,b\n", "#,2\n", "1,\x01\n"},
};

START_TEST(an_arriving_file_gives_the_table_of_the_whole_one)
{
    char *text = rows_print(shapes[_i].head, shapes[_i].format, N_ROWS, shapes[_i].tail);
    check_arriving(shapes[_i].what, text, strlen(text));
    free(text);
}
END_TEST

START_TEST(an_arriving_file_in_utf_16_does_too)
{
    char *text = rows_print("a,b\n", "#,x\n", N_ROWS, "");
    size_t n = 2 * strlen(text) + 2;
    char *wide = malloc(n);
    memcpy(wide, "\xff\xfe", 2);
    for (size_t i = 2; i < n; i++)
        wide[i] = i % 2 ? '\0' : text[(i - 2) / 2];
    check_arriving("UTF-16", wide, n);
    free(wide);
    free(text);
}
END_TEST

START_TEST(rows_are_parsed_before_the_last_byte_is_there)
{
    char *text = rows_print("a,b,c\n", "1,22,0\n", N_ROWS, "");
    struct reading reading = {.sizes = small, .options.n_threads = 1};
    struct arrival arrival = {.text = text, .n = strlen(text), .n_comes = strlen(text), .late = true};
    ck_assert_msg(arriving_ingest(&reading, &arrival), "%s", reading.err.msg);
    ck_assert_uint_lt(arrival.n_before, arrival.n / 2);
    free(text);
}
END_TEST

START_TEST(a_file_that_is_broken_off_ends_every_reader_and_leaves_nothing)
{
    char *text = rows_print("a,b\n", "#,2\n", N_ROWS, "");
    size_t n = strlen(text);
    for (uint32_t i = 0; i < 24; i++) {
        struct reading reading = {.sizes = small, .options.n_threads = 1 + i % 4};
        struct arrival arrival = {.text = text, .n = n, .n_comes = n * i / 24, .seed = i, .late = i % 2};
        ck_assert(!arriving_ingest(&reading, &arrival));
        ck_assert_int_eq(reading.err.code, ERR_STOPPED);
    }
    free(text);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("arriving");
    TCase *tests = tcase_create("arriving");
    tcase_set_timeout(tests, 60); /* under a sanitizer on a busy machine */
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_loop_test(tests, an_arriving_file_gives_the_table_of_the_whole_one, 0,
                        (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(tests, an_arriving_file_in_utf_16_does_too);
    tcase_add_test(tests, rows_are_parsed_before_the_last_byte_is_there);
    tcase_add_test(tests, a_file_that_is_broken_off_ends_every_reader_and_leaves_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
