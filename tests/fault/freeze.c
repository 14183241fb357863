/* A preloaded library that stops single threads of the daemon, as a lock that
 * is never released or a disk that never answers would, and counts what the
 * watchdog is told. The test writes a thread's number into the file
 * MLPD_FREEZE_FILE, and 0 to let all go on. Any thread but the library's own
 * can be stopped. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FREEZE (SIGRTMIN + 3)
#define THREADS_MAX 64
#define LOOK_NS 5000000 /* the file cannot wake anybody */

/* As the test knows it: little-endian 32-bit words. */
struct control {
    _Atomic uint32_t thread; /* to be stopped; 0: all go on */
    _Atomic uint32_t alive;  /* how often the watchdog was told that all is well */
    _Atomic uint32_t done;   /* the library's: what was asked for last */
};

static struct control *control;
static _Atomic uint32_t frozen[THREADS_MAX];
static atomic_bool held;

/* Until the thread is let go: the next signal ends pause(). */
static void freeze_here(int number)
{
    (void)number;
    while (atomic_load(&held))
        pause();
}

static void signal_send(uint32_t thread)
{
    syscall(SYS_tgkill, getpid(), (int)thread, FREEZE);
}

static void freeze(uint32_t thread)
{
    static uint32_t n;
    if (thread) {
        atomic_store(&held, true);
        if (n < THREADS_MAX)
            frozen[n++] = thread;
        signal_send(thread);
        return;
    }
    atomic_store(&held, false);
    while (n)
        signal_send(frozen[--n]);
}

/* In libsystemd's place. */
int sd_notify(int unset, const char *state);
int sd_notify(int unset, const char *state)
{
    (void)unset;
    if (control && strstr(state, "WATCHDOG=1"))
        atomic_fetch_add(&control->alive, 1);
    return 1;
}

static void *control_run(void *self)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    (void)self;
    for (;;) {
        uint32_t thread = atomic_load(&control->thread);
        if (thread != atomic_load(&control->done)) {
            freeze(thread);
            atomic_store(&control->done, thread);
        }
        nanosleep(&pause, NULL);
    }
    return NULL;
}

__attribute__((constructor)) static void control_open(void)
{
    const char *path = getenv("MLPD_FREEZE_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return;
    control = map;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = freeze_here;
    action.sa_flags = SA_RESTART | SA_NODEFER;
    sigaction(FREEZE, &action, NULL);
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all); /* the daemon's signals are the daemon's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (pthread_create(&thread, NULL, control_run, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
