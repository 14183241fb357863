/* The table of a job's phases. See the header. */
#include "jobs/phase.h"

/* What is not here is not allowed. Pauses, resumes, cancels and deletes that
 * come twice are. */
static const enum job_phase table[N_JOB_PHASES][N_JOB_EVENTS] = {
    [PHASE_QUEUED] = {[EVENT_START] = PHASE_RUNNING,
                      [EVENT_PAUSE] = PHASE_PAUSED_QUEUED,
                      [EVENT_RESUME] = PHASE_QUEUED,
                      [EVENT_CANCEL] = PHASE_CANCELLING,
                      [EVENT_DELETE] = PHASE_DELETING,
                      [EVENT_END] = PHASE_ENDING}, /* it cannot be trained */
    [PHASE_RUNNING] = {[EVENT_PAUSE] = PHASE_PAUSED,
                       [EVENT_RESUME] = PHASE_RUNNING,
                       [EVENT_CANCEL] = PHASE_CANCELLING,
                       [EVENT_DELETE] = PHASE_DELETING,
                       [EVENT_END] = PHASE_ENDING},
    [PHASE_PAUSED] = {[EVENT_PAUSE] = PHASE_PAUSED,
                      [EVENT_RESUME] = PHASE_RUNNING,
                      [EVENT_CANCEL] = PHASE_CANCELLING,
                      [EVENT_DELETE] = PHASE_DELETING,
                      [EVENT_END] = PHASE_ENDING}, /* its last slice was under way */
    [PHASE_PAUSED_QUEUED] = {[EVENT_PAUSE] = PHASE_PAUSED_QUEUED,
                             [EVENT_RESUME] = PHASE_QUEUED,
                             [EVENT_CANCEL] = PHASE_CANCELLING,
                             [EVENT_DELETE] = PHASE_DELETING,
                             [EVENT_END] = PHASE_ENDING}, /* it cannot be trained */
    [PHASE_CANCELLING] = {[EVENT_CANCEL] = PHASE_CANCELLING,
                          [EVENT_CANCEL_TAKES_LONG] = PHASE_CANCELLING,
                          [EVENT_DELETE] = PHASE_DELETING,
                          [EVENT_END] = PHASE_ENDING_CANCELLED},
    [PHASE_DELETING] = {[EVENT_CANCEL_TAKES_LONG] = PHASE_DELETING,
                        [EVENT_DELETE] = PHASE_DELETING,
                        [EVENT_END] = PHASE_ENDING_DELETED,
                        [EVENT_PARK] = PHASE_PARKED},
    [PHASE_ENDING] = {[EVENT_CANCEL] = PHASE_ENDING_CANCELLED, [EVENT_DELETE] = PHASE_ENDING_DELETED},
    [PHASE_ENDING_CANCELLED] = {[EVENT_CANCEL] = PHASE_ENDING_CANCELLED,
                                [EVENT_CANCEL_TAKES_LONG] = PHASE_ENDING_CANCELLED,
                                [EVENT_DELETE] = PHASE_ENDING_DELETED},
    [PHASE_ENDING_DELETED] =
        {[EVENT_CANCEL_TAKES_LONG] = PHASE_ENDING_DELETED, [EVENT_DELETE] = PHASE_ENDING_DELETED},
    [PHASE_PARKED] = {[EVENT_CANCEL_TAKES_LONG] = PHASE_PARKED,
                      [EVENT_DELETE] = PHASE_PARKED,
                      [EVENT_FORGET] = PHASE_FORGETTING},
    [PHASE_FORGETTING] = {[EVENT_CANCEL_TAKES_LONG] = PHASE_FORGETTING,
                          [EVENT_DELETE] = PHASE_FORGETTING,
                          [EVENT_FORGET_FAILED] = PHASE_PARKED},
};

enum job_phase job_phase_next(enum job_phase from, enum job_event event)
{
    return table[from][event];
}

enum job_state job_word_next(enum job_phase to, enum job_event event, enum job_state now)
{
    switch (event) {
    case EVENT_START:
        return JOB_RUNNING;
    case EVENT_PAUSE:
        return JOB_PAUSED;
    case EVENT_RESUME:
        return to == PHASE_RUNNING ? JOB_RUNNING : JOB_QUEUED;
    case EVENT_CANCEL_TAKES_LONG:
        return JOB_CANCELLING;
    case EVENT_FORGET_FAILED:
        return JOB_PAUSED;
    case EVENT_CANCEL:
    case EVENT_DELETE:
    case EVENT_END:
    case EVENT_PARK:
    case EVENT_FORGET:
    case N_JOB_EVENTS:
        break;
    }
    return now;
}

enum job_phase job_phase_revived(enum job_state word)
{
    switch (word) {
    case JOB_PAUSED:
        return PHASE_PAUSED_QUEUED;
    case JOB_CANCELLING:
        return PHASE_CANCELLING;
    case JOB_QUEUED:
    case JOB_RUNNING:
    case JOB_SUCCEEDED:
    case JOB_FAILED:
    case JOB_CANCELLED:
        break;
    }
    return PHASE_QUEUED;
}
