/* Log lines on stderr, one an event. Any thread may log; a line is one
 * write(2), so lines never mix. Nobody waits for whoever reads the log: where a
 * pipe, socket or terminal takes no more, lines are lost, and the next one that
 * goes through comes behind a line with their number. */
#ifndef MLPD_BASE_LOG_H
#define MLPD_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Name as in the configuration ("info"), and back: -1 for what does not
 * exist. */
const char *log_level_name(enum log_level level);
int log_level_find(const char *name);

/* Before any other thread starts. Lines above `level` are left out; until then
 * it is INFO. Where stderr is the journal (JOURNAL_STREAM names it) lines begin
 * with "<N>", else with a time stamp. */
void log_open(enum log_level level);

/* printf-like, without a line end. Control characters are shown as "?": a name
 * from outside cannot forge a line. Cut at 1,000 bytes. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
