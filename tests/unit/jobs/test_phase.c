/* The phases of a job: every pair of phase and event. */
#include "helper_main.h"
#include "jobs/private.h"

#include <check.h>
#include <signal.h>

/* What is allowed, and nothing else. */
static const struct {
    enum job_phase from;
    enum job_event event;
    enum job_phase to;
} allowed[] = {
    {PHASE_QUEUED, EVENT_START, PHASE_RUNNING},
    {PHASE_QUEUED, EVENT_PAUSE, PHASE_PAUSED_QUEUED},
    {PHASE_QUEUED, EVENT_RESUME, PHASE_QUEUED},
    {PHASE_QUEUED, EVENT_CANCEL, PHASE_CANCELLING},
    {PHASE_QUEUED, EVENT_DELETE, PHASE_DELETING},
    {PHASE_QUEUED, EVENT_END, PHASE_ENDING},
    {PHASE_RUNNING, EVENT_PAUSE, PHASE_PAUSED},
    {PHASE_RUNNING, EVENT_RESUME, PHASE_RUNNING},
    {PHASE_RUNNING, EVENT_CANCEL, PHASE_CANCELLING},
    {PHASE_RUNNING, EVENT_DELETE, PHASE_DELETING},
    {PHASE_RUNNING, EVENT_END, PHASE_ENDING},
    {PHASE_PAUSED, EVENT_PAUSE, PHASE_PAUSED},
    {PHASE_PAUSED, EVENT_RESUME, PHASE_RUNNING},
    {PHASE_PAUSED, EVENT_CANCEL, PHASE_CANCELLING},
    {PHASE_PAUSED, EVENT_DELETE, PHASE_DELETING},
    {PHASE_PAUSED, EVENT_END, PHASE_ENDING},
    {PHASE_PAUSED_QUEUED, EVENT_PAUSE, PHASE_PAUSED_QUEUED},
    {PHASE_PAUSED_QUEUED, EVENT_RESUME, PHASE_QUEUED},
    {PHASE_PAUSED_QUEUED, EVENT_CANCEL, PHASE_CANCELLING},
    {PHASE_PAUSED_QUEUED, EVENT_DELETE, PHASE_DELETING},
    {PHASE_PAUSED_QUEUED, EVENT_END, PHASE_ENDING},
    {PHASE_CANCELLING, EVENT_CANCEL, PHASE_CANCELLING},
    {PHASE_CANCELLING, EVENT_CANCEL_TAKES_LONG, PHASE_CANCELLING},
    {PHASE_CANCELLING, EVENT_DELETE, PHASE_DELETING},
    {PHASE_CANCELLING, EVENT_END, PHASE_ENDING_CANCELLED},
    {PHASE_DELETING, EVENT_CANCEL_TAKES_LONG, PHASE_DELETING},
    {PHASE_DELETING, EVENT_DELETE, PHASE_DELETING},
    {PHASE_DELETING, EVENT_END, PHASE_ENDING_DELETED},
    {PHASE_DELETING, EVENT_PARK, PHASE_PARKED},
    {PHASE_ENDING, EVENT_CANCEL, PHASE_ENDING_CANCELLED},
    {PHASE_ENDING, EVENT_DELETE, PHASE_ENDING_DELETED},
    {PHASE_ENDING_CANCELLED, EVENT_CANCEL, PHASE_ENDING_CANCELLED},
    {PHASE_ENDING_CANCELLED, EVENT_CANCEL_TAKES_LONG, PHASE_ENDING_CANCELLED},
    {PHASE_ENDING_CANCELLED, EVENT_DELETE, PHASE_ENDING_DELETED},
    {PHASE_ENDING_DELETED, EVENT_CANCEL_TAKES_LONG, PHASE_ENDING_DELETED},
    {PHASE_ENDING_DELETED, EVENT_DELETE, PHASE_ENDING_DELETED},
    {PHASE_PARKED, EVENT_CANCEL_TAKES_LONG, PHASE_PARKED},
    {PHASE_PARKED, EVENT_DELETE, PHASE_PARKED},
    {PHASE_PARKED, EVENT_FORGET, PHASE_FORGETTING},
    {PHASE_FORGETTING, EVENT_CANCEL_TAKES_LONG, PHASE_FORGETTING},
    {PHASE_FORGETTING, EVENT_DELETE, PHASE_FORGETTING},
    {PHASE_FORGETTING, EVENT_FORGET_FAILED, PHASE_PARKED},
};
#define N_PAIRS ((N_JOB_PHASES - 1) * N_JOB_EVENTS)

static enum job_phase expected(enum job_phase from, enum job_event event)
{
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (allowed[i].from == from && allowed[i].event == event)
            return allowed[i].to;
    return PHASE_NONE;
}

START_TEST(each_pair_leads_where_the_list_says)
{
    for (int pair = 0; pair < N_PAIRS; pair++) {
        enum job_phase from = (enum job_phase)(pair / N_JOB_EVENTS + 1);
        enum job_event event = (enum job_event)(pair % N_JOB_EVENTS);
        ck_assert_msg(job_phase_next(from, event) == expected(from, event), "phase %d, event %d", (int)from,
                      (int)event);
    }
}
END_TEST

