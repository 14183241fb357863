/* The ledger: a sum, and a sum for each client, under one lock. */
#include "base/ledger.h"
#include "base/client.h"

#include <pthread.h>
#include <stdlib.h>

struct ledger {
    uint64_t most;
    pthread_mutex_t lock; /* what follows */
    uint64_t held, by_client[CLIENTS_MAX];
};

struct ledger *ledger_new(uint64_t bytes, struct err *err)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger) {
        err_memory(err, "the ledger");
        return NULL;
    }
    ledger->most = bytes;
    pthread_mutex_init(&ledger->lock, NULL);
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

uint64_t ledger_bytes(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    uint64_t held = ledger->held;
    pthread_mutex_unlock(&ledger->lock);
    return held;
}

/* What the ledger is asked for where a claim holds so much. */
static uint64_t counted(const struct claim *claim, uint64_t bytes)
{
    return bytes > claim->unasked ? bytes - claim->unasked : 0;
}

bool claim_refuse(const struct claim *claim, enum err_code code, struct err *err)
{
    if (code == ERR_LIMIT)
        return err_set(err, ERR_LIMIT,
                       "the request takes more than %.1f MB of memory, what one client may have (half of "
                       "--request-memory): send or ask in "
                       "parts",
                       (double)(claim->ledger->most / 2) / 1e6);
    if (code == ERR_FULL)
        return err_set(err, ERR_FULL,
                       "other requests of this client hold as much memory as is left for everybody else: try "
                       "again once they have ended");
    return err_set(
        err, ERR_BUSY,
        "requests hold all the memory that they may have together (--request-memory): try again in a moment");
}

/* Why a request that would come to `after` does not fit. others: what the
 * client's other requests hold. */
static enum err_code reason(const struct ledger *ledger, uint64_t after, uint64_t others)
{
    return after > ledger->most / 2 ? ERR_LIMIT : others > 0 ? ERR_FULL : ERR_BUSY;
}

/* Lock held. A share ends where what would be left for others is less than what
 * this client would have. */
static bool fits(const struct ledger *ledger, uint64_t by_client, uint64_t n)
{
    uint64_t left = ledger->most - ledger->held;
    return n <= left && by_client + n <= left - n;
}

static struct claim *root_of(struct claim *claim)
{
    return claim->root ? claim->root : claim;
}

struct claim claim_of(struct claim *payer)
{
    return (struct claim){.ledger = payer->ledger, .client = payer->client, .root = root_of(payer)};
}

void claim_part(struct claim *claim)
{
    if (!claim->root || !claim->ledger)
        return;
    pthread_mutex_lock(&claim->ledger->lock);
    claim->all = counted(claim, claim->bytes);
    claim->root->all -= claim->all;
    pthread_mutex_unlock(&claim->ledger->lock);
    claim->root = NULL;
}

bool claim_take(struct claim *claim, uint64_t n, struct err *err)
{
    struct ledger *ledger = claim->ledger;
    enum err_code why = ERR_OK;
    if (!ledger)
        return true;
    if (n > ledger->most)
        return claim_refuse(claim, ERR_LIMIT, err);
    uint64_t more = counted(claim, claim->bytes + n) - counted(claim, claim->bytes);
    if (more) {
        struct claim *root = root_of(claim);
        pthread_mutex_lock(&ledger->lock);
        uint64_t by_client = ledger->by_client[claim->client];
        if (fits(ledger, by_client, more)) {
            ledger->held += more;
            ledger->by_client[claim->client] += more;
            root->all += more;
        } else {
            why = reason(ledger, root->all + more, by_client - root->all);
        }
        pthread_mutex_unlock(&ledger->lock);
    }
    claim->bytes += why ? 0 : n;
    return !why || claim_refuse(claim, why, err);
}

void claim_give(struct claim *claim, uint64_t n)
{
    struct ledger *ledger = claim->ledger;
    if (!ledger)
        return;
    uint64_t less = counted(claim, claim->bytes) - counted(claim, claim->bytes - n);
    claim->bytes -= n;
    if (!less)
        return;
    pthread_mutex_lock(&ledger->lock);
    ledger->held -= less;
    ledger->by_client[claim->client] -= less;
    root_of(claim)->all -= less;
    pthread_mutex_unlock(&ledger->lock);
}

bool claim_change(struct claim *claim, uint64_t before, uint64_t n, struct err *err)
{
    if (n > before)
        return claim_take(claim, n - before, err);
    claim_give(claim, before - n);
    return true;
}

void claim_end(struct claim *claim)
{
    claim_give(claim, claim->bytes);
}
