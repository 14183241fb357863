/* Files compressed and unpacked with zstd, where that is built in (MLPD_ZSTD).
 * Threads: no state; any. */
#ifndef MLPD_BASE_PACK_H
#define MLPD_BASE_PACK_H

#include "mlp/stop.h"

/* Whether it is built in. */
bool pack_is_there(void);
/* All of one regular file, compressed (unpacked), behind what the other holds.
 * ERR_CORRUPT: what is to be unpacked is damaged; ERR_SPACE; ERR_STOPPED once
 * `stop` is set; ERR_UNSUPPORTED where zstd is not built in. Slow. */
bool pack_file(int from, int to, const atomic_bool *stop, struct err *err);
bool unpack_file(int from, int to, const atomic_bool *stop, struct err *err);

#endif
