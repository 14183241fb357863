/* The phases of a live job and the events that move it from one to the next:
 * one table. Pure functions.
 *
 * A phase says what may happen next and which thread has the job. The word that
 * the API shows (enum job_state) follows from the event; a job whose end is on
 * its way keeps the word that it had. */
#ifndef MLPD_JOBS_PHASE_H
#define MLPD_JOBS_PHASE_H

#include "store/store.h"

enum job_phase {
    PHASE_NONE, /* no phase: what an event that is not allowed leads to */
    /* Open: it may be paused, resumed, and is checkpointed. */
    PHASE_QUEUED,
    PHASE_RUNNING,
    PHASE_PAUSED,        /* resumed, it runs */
    PHASE_PAUSED_QUEUED, /* paused before it ran: resumed, it is queued */
    /* The scheduler is to let go of its training. */
    PHASE_CANCELLING, /* and to make a model of it */
    PHASE_DELETING,
    /* The training is over; the writer stores its end. */
    PHASE_ENDING,
    PHASE_ENDING_CANCELLED, /* the same, cancelled by now: a model that the disk has no room for is dropped */
    PHASE_ENDING_DELETED,   /* the same, with a delete that waits for it */
    /* The scheduler has let go of it for a delete. */
    PHASE_PARKED,
    PHASE_FORGETTING, /* a deleter takes it out of the store */
    N_JOB_PHASES
};

enum job_event {
    EVENT_START, /* the scheduler begins to train it */
    EVENT_PAUSE,
    EVENT_RESUME,
    EVENT_CANCEL,
    EVENT_CANCEL_TAKES_LONG, /* the reply to a cancel does not wait for the end */
    EVENT_DELETE,
    EVENT_END,  /* the training is over: as wanted, or by itself */
    EVENT_PARK, /* the scheduler lets go */
    EVENT_FORGET,
    EVENT_FORGET_FAILED,
    N_JOB_EVENTS
};

/* The phase after the event; PHASE_NONE: the event is not allowed there. */
enum job_phase job_phase_next(enum job_phase from, enum job_event event);
/* The word that is shown after the event; `now`: the one before it. */
enum job_state job_word_next(enum job_phase to, enum job_event event, enum job_state now);
/* The phase of a job that an earlier daemon left with this word: a running one
 * is queued again. */
enum job_phase job_phase_revived(enum job_state word);

/* It may still be paused and resumed: nothing has ended it yet. */
static inline bool job_phase_is_open(enum job_phase phase)
{
    return phase >= PHASE_QUEUED && phase <= PHASE_PAUSED_QUEUED;
}

/* It waits for its turn: queued or paused. */
static inline bool job_phase_is_waiting(enum job_phase phase)
{
    return job_phase_is_open(phase) && phase != PHASE_RUNNING;
}

/* The writer has it: its end is being stored. */
static inline bool job_phase_is_ending(enum job_phase phase)
{
    return phase >= PHASE_ENDING && phase <= PHASE_ENDING_DELETED;
}

/* It goes without leaving anything: nothing of it is stored any more. */
static inline bool job_phase_is_going(enum job_phase phase)
{
    return phase == PHASE_DELETING || phase >= PHASE_PARKED;
}

#endif
