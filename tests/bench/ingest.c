/* Times table_ingest alone, three times: the engine's CSV parser without HTTP.
 * usage: ingest FILE.csv TABLE THREADS */
#include "mlp/ingest.h"
#include "mlp/csv.h"
#include "mlp/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int fd = argc == 4 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0) {
        fprintf(stderr, "usage: ingest FILE.csv TABLE THREADS\n");
        return 2;
    }
    const struct csv_options options = {.n_threads = (uint32_t)strtoul(argv[3], NULL, 10)};
    for (int i = 0; i < 3; i++) {
        double began = seconds_now();
        if (!table_ingest(fd, &options, argv[2], NULL, NULL, &err)) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        printf("ingest %.4f s\n", seconds_now() - began);
        unlink(argv[2]);
    }
    close(fd);
    return 0;
}
