/* The one error value. It travels as the last parameter of a call that can
 * fail.
 *
 * A call that fails returns false (or NULL) and has written *err; a call that
 * succeeds leaves *err alone. The innermost message wins: it says what, where
 * and what was expected, in words for the person who sent the data. */
#ifndef MLP_ERR_H
#define MLP_ERR_H

#include <stdbool.h>
#include <stdint.h>

enum err_code {
    ERR_OK = 0,
    ERR_INPUT,   /* the caller's data is wrong: the message says where and how to mend it */
    ERR_LIMIT,   /* the data is larger than a stated limit */
    ERR_MEMORY,  /* an allocation failed */
    ERR_SPACE,   /* the disk is full or read-only (ENOSPC, EDQUOT, EROFS) */
    ERR_IO,      /* any other failed read, write, sync or rename */
    ERR_THREAD,  /* a thread could not be started */
    ERR_CORRUPT, /* a file of ours is damaged */
    ERR_NUMERIC, /* a loss or a weight is no longer finite */
    ERR_STOPPED, /* the caller asked for the work to stop */
    /* for users of the library; nothing in it sets these */
    ERR_NOT_FOUND, /* what was named does not exist */
    ERR_CONFLICT,  /* what exists stands in the way: a name is taken, a job has ended */
    ERR_BUSY, /* another process or thread is in the way, or no file descriptor is left: later it may work */
    ERR_UNSUPPORTED, /* in a form that this build does not read */
    ERR_FULL,        /* a queue is full: later there will be room */
    ERR_TIME,        /* a time limit has passed */
};

struct err {
    enum err_code code;
    uint64_t row;    /* 1-based row of the data (header not counted); 0: no row to name */
    char column[72]; /* name of the column (cut to fit), "" where there is none */
    char field[72];  /* name of the request's field, "" where there is none */
    char msg[400];   /* one sentence */
    const char *id;  /* what a program tells it by, a string that lasts; NULL: code, row and field say it */
};

/* Write *err and return false, so that a caller may `return err_set(...)`. */
bool err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* err_set for a failed system call: code ERR_SPACE, ERR_MEMORY, ERR_BUSY or
 * ERR_IO by errno, the message ends with strerror(errno). */
bool err_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERR_MEMORY, saying what was to be allocated. */
bool err_memory(struct err *err, const char *what);

/* Name the place, or the case: return false after setting row and column, field
 * or id of an error that err_set has just written. */
bool err_at(struct err *err, uint64_t row, const char *column);
bool err_field(struct err *err, const char *field);
bool err_id(struct err *err, const char *id);

#endif
