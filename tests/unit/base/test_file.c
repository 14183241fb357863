/* What is no regular file in the place of a table, model or checkpoint is an
 * error at once: no open waits for a fifo's other end. */
#include "base/files.h"
#include "helper_main.h"
#include "helper_state.h"
#include "jobs/checkpoints.h"
#include "mlp/file.h"
#include "models/file.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct state state;
static struct err err;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    state_new(&state);
}

static void teardown(void)
{
    state_remove(&state);
}

static bool socket_make(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool fits = strlen(path) < sizeof address.sun_path;
    if (fits)
        strcpy(address.sun_path, path);
    bool made = fits && fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return made;
}

enum odd { FIFO, FOLDER, LINK, BROKEN_LINK, DEVICE, SOCKET, N_ODD };

static void odd_make(enum odd odd, const char *path)
{
    const bool made[N_ODD] = {
        [FIFO] = odd == FIFO && mkfifo(path, 0600) == 0,
        [FOLDER] = odd == FOLDER && mkdir(path, 0700) == 0,
        [LINK] = odd == LINK && symlink("/etc/passwd", path) == 0,
        [BROKEN_LINK] = odd == BROKEN_LINK && symlink("/nothing/here", path) == 0,
        [DEVICE] = odd == DEVICE &&
                   symlink("/dev/zero", path) == 0, /* to make one takes more rights than a test has */
        [SOCKET] = odd == SOCKET && socket_make(path),
    };
    ck_assert(made[odd]);
}

static void odd_remove(const char *path)
{
    ck_assert_int_eq(remove(path), 0);
}

START_TEST(only_regular_files_are_opened)
{
    char path[PATH_SIZE];
    ck_assert(store_path(state.store, "datasets", 1, ".table", path, &err));
    odd_make((enum odd)_i, path);
    ck_assert_int_eq(file_open(path, &err), -1);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_str_eq(err.msg, "1.table is not a regular file");
    ck_assert_int_eq(files_open(path, &err), -1);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_ptr_null(table_open(path, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    odd_remove(path);
}
END_TEST

START_TEST(a_device_is_not_opened_for_its_bytes)
{
    ck_assert_int_eq(file_open("/dev/zero", &err), -1);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
}
END_TEST

START_TEST(a_model_or_checkpoint_that_is_no_file_is_damaged)
{
    char path[PATH_SIZE];
    void *bytes;
    size_t n;
    ck_assert(store_path(state.store, "models", 1, ".model", path, &err));
    odd_make((enum odd)_i, path);
    ck_assert_ptr_null(model_file_read(path, NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    odd_remove(path);
    ck_assert(store_path(state.store, "checkpoints", 1, ".0", path, &err));
    odd_make((enum odd)_i, path);
    const struct checkpoint_file file = {.store = state.store, .job = 1};
    ck_assert(!checkpoint_read(&file, 100, &bytes, &n, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    odd_remove(path);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert_int_eq(file_open("/nothing/7.table", &err), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(files_open("/nothing/7.table", &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.msg, "7.table"));
}
END_TEST

START_TEST(a_new_file_takes_the_place_of_whatever_was_there)
{
    char path[PATH_SIZE];
    struct stat status;
    ck_assert(store_path(state.store, "tmp", 1, ".eval", path, &err));
    odd_make((enum odd)_i, path);
    int fd = file_create(path, &err);
    if (_i == FOLDER) {
        ck_assert_int_eq(fd, -1);
    } else {
        ck_assert_msg(fd >= 0, "%s", err.msg);
        ck_assert(fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0);
        close(fd);
    }
    odd_remove(path);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, only_regular_files_are_opened, 0, N_ODD);
    tcase_add_test(tcase, a_device_is_not_opened_for_its_bytes);
    tcase_add_loop_test(tcase, a_model_or_checkpoint_that_is_no_file_is_damaged, 0, N_ODD);
    tcase_add_test(tcase, a_missing_file_is_named);
    tcase_add_loop_test(tcase, a_new_file_takes_the_place_of_whatever_was_there, 0, N_ODD);
    return suite;
}
