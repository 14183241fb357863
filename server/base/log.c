/* Log lines on stderr. Level, form and way are set once before other threads
 * start, and only read afterwards. */
#define _GNU_SOURCE
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000
#define LINE_SIZE (LINE_MAX_BYTES + 64)

static struct {
    enum log_level level;
    bool journal, is_socket;
    int fd;
} settings = {.level = LOG_LEVEL_INFO, .fd = STDERR_FILENO};
static atomic_uint_least64_t n_lost; /* lines since one was last written */

static const struct {
    const char *name;
    int priority; /* as in syslog(3) */
} levels[] = {{"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}};

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

int log_level_find(const char *name)
{
    for (int i = 0; i < (int)(sizeof levels / sizeof *levels); i++)
        if (!strcmp(name, levels[i].name))
            return i;
    return -1;
}

/* JOURNAL_STREAM holds device:inode of the journal's socket; a redirected
 * stderr is not it (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    const char *text = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;
    return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
           status.st_dev == (dev_t)device && status.st_ino == (ino_t)inode;
}

/* A pipe or terminal is opened anew: O_NONBLOCK on stderr itself would be set
 * for all who share it. Where that is refused, and for a file, stderr does. */
static int stderr_without_waits(void)
{
    struct stat status;
    if (fstat(STDERR_FILENO, &status) != 0 || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
        return STDERR_FILENO;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? STDERR_FILENO : fd;
}

void log_open(enum log_level level)
{
    struct stat status;
    settings.level = level;
    settings.journal = stderr_is_journal();
    settings.is_socket = fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
    settings.fd = stderr_without_waits();
}

static size_t prefix_write(char *line, size_t size, enum log_level level)
{
    if (settings.journal)
        return (size_t)snprintf(line, size, "<%d>", levels[level].priority);
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return n +
           (size_t)snprintf(line + n, size - n, ".%03ldZ %s: ", now.tv_nsec / 1000000, levels[level].name);
}

/* Returns its length. */
static size_t line_make(char line[LINE_SIZE], enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static size_t line_make(char line[LINE_SIZE], enum log_level level, const char *format, va_list args)
{
    size_t start = prefix_write(line, LINE_SIZE, level);
    int n = vsnprintf(line + start, LINE_MAX_BYTES, format, args);
    size_t end = start + (n < 0 ? 0 : n < LINE_MAX_BYTES ? (size_t)n : LINE_MAX_BYTES - 1);
    for (size_t i = start; i < end; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            line[i] = '?';
    line[end++] = '\n';
    return end;
}

/* Where nobody reads what was written before, it is not. */
static bool line_send(const char *line, size_t n)
{
    return (settings.is_socket ? send(settings.fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL)
                               : write(settings.fd, line, n)) == (ssize_t)n;
}

static size_t lost_make(char line[LINE_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static size_t lost_make(char line[LINE_SIZE], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t n = line_make(line, LOG_LEVEL_WARNING, format, args);
    va_end(args);
    return n;
}

/* Whether the log knows of all lines that it lacks. */
static bool lost_tell(void)
{
    uint64_t n = atomic_exchange(&n_lost, 0);
    char line[LINE_SIZE];
    if (n == 0)
        return true;
    if (line_send(line, lost_make(line, "%" PRIu64 " lines of the log are lost: nobody has read it", n)))
        return true;
    atomic_fetch_add(&n_lost, n);
    return false;
}

static void line_write(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void line_write(enum log_level level, const char *format, va_list args)
{
    char line[LINE_SIZE];
    if (level > settings.level)
        return;
    size_t n = line_make(line, level, format, args);
    if (!lost_tell() || !line_send(line, n))
        atomic_fetch_add(&n_lost, 1);
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list args;                                                                                        \
        va_start(args, format);                                                                              \
        line_write(level, format, args);                                                                     \
        va_end(args);                                                                                        \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
