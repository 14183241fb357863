/* How many processors and how much memory this process may use: affinity and
 * cgroup v2 limits. */
#define _GNU_SOURCE
#include "daemon/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

uint32_t cpus_parse_quota(const char *text)
{
    unsigned long long quota, period;
    if (sscanf(text, "%llu %llu", &quota, &period) != 2 || quota == 0 || period == 0)
        return UINT32_MAX;
    unsigned long long cpus = quota / period + (quota % period != 0);
    return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

static bool file_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static uint32_t affinity_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t holds */
    return online > 0 ? (uint32_t)online : 1;
}

/* This process's cgroup v2 folder, "/" and all: the line "0::/path". */
static bool cgroup_path(char *path, size_t size)
{
    char text[4096];
    if (!file_read("/proc/self/cgroup", text, sizeof text))
        return false;
    char *line = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text;
    if (!line)
        return false;
    line = strstr(line, "::") + 2;
    line[strcspn(line, "\n")] = 0;
    return snprintf(path, size, "%s", line) < (int)size;
}

/* The least that a file of this group and of each one above it says, and
 * `least`. */
static uint64_t groups_least(const char *name, uint64_t (*parse)(const char *text), uint64_t least)
{
    char group[2048], file[sizeof group + 64], text[128];
    if (!cgroup_path(group, sizeof group))
        return least;
    for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
        *end = 0;
        snprintf(file, sizeof file, CGROUP_ROOT "%s/%s", group, name);
        uint64_t limit = file_read(file, text, sizeof text) ? parse(text) : UINT64_MAX;
        if (limit < least)
            least = limit;
    }
    return least;
}

static uint64_t quota_parse(const char *text)
{
    return cpus_parse_quota(text);
}

uint32_t cpus_allowed(void)
{
    uint32_t cpus = (uint32_t)groups_least("cpu.max", quota_parse, affinity_count());
    return cpus ? cpus : 1;
}

static uint64_t memory_parse(const char *text)
{
    unsigned long long bytes;
    return sscanf(text, "%llu", &bytes) == 1 ? bytes : UINT64_MAX; /* "max" */
}

uint64_t memory_allowed(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t all = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
    return groups_least("memory.max", memory_parse, all);
}
