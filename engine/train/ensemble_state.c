/* An ensemble's state as bytes: struct head, the best weights where early
 * stopping keeps them, then each member's own state with its length before it.
 * An ensemble of one has its trainer's state and nothing else. In the machine's
 * own byte order: the members' states check who reads them. */
#include "table/file.h"
#include "train/ensemble_private.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MAGIC "mlpteam1"

/* No padding: every byte of it is written. */
struct head {
    char magic[8];
    uint64_t checksum; /* of this head after this field and of the best weights */
    uint64_t n_members;
    uint64_t best_floats; /* of each member; 0: no best weights are kept */
    uint64_t epoch, turn, best_epoch, finished;
    double best_score;
    struct epoch_metrics metrics[ENSEMBLE_MEMBERS_MAX];
};
#define SEALED_AT offsetof(struct head, n_members)

static bool is_ensemble(const void *bytes, size_t n)
{
    return n >= sizeof(struct head) && memcmp(bytes, MAGIC, sizeof MAGIC - 1) == 0;
}

static size_t best_bytes(const struct head *head)
{
    return (size_t)head->n_members * (size_t)head->best_floats * sizeof(float);
}

static uint64_t checksum_of(const void *bytes, const struct head *head)
{
    return table_checksum((const char *)bytes + SEALED_AT, sizeof *head - SEALED_AT + best_bytes(head));
}

/* ---- out ---- */

static struct head head_make(const struct ensemble *ensemble)
{
    struct head head;

    memset(&head, 0, sizeof head); /* metrics have padding */
    memcpy(head.magic, MAGIC, sizeof head.magic);
    head.n_members = ensemble->n_members;
    head.best_floats =
        ensemble->members[0].best != NULL ? ensemble->members[0].trainer->state.network->n_floats : 0;
    head.epoch = atomic_load(&ensemble->epoch);
    head.turn = ensemble->turn;
    head.best_epoch = ensemble->best_epoch;
    head.finished = ensemble->finished;
    head.best_score = ensemble->best_score;
    memcpy(head.metrics, ensemble->metrics, ensemble->turn * sizeof *head.metrics);
    return head;
}

size_t ensemble_save_size(const struct ensemble *ensemble)
{
    if (ensemble->n_members == 1)
        return trainer_save_size(ensemble->members[0].trainer);
    struct head head = head_make(ensemble);
    size_t n = sizeof head + best_bytes(&head);
    for (uint32_t m = 0; m < ensemble->n_members; m++)
        n += sizeof(uint64_t) + trainer_save_size(ensemble->members[m].trainer);
    return n;
}

size_t ensemble_save(const struct ensemble *ensemble, void *bytes)
{
    if (ensemble->n_members == 1)
        return trainer_save(ensemble->members[0].trainer, bytes);
    struct head head = head_make(ensemble);
    char *at = bytes;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    for (uint32_t m = 0; head.best_floats > 0 && m < ensemble->n_members;
         m++, at += head.best_floats * sizeof(float))
        memcpy(at, ensemble->members[m].best, (size_t)head.best_floats * sizeof(float));
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        uint64_t length = trainer_save(ensemble->members[m].trainer, at + sizeof length);
        memcpy(at, &length, sizeof length);
        at += sizeof length + length;
    }
    return (size_t)(at - (char *)bytes);
}

/* Where each member's state lies, and its length. */
struct part {
    size_t at;
    uint64_t length;
};

/* False where the lengths do not add up to n bytes. */
static bool parts_find(const void *bytes, size_t n, const struct head *head,
                       struct part parts[ENSEMBLE_MEMBERS_MAX])
{
    if (head->n_members < 2 || head->n_members > ENSEMBLE_MEMBERS_MAX ||
        head->best_floats > n / sizeof(float) || best_bytes(head) > n - sizeof *head)
        return false;
    size_t at = sizeof *head + best_bytes(head);
    for (uint64_t m = 0; m < head->n_members; m++) {
        uint64_t length;
        if (n - at < sizeof length)
            return false;
        memcpy(&length, (const char *)bytes + at, sizeof length);
        at += sizeof length;
        if (length > n - at)
            return false;
        parts[m] = (struct part){at, length};
        at += (size_t)length;
    }
    return at == n;
}

