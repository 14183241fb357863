/* Live streams of jobs. One lock guards channels and subscribers; the store is
 * read without it. */
#include "jobs/events.h"
#include "base/float_text.h"
#include "base/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING 64        /* recent epochs kept in memory */
#define STORE_READ 64u /* epochs fetched at once by a subscriber that has fallen behind */

struct channel {
    int64_t job;
    struct job_row row;
    uint64_t n_states; /* how often the state was set: subscribers compare */
    uint32_t newest;   /* epochs published */
    bool done, deleted;
    struct warnings *warnings;       /* owned; NULL: none */
    struct epoch_metrics ring[RING]; /* epoch e at (e - 1) % RING, where its number says so */
    struct subscriber *subscribers;
    struct channel *next;
};

struct subscriber {
    struct events *events;
    struct channel *channel;
    void (*wake)(void *self);
    void *self;
    /* under events->lock */
    struct subscriber *next; /* of the channel */
    uint32_t cursor;         /* last epoch sent */
    uint64_t n_states;
    uint32_t n_warned; /* warnings sent */
    bool done_sent, waiting;
};

struct events {
    struct store *store;
    pthread_mutex_t lock;
    /* under lock */
    struct channel *channels; /* of jobs that are not final */
    uint32_t n_subscribers;
};

#define MEMBER_SIZE 56 /* ,"val_top_5_accuracy":-1.2345678901234567e-308 */
_Static_assert(EPOCH_JSON_SIZE > (2 * N_METRICS + 3) * MEMBER_SIZE,
               "an epoch's text has room for all metrics");

static size_t member_json(char *text, const char *before, const char *name, double number)
{
    size_t length = (size_t)sprintf(text, ",\"%s%s\":", before, name);
    return length + double_text(number, text + length);
}

size_t epoch_json(char text[EPOCH_JSON_SIZE], const struct epoch_metrics *metrics)
{
    size_t length = (size_t)snprintf(text, EPOCH_JSON_SIZE, "{\"epoch\":%" PRIu32, metrics->epoch);
    for (int i = 0; i < N_METRICS; i++)
        if (isfinite(metrics->train[i]) || i <= METRIC_ACCURACY)
            length += member_json(text + length, "", metric_name((enum metric)i), metrics->train[i]);
    for (int i = 0; i < N_METRICS; i++)
        if (isfinite(metrics->validation[i]) || i <= METRIC_ACCURACY)
            length += member_json(text + length, "val_", metric_name((enum metric)i), metrics->validation[i]);
    if (isfinite(metrics->learning_rate)) {
        length += (size_t)sprintf(text + length, ",\"learning_rate\":");
        length += float_text((float)metrics->learning_rate,
                             text + length); /* given as a float: 0.001, not what it is nearest to */
    }
    length += member_json(text + length, "", "seconds", metrics->seconds);
    text[length++] = '}';
    text[length] = '\0';
    return length;
}

struct events *events_open(struct store *store, struct err *err)
{
    struct events *events = calloc(1, sizeof *events);
    if (!events) {
        err_memory(err, "the events");
        return NULL;
    }
    events->store = store;
    pthread_mutex_init(&events->lock, NULL);
    return events;
}

bool events_over(const char *last_event_id)
{
    return last_event_id && !strcmp(last_event_id, "done");
}

/* Lock held. */
static struct channel *channel_find(struct events *events, int64_t job)
{
    struct channel *channel = events->channels;
    while (channel && channel->job != job)
        channel = channel->next;
    return channel;
}

static struct channel *channel_new(const struct job_row *row, struct err *err)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel) {
        err_memory(err, "a job's events");
        return NULL;
    }
    channel->job = row->id;
    channel->row = *row;
    channel->n_states = 1;
    channel->newest = row->epoch;
    channel->done = job_state_final(row->state);
    return channel;
}

static void channel_free(struct channel *channel)
{
    free(channel->warnings);
    free(channel);
}

static void channel_warn(struct channel *channel, const struct warnings *warnings)
{
    if (warnings->n > 0 && !channel->warnings)
        channel->warnings = calloc(1, sizeof *channel->warnings);
    for (uint32_t i = 0; channel->warnings && i < warnings->n; i++)
        if (channel->warnings->n < WARNINGS_MAX)
            channel->warnings->list[channel->warnings->n++] = warnings->list[i];
}

