/* Log lines on stderr. The level and the form are set once before other threads
 * start, and only read afterwards. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1000

static struct {
    enum log_level level;
    bool journal;
} settings = {.level = LOG_LEVEL_INFO};

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

void log_open(enum log_level level)
{
    settings.level = level;
    settings.journal = stderr_is_journal();
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

static void line_write(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void line_write(enum log_level level, const char *format, va_list args)
{
    if (level > settings.level)
        return;
    char line[LINE_MAX_BYTES + 64];
    size_t start = prefix_write(line, sizeof line, level);
    int n = vsnprintf(line + start, LINE_MAX_BYTES, format, args);
    size_t end = start + (n < 0 ? 0 : n < LINE_MAX_BYTES ? (size_t)n : LINE_MAX_BYTES - 1);
    for (size_t i = start; i < end; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127)
            line[i] = '?';
    line[end++] = '\n';
    /* There is nowhere to report a log line that cannot be written. */
    if (write(STDERR_FILENO, line, end) < 0)
        return;
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