void ensemble_state_seal(void *bytes, size_t n)
{
    struct part parts[ENSEMBLE_MEMBERS_MAX];
    struct head head;

    if (!is_ensemble(bytes, n)) {
        train_state_seal(bytes, n);
        return;
    }
    memcpy(&head, bytes, sizeof head);
    if (!parts_find(bytes, n, &head, parts))
        return; /* it is none of ours; who reads it will say so */
    head.checksum = checksum_of(bytes, &head);
    memcpy(bytes, &head, sizeof head);
    for (uint64_t m = 0; m < head.n_members; m++)
        train_state_seal((char *)bytes + parts[m].at, (size_t)parts[m].length);
}

/* ---- in ---- */

/* The head and the parts, checked for all that does not depend on an
 * ensemble. */
static bool state_read(const void *bytes, size_t n, struct head *head,
                       struct part parts[ENSEMBLE_MEMBERS_MAX], struct err *err)
{
    memcpy(head, bytes, sizeof *head);
    if (!parts_find(bytes, n, head, parts))
        return err_set(err, ERR_CORRUPT, "its members' states do not have the lengths that it says");
    if (head->checksum != checksum_of(bytes, head))
        return err_set(err, ERR_CORRUPT, "its checksum is wrong");
    if (head->turn >= head->n_members || head->best_epoch > head->epoch || head->finished > 1 ||
        head->epoch > UINT32_MAX)
        return err_set(err, ERR_CORRUPT, "one of its counts is impossible");
    return true;
}

bool ensemble_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err)
{
    struct part parts[ENSEMBLE_MEMBERS_MAX];
    struct head head;
    struct train_place own;

    if (!is_ensemble(bytes, n))
        return train_state_look(bytes, n, place, err);
    if (!state_read(bytes, n, &head, parts, err))
        return false;
    *place = (struct train_place){.epoch = (uint32_t)head.epoch};
    for (uint64_t m = 0; m < head.n_members; m++) {
        if (!train_state_look((const char *)bytes + parts[m].at, (size_t)parts[m].length, &own, err))
            return false;
        if (own.epoch != head.epoch + (m < head.turn))
            return err_set(err, ERR_CORRUPT, "its members do not stand where it says");
        place->step += own.step + (m < head.turn ? UINT32_MAX
                                                 : 0); /* any number that grows with the work that is done */
        place->chunk += own.chunk;
    }
    return true;
}

static bool ensemble_fits(const struct ensemble *ensemble, const void *bytes, const struct head *head,
                          const struct part parts[ENSEMBLE_MEMBERS_MAX], struct err *err)
{
    if (head->n_members != ensemble->n_members || head->best_floats != head_make(ensemble).best_floats)
        return err_set(err, ERR_CONFLICT, "it is of another training: other members or early stopping");
    for (uint32_t m = 0; m < ensemble->n_members; m++)
        if (!trainer_fits(ensemble->members[m].trainer, (const char *)bytes + parts[m].at,
                          (size_t)parts[m].length, err))
            return false;
    return true;
}

static void numbers_take(struct ensemble *ensemble, const struct head *head)
{
    ensemble->turn = (uint32_t)head->turn;
    ensemble->best_epoch = (uint32_t)head->best_epoch;
    ensemble->best_score = head->best_score;
    ensemble->finished = head->finished != 0;
    memcpy(ensemble->metrics, head->metrics, sizeof ensemble->metrics);
    atomic_store(&ensemble->epoch, (uint32_t)head->epoch);
}

bool ensemble_restore(struct ensemble *ensemble, const void *bytes, size_t n, struct err *err)
{
    struct part parts[ENSEMBLE_MEMBERS_MAX];
    struct head head;
    struct train_place place;

    if (ensemble->n_members == 1)
        return trainer_restore(ensemble->members[0].trainer, bytes, n, err);
    if (!is_ensemble(bytes, n))
        return err_set(err, ERR_CONFLICT, "it is not of an ensemble");
    if (!ensemble_state_look(bytes, n, &place, err) || !state_read(bytes, n, &head, parts, err) ||
        !ensemble_fits(ensemble, bytes, &head, parts, err))
        return false;
    const char *best = (const char *)bytes + sizeof head;
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        if (!trainer_restore(ensemble->members[m].trainer, (const char *)bytes + parts[m].at,
                             (size_t)parts[m].length, err))
            return false; /* cannot be: it fits */
        if (head.best_floats > 0)
            memcpy(ensemble->members[m].best, best + m * head.best_floats * sizeof(float),
                   (size_t)head.best_floats * sizeof(float));
    }
    numbers_take(ensemble, &head);
    return true;
}
