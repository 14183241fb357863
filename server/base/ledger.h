/* The memory that requests hold together: bodies, what is unpacked of them,
 * decompression windows, rows being read, replies being made.
 *
 * Every piece is reserved before it is allocated and given back when it is
 * freed. One client (client.h) may hold at most as much as is left for all
 * others: half of everything while it is alone, a third while there are two
 * such, and so on; a newcomer always finds room. Not counted is what each
 * connection costs anyway: its structures and the first bytes of its claims.
 *
 * Threads: a ledger is for all threads; a claim is one thread's at a time. */
#ifndef MLPD_BASE_LEDGER_H
#define MLPD_BASE_LEDGER_H

#include "mlp/err.h"

#include <stdint.h>

struct ledger;

/* bytes: what all claims may hold together. NULL: ERR_MEMORY. */
struct ledger *ledger_new(uint64_t bytes, struct err *err);
void ledger_free(struct ledger *ledger); /* takes NULL; after all claims have ended */
/* What is held now. */
uint64_t ledger_bytes(struct ledger *ledger);

/* What one request, or one part of its way, holds. A zeroed one, which has no
 * ledger, lets everything pass. */
struct claim {
    struct ledger *ledger;
    uint64_t bytes, unasked; /* held; of these, the ledger is not asked for */
    uint32_t client;
    struct claim *root; /* the request's, of which this is a part; NULL: it is one of its own */
    uint64_t all;       /* of one of its own, under the ledger's lock: counted of it and of its parts */
};

/* A part of what the payer's request holds; that outlives it, or claim_part is
 * called. */
struct claim claim_of(struct claim *payer);
/* It is one of its own from now on. */
void claim_part(struct claim *claim);
/* Hold n bytes more. ERR_LIMIT: one request can never hold as much; ERR_FULL:
 * the client's other requests hold its share; ERR_BUSY: all is taken. */
bool claim_take(struct claim *claim, uint64_t n, struct err *err);
/* Write what claim_take says with this code. False. */
bool claim_refuse(const struct claim *claim, enum err_code code, struct err *err);
/* n: at most what is held. */
void claim_give(struct claim *claim, uint64_t n);
/* Hold n bytes instead of `before`. */
bool claim_change(struct claim *claim, uint64_t before, uint64_t n, struct err *err);
/* Give back all; it may be used again. */
void claim_end(struct claim *claim);

#endif