static uint32_t channel_warnings(const struct channel *channel)
{
    return channel->warnings ? channel->warnings->n : 0;
}

void events_close(struct events *events)
{
    if (!events)
        return;
    while (events->channels) {
        struct channel *next = events->channels->next;
        channel_free(events->channels);
        events->channels = next;
    }
    pthread_mutex_destroy(&events->lock);
    free(events);
}

/* The epoch that the client has seen last; 0 where it names none. */
static uint32_t cursor_parse(const char *last_event_id)
{
    uint64_t number = 0;
    if (!last_event_id)
        return 0;
    for (; *last_event_id >= '0' && *last_event_id <= '9' && number <= UINT32_MAX; last_event_id++)
        number = number * 10 + (uint64_t)(*last_event_id - '0');
    return *last_event_id == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* Lock held. */
static void subscriber_attach(struct subscriber *subscriber, struct channel *channel)
{
    subscriber->channel = channel;
    subscriber->next = channel->subscribers;
    channel->subscribers = subscriber;
    subscriber->events->n_subscribers++;
}

static bool attach_live(struct subscriber *subscriber, int64_t job)
{
    struct events *events = subscriber->events;
    pthread_mutex_lock(&events->lock);
    struct channel *channel = channel_find(events, job);
    if (channel)
        subscriber_attach(subscriber, channel);
    pthread_mutex_unlock(&events->lock);
    return channel != NULL;
}

/* A job without a channel has ended: the subscriber gets one of its own, made
 * from the store. */
static bool attach_ended(struct subscriber *subscriber, int64_t job, struct err *err)
{
    struct events *events = subscriber->events;
    struct job_row row = {0};
    if (!store_job_get(events->store, job, &row, err))
        return false;
    if (!job_state_final(row.state)) /* just being submitted */
        return attach_live(subscriber, job) ||
               err_set(err, ERR_BUSY, "the job %" PRId64 " is still being set up: try again", job);
    struct warnings warnings;
    if (!store_warnings(events->store, job, &warnings, err))
        return false;
    struct channel *channel = channel_new(&row, err);
    if (!channel)
        return false;
    channel_warn(channel, &warnings);
    pthread_mutex_lock(&events->lock);
    subscriber_attach(subscriber, channel);
    pthread_mutex_unlock(&events->lock);
    return true;
}

struct subscriber *events_subscribe(struct events *events, int64_t job, const char *last_event_id,
                                    void (*wake)(void *self), void *self, struct err *err)
{
    struct subscriber *subscriber = calloc(1, sizeof *subscriber);
    if (!subscriber) {
        err_memory(err, "a subscriber");
        return NULL;
    }
    subscriber->events = events;
    subscriber->wake = wake;
    subscriber->self = self;
    subscriber->cursor = cursor_parse(last_event_id);
    if (attach_live(subscriber, job) || attach_ended(subscriber, job, err))
        return subscriber;
    free(subscriber);
    return NULL;
}

/* Lock held: whether the channel is off the list and nobody follows it any
 * more. */
static bool channel_over(const struct channel *channel)
{
    return (channel->done || channel->deleted) && !channel->subscribers;
}

void events_unsubscribe(struct subscriber *subscriber)
{
    if (!subscriber)
        return;
    struct events *events = subscriber->events;
    struct channel *channel = subscriber->channel;
    pthread_mutex_lock(&events->lock);
    for (struct subscriber **at = &channel->subscribers; *at; at = &(*at)->next)
        if (*at == subscriber) {
            *at = subscriber->next;
            break;
        }
    events->n_subscribers--;
    bool over = channel_over(channel);
    pthread_mutex_unlock(&events->lock);
    if (over)
        channel_free(channel);
    free(subscriber);
}

/* The inside of a JSON string; at most 6 bytes a character. */
static size_t escape(char *to, const char *from)
{
    size_t length = 0;
    for (; *from; from++) {
        unsigned char c = (unsigned char)*from;
        if (c == '"' || c == '\\')
            to[length++] = '\\';
        if (c < 0x20)
            length += (size_t)sprintf(to + length, "\\u%04x", c);
        else
            to[length++] = (char)c;
    }
    to[length] = '\0';
    return length;
}

static size_t frame_state(char *text, const struct channel *channel)
{
    return (size_t)snprintf(text, EVENT_SIZE,
                            "event: state\ndata: {\"state\":\"%s\",\"epoch\":%" PRIu32 ",\"epochs\":%" PRIu32
                            "}\n\n",
                            job_state_name(channel->row.state), channel->newest, channel->row.epochs);
}

static size_t frame_epoch(char *text, const struct epoch_metrics *metrics)
{
    char json[EPOCH_JSON_SIZE];
    epoch_json(json, metrics);
    return (size_t)snprintf(text, EVENT_SIZE, "event: epoch\nid: %" PRIu32 "\ndata: %s\n\n", metrics->epoch,
                            json);
}

size_t warning_json(char text[WARNING_JSON_SIZE], const struct warning *warning)
{
    size_t length = (size_t)sprintf(text, "{\"code\":\"%s\",\"message\":\"", warning_name(warning->code));
    length += escape(text + length, warning->message);
    if (warning->column[0]) {
        length += (size_t)sprintf(text + length, "\",\"column\":\"");
        length += escape(text + length, warning->column);
    }
    return length + (size_t)sprintf(text + length, "\"}");
}

static size_t frame_warning(char *text, const struct warning *warning)
{
    char json[WARNING_JSON_SIZE];
    warning_json(json, warning);
    return (size_t)snprintf(text, EVENT_SIZE, "event: warning\ndata: %s\n\n", json);
}

static size_t frame_done(char *text, const struct channel *channel)
{
    const struct job_row *row = &channel->row;
    char message[6 * sizeof row->error.msg + 3];
    size_t length = 0;
    if (row->error.code == ERR_OK) {
        strcpy(message, "null");
    } else {
        message[length++] = '"';
        length += escape(message + length, row->error.msg);
        strcpy(message + length, "\"");
    }
    return (size_t)snprintf(
        text, EVENT_SIZE,
        "event: done\nid: done\ndata: {\"state\":\"%s\",\"epoch\":%" PRIu32 ",\"epochs\":%" PRIu32
        ",\"model\":\"%s\",\"version\":%" PRIu32 ",\"error\":%s}\n\n",
        job_state_name(row->state), channel->newest, row->epochs, row->model, row->version, message);
}

/* Lock held: write the next frame. `behind`: the next epoch is no longer in
 * memory. */
static enum events_next frame_next(struct subscriber *subscriber, char *text, size_t *length, bool *behind)
{
    struct channel *channel = subscriber->channel;
    *length = 0;
    if (channel->deleted || subscriber->done_sent)
        return EVENTS_END;
    if (subscriber->n_states != channel->n_states && (!channel->done || subscriber->n_states == 0)) {
        subscriber->n_states = channel->n_states;
        *length = frame_state(text, channel);
    } else if (subscriber->n_warned < channel_warnings(channel)) {
        *length = frame_warning(text, &channel->warnings->list[subscriber->n_warned++]);
    } else if (subscriber->cursor < channel->newest) {
        const struct epoch_metrics *metrics = &channel->ring[subscriber->cursor % RING];
        *behind = metrics->epoch != subscriber->cursor + 1;
        if (!*behind) {
            subscriber->cursor++;
            *length = frame_epoch(text, metrics);
        }
    } else if (channel->done) {
        subscriber->done_sent = true;
        *length = frame_done(text, channel);
    } else {
        return EVENTS_NOTHING;
    }
    return EVENTS_TEXT;
}

/* Frames of epochs that only the store has. The caller has no lock; the cursor
 * moves under it, as only this thread moves it. */
static bool frames_stored(struct subscriber *subscriber, char *text, size_t size, size_t *length,
                          struct err *err)
{
    struct events *events = subscriber->events;
    struct epoch_metrics *epochs = NULL;
    size_t n_epochs = 0, n = 0;
    pthread_mutex_lock(&events->lock);
    uint32_t cursor = subscriber->cursor, newest = subscriber->channel->newest;
    pthread_mutex_unlock(&events->lock);
    if (!store_epochs(events->store, subscriber->channel->job, cursor, STORE_READ, &epochs, &n_epochs, err))
        return false;
    if (n_epochs == 0)
        cursor = newest; /* a job whose history was deleted in this moment */
    for (; n < n_epochs && epochs[n].epoch <= newest && size - *length >= EVENT_SIZE; n++) {
        *length += frame_epoch(text + *length, &epochs[n]);
        cursor = epochs[n].epoch;
    }
    free(epochs);
    pthread_mutex_lock(&events->lock);
    subscriber->cursor = cursor;
    pthread_mutex_unlock(&events->lock);
    return true;
}

enum events_next events_next(struct subscriber *subscriber, char *text, size_t size, size_t *length,
                             struct err *err)
{
    struct events *events = subscriber->events;
    enum events_next next = EVENTS_TEXT;
    *length = 0;
    while (next == EVENTS_TEXT && size - *length >= EVENT_SIZE) {
        size_t n = 0;
        bool behind = false;
        pthread_mutex_lock(&events->lock);
        next = frame_next(subscriber, text + *length, &n, &behind);
        pthread_mutex_unlock(&events->lock);
        *length += n;
        if (behind && !frames_stored(subscriber, text, size, length, err))
            return EVENTS_ERROR;
    }
    return *length > 0 ? EVENTS_TEXT : next;
}

/* Lock held: whether events_next would not answer EVENTS_NOTHING. */
static bool something(const struct subscriber *subscriber)
{
    const struct channel *channel = subscriber->channel;
    return channel->deleted || channel->done || subscriber->n_states != channel->n_states ||
           subscriber->n_warned < channel_warnings(channel) || subscriber->cursor < channel->newest;
}

void events_wait(struct subscriber *subscriber)
{
    pthread_mutex_lock(&subscriber->events->lock);
    subscriber->waiting = !something(subscriber);
    if (!subscriber->waiting)
        subscriber->wake(subscriber->self);
    pthread_mutex_unlock(&subscriber->events->lock);
}

uint32_t events_n_subscribers(struct events *events)
{
    pthread_mutex_lock(&events->lock);
    uint32_t n = events->n_subscribers;
    pthread_mutex_unlock(&events->lock);
    return n;
}

/* Lock held: wake those who wait. */
static void channel_wake(struct channel *channel)
{
    for (struct subscriber *subscriber = channel->subscribers; subscriber; subscriber = subscriber->next)
        if (subscriber->waiting && something(subscriber)) {
            subscriber->waiting = false;
            subscriber->wake(subscriber->self);
        }
}

bool events_job_open(struct events *events, const struct job_row *row, struct err *err)
{
    struct channel *channel = channel_new(row, err);
    if (!channel)
        return false;
    pthread_mutex_lock(&events->lock);
    channel->next = events->channels;
    events->channels = channel;
    pthread_mutex_unlock(&events->lock);
    return true;
}

void events_job_state(struct events *events, const struct job_row *row)
{
    pthread_mutex_lock(&events->lock);
    struct channel *channel = channel_find(events, row->id);
    if (channel) {
        channel->row = *row;
        channel->n_states++;
        channel_wake(channel);
    }
    pthread_mutex_unlock(&events->lock);
}

void events_job_epochs(struct events *events, int64_t job, const struct epoch_metrics *metrics, size_t n)
{
    pthread_mutex_lock(&events->lock);
    struct channel *channel = channel_find(events, job);
    for (size_t i = 0; channel && i < n; i++) {
        channel->ring[(metrics[i].epoch - 1) % RING] = metrics[i];
        channel->newest = metrics[i].epoch;
    }
    if (channel)
        channel_wake(channel);
    pthread_mutex_unlock(&events->lock);
}

void events_job_warnings(struct events *events, int64_t job, const struct warnings *warnings)
{
    pthread_mutex_lock(&events->lock);
    struct channel *channel = channel_find(events, job);
    if (channel) {
        channel_warn(channel, warnings);
        channel_wake(channel);
    }
    pthread_mutex_unlock(&events->lock);
}

void events_job_done(struct events *events, int64_t job, const struct job_row *row)
{
    pthread_mutex_lock(&events->lock);
    struct channel **at = &events->channels;
    while (*at && (*at)->job != job)
        at = &(*at)->next;
    struct channel *channel = *at;
    if (channel) {
        *at = channel->next;
        if (row)
            channel->row = *row;
        channel->done = row != NULL;
        channel->deleted = row == NULL;
        channel_wake(channel);
    }
    bool over = channel && channel_over(channel);
    pthread_mutex_unlock(&events->lock);
    if (over)
        channel_free(channel);
}