/* Run once for each pair that is not allowed. */
static int illegal[N_PAIRS], n_illegal;

START_TEST(a_pair_that_is_not_allowed_is_asserted)
{
    struct job job = {.phase = (enum job_phase)(illegal[_i] / N_JOB_EVENTS + 1)};
    job_event(NULL, &job, (enum job_event)(illegal[_i] % N_JOB_EVENTS));
}
END_TEST

/* Marks what can be reached from `phase`. */
static void reach(enum job_phase phase, bool reached[N_JOB_PHASES])
{
    if (phase == PHASE_NONE || reached[phase])
        return;
    reached[phase] = true;
    for (int event = 0; event < N_JOB_EVENTS; event++)
        reach(job_phase_next(phase, (enum job_event)event), reached);
}

START_TEST(every_phase_is_reached_and_every_job_can_leave)
{
    bool from_queue[N_JOB_PHASES] = {0};
    reach(PHASE_QUEUED, from_queue);
    for (int phase = PHASE_QUEUED; phase < N_JOB_PHASES; phase++) {
        bool reached[N_JOB_PHASES] = {0};
        bool leaves = false; /* the writer stores its end, or a deleter forgets it */
        reach((enum job_phase)phase, reached);
        for (int to = PHASE_QUEUED; to < N_JOB_PHASES; to++)
            leaves = leaves ||
                     (reached[to] && (job_phase_is_ending((enum job_phase)to) || to == PHASE_FORGETTING));
        ck_assert_msg(from_queue[phase] && leaves, "phase %d", phase);
    }
}
END_TEST

/* Each phase is of one kind: open, on its way out, ending. */
START_TEST(a_phase_is_of_one_kind)
{
    for (int i = PHASE_QUEUED; i < N_JOB_PHASES; i++) {
        enum job_phase phase = (enum job_phase)i;
        bool open = job_phase_is_open(phase), ending = job_phase_is_ending(phase),
             going = job_phase_is_going(phase);
        int n_kinds = (open ? 1 : 0) + (ending ? 1 : 0) + (going ? 1 : 0);
        ck_assert_msg(n_kinds == (phase == PHASE_CANCELLING ? 0 : 1), "phase %d", i);
        ck_assert(job_phase_is_waiting(phase) == (open && phase != PHASE_RUNNING));
        ck_assert(open == (job_phase_next(phase, EVENT_PAUSE) != PHASE_NONE));
    }
}
END_TEST

/* The words of the API: what a job that goes a way shows after each event. */
START_TEST(words_follow_the_events)
{
    static const struct {
        enum job_event event;
        const char *word;
    } ways[][8] = {
        {{EVENT_START, "running"},
         {EVENT_PAUSE, "paused"},
         {EVENT_RESUME, "running"},
         {EVENT_END, "running"}},
        {{EVENT_PAUSE, "paused"},
         {EVENT_RESUME, "queued"},
         {EVENT_START, "running"},
         {EVENT_CANCEL, "running"},
         {EVENT_CANCEL_TAKES_LONG, "cancelling"},
         {EVENT_END, "cancelling"},
         {EVENT_DELETE, "cancelling"}},
        {{EVENT_DELETE, "queued"},
         {EVENT_PARK, "queued"},
         {EVENT_FORGET, "queued"},
         {EVENT_FORGET_FAILED, "paused"}},
    };
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        enum job_phase phase = PHASE_QUEUED;
        enum job_state word = JOB_QUEUED;
        for (size_t i = 0; i < 8 && ways[way][i].word; i++) {
            phase = job_phase_next(phase, ways[way][i].event);
            ck_assert_int_ne(phase, PHASE_NONE);
            word = job_word_next(phase, ways[way][i].event, word);
            ck_assert_str_eq(job_state_name(word), ways[way][i].word);
        }
    }
}
END_TEST

START_TEST(a_revived_job_is_where_its_word_says)
{
    ck_assert_int_eq(job_phase_revived(JOB_QUEUED), PHASE_QUEUED);
    ck_assert_int_eq(job_phase_revived(JOB_RUNNING), PHASE_QUEUED);
    ck_assert_int_eq(job_phase_revived(JOB_PAUSED), PHASE_PAUSED_QUEUED);
    ck_assert_int_eq(job_phase_revived(JOB_CANCELLING), PHASE_CANCELLING);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("phase");
    TCase *tests = tcase_create("phase");
    for (int pair = 0; pair < N_PAIRS; pair++)
        if (expected((enum job_phase)(pair / N_JOB_EVENTS + 1), (enum job_event)(pair % N_JOB_EVENTS)) ==
            PHASE_NONE)
            illegal[n_illegal++] = pair;
    tcase_add_test(tests, each_pair_leads_where_the_list_says);
    tcase_add_loop_test_raise_signal(tests, a_pair_that_is_not_allowed_is_asserted, SIGABRT, 0, n_illegal);
    tcase_add_test(tests, every_phase_is_reached_and_every_job_can_leave);
    tcase_add_test(tests, a_phase_is_of_one_kind);
    tcase_add_test(tests, words_follow_the_events);
    tcase_add_test(tests, a_revived_job_is_where_its_word_says);
    suite_add_tcase(suite, tests);
    return suite;
}
