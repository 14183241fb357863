/* Live streams of what jobs do, as server-sent events.
 *
 * A subscriber is a position in the job's history, not a queue: what it has not
 * read yet comes from a short ring of recent
 * epochs, and from the store where it has fallen behind. So a slow one costs
 * nothing, and stream and history agree to the letter.
 *
 * Frames:  event: state, data {"state":"running","epoch":3,"epochs":10}; sent
 * on connect, and when the state changes
 *          event: epoch, id: 4, data as epoch_json
 *          event: warning, data
 *          {"code":"constant_column","message":"...","column":"id"}; each once
 *          after every connect
 *          event: done, id: done, data
 *          {"state":"succeeded","epoch":10,"epochs":10,"model":"digits","version":1,"error":null};
 *                 "error" is else its message. Then the stream ends.
 *
 * Threads: any. One subscriber is used by one thread at a time, but `wake`
 * comes from the threads that publish. Own lock, the last
 * in the order; never held across SQL. */
#ifndef MLPD_JOBS_EVENTS_H
#define MLPD_JOBS_EVENTS_H

#include "store/store.h"

struct events;
struct subscriber;

#define EPOCH_JSON_SIZE 1280
#define EVENT_SIZE 4096 /* no frame is longer */

/* {"epoch":1,"loss":0.5,"accuracy":0.9,"macro_f1":0.9,"val_loss":null,
 * "val_accuracy":null,"learning_rate":0.001,"seconds":0.25}: the one spelling
 * of an epoch, for stream and history. Losses and accuracies are always there,
 * null where they are not finite; other metrics only where they are. Returns
 * the length. */
size_t epoch_json(char text[EPOCH_JSON_SIZE], const struct epoch_metrics *metrics);
/* {"code":"imbalance","message":"...","column":"y"}: the one spelling of a
 * warning; no column where it is about none. Returns the length. */
#define WARNING_JSON_SIZE 3600
size_t warning_json(char text[WARNING_JSON_SIZE], const struct warning *warning);

struct events *events_open(struct store *store, struct err *err);
void events_close(struct events *events); /* after the last subscriber; takes NULL */

/* Whether a client with this Last-Event-ID (NULL: none) has seen `done`: it
 * gets 204 and no stream. */
bool events_over(const char *last_event_id);

/* Follow a job from after the epoch named by last_event_id (NULL or no number:
 * from the first). ERR_NOT_FOUND. NULL on failure. wake(self) is called after
 * events_wait, once, when there is something to read; it is called under the
 * room's lock, so it must not call back into it and must not block. */
struct subscriber *events_subscribe(struct events *events, int64_t job, const char *last_event_id,
                                    void (*wake)(void *self), void *self, struct err *err);
/* No wake is under way or comes after it has returned. Takes NULL. */
void events_unsubscribe(struct subscriber *subscriber);

enum events_next { EVENTS_TEXT, EVENTS_NOTHING, EVENTS_END, EVENTS_ERROR };
/* Write as many whole frames as fit into text (size at least EVENT_SIZE),
 * *length bytes; never waits for a job. May read the store. EVENTS_NOTHING:
 * none yet; suspend the connection, then call events_wait. EVENTS_END: `done`
 * was sent, or the job was deleted. */
enum events_next events_next(struct subscriber *subscriber, char *text, size_t size, size_t *length,
                             struct err *err);
/* Ask for one wake: it comes at once where something is there already. */
void events_wait(struct subscriber *subscriber);
/* How many there are: for /metrics. */
uint32_t events_n_subscribers(struct events *events);

/* For jobs. A job that is not yet final has a channel from open to done; `row`
 * is as in the store, or about to be. */
bool events_job_open(struct events *events, const struct job_row *row, struct err *err);
void events_job_state(struct events *events, const struct job_row *row);
/* Epochs that are stored now; metrics (n) in order. */
void events_job_epochs(struct events *events, int64_t job, const struct epoch_metrics *metrics, size_t n);
/* What is to be said about it from now on; without memory it is left out of the
 * stream. */
void events_job_warnings(struct events *events, int64_t job, const struct warnings *warnings);
/* The job's last row is stored; row NULL: it was deleted. Closes the
 * channel. */
void events_job_done(struct events *events, int64_t job, const struct job_row *row);

#endif
