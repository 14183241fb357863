/* See fuzz.h. */
#include "fuzz.h"

#include "faults.h"
#include "mlp/ingest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char fuzz_numbers[] = "a,b,c,y\n0,1.5,7,0.5\n1,2.5,300,1.5\n5,3,8,2.75\n9,4,9,3\n";
const char fuzz_mixed[] =
    "id,age,fare,sex,alive,born,note,y\nx,10,1.5,male,true,2024-03-01,7,a\nx,0,2.25,female,false,1999-12-31,"
    "7,b\n"
    "x,40,2.5,male,true,2001-01-01,7,a\nx,20,-4,,false,,7,b\nx,10,,female,true,1970-01-01 12:30,7,a\n";

void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->n == 0)
        return 0;
    input->n--;
    return *input->at++;
}

static void files_remove(void)
{
    for (int i = 0; i < FUZZ_FILES; i++)
        unlink(fuzz_path(i));
}

const char *fuzz_path(int i)
{
    static char paths[FUZZ_FILES][64];
    if (!*paths[0]) {
        for (int j = 0; j < FUZZ_FILES; j++)
            snprintf(paths[j], sizeof paths[j], "/dev/shm/mlpd-fuzz-%ld.%d", (long)getpid(), j);
        atexit(files_remove);
    }
    return paths[i];
}

int fuzz_file(int i, const void *bytes, size_t n)
{
    int fd = open(fuzz_path(i), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "a file is written");
    return fd;
}

uint8_t *fuzz_bytes(const char *path, size_t *n)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    require(fd >= 0 && fstat(fd, &status) == 0, "a file is there");
    *n = (size_t)status.st_size;
    uint8_t *bytes = malloc(*n + 1);
    require(bytes && read(fd, bytes, *n) == (ssize_t)*n, "a file is read");
    close(fd);
    return bytes;
}

struct table *fuzz_table(const char *csv)
{
    struct err err;
    struct csv_options options = {.header = 1};
    int fd = fuzz_file(0, csv, strlen(csv));
    require(table_ingest(fd, &options, fuzz_path(1), NULL, NULL, &err), "the text is a table");
    struct table *table = table_open(fuzz_path(1), &err);
    require(table != NULL, "the table opens");
    close(fd);
    return table;
}

struct recipe *fuzz_recipe(const char *csv)
{
    struct err err;
    struct table *table = fuzz_table(csv);
    struct recipe_options options = {0};
    uint32_t rows[64], n = (uint32_t)table_n_rows(table);
    for (uint32_t i = 0; i < n && i < 64; i++)
        rows[i] = i;
    struct recipe *recipe = recipe_fit(table, rows, n < 64 ? n : 64, &options, &err);
    require(recipe != NULL, "a recipe is fitted");
    table_unref(table);
    return recipe;
}

static bool is_shortage(enum err_code code)
{
    return code == ERR_MEMORY || code == ERR_THREAD || code == ERR_SPACE || code == ERR_IO;
}

bool fuzz_run(uint8_t fault, bool (*work)(void *self, struct err *err), void *self)
{
    struct err err = {0}, short_err = {0};
    faults_arm(0);
    bool good = work(self, &err);
    uint32_t n_calls = faults_disarm();
    require(good || (err.code != ERR_OK && err.msg[0] && err.code != ERR_MEMORY), "an error says what it is");
    if (fault == 0 || n_calls == 0)
        return good;
    faults_arm(1 + (uint32_t)(fault - 1) * n_calls / 255);
    bool again = work(self, &short_err);
    faults_disarm();
    require(!again || good, "a shortage makes nothing work");
    require(again || short_err.code == err.code || (faults_hit() && is_shortage(short_err.code)),
            "what fails for a shortage says so");
    return good;
}
