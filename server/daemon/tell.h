/* What files of the state folder say of themselves, for recovery: tables,
 * models with their evaluations, checkpoints. Threads: any; no state. */
#ifndef MLPD_DAEMON_TELL_H
#define MLPD_DAEMON_TELL_H

#include "store/store.h"

/* For store_recover. */
extern const struct store_readers file_readers;

#endif
