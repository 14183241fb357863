/* A model in one file, in the public safetensors layout: 8 bytes
 * (little-endian) length of the header, the header as JSON, the data.
 *
 * Tensors "layers.N.weight" (n_in, n_out) and "layers.N.bias" (n_out), F32,
 * row-major: y = x @ weight + bias. Recipe, network and the caller's own JSON
 * stand as texts in "__metadata__", with checksums. Threads: any; no state.
 * Slow: writes and syncs, or reads. */
#ifndef MLPD_MODELS_FILE_H
#define MLPD_MODELS_FILE_H

#include "mlp/model.h"

#define MODEL_FILE_HEADER_MAX ((uint64_t)16 << 20)

/* Written aside, synced, renamed to `path`, its folder synced. info_json: any
 * text, NULL for "{}". On failure `path` is as it was. */
bool model_file_write(const char *path, const struct model *model, const char *info_json, struct err *err);

/* Asked before memory is taken: whether the reading may hold `bytes` from now
 * on, in place of what it asked for before. */
struct model_room {
    bool (*hold)(void *self, uint64_t bytes, struct err *err); /* NULL: no bound */
    bool (*tick)(void *self, uint64_t n_bytes); /* after each piece that was read: false stops it,
                                                   ERR_STOPPED; NULL: nothing does */
    void *self;
};

/* Any file is safe to read: what is not whole and consistent is ERR_CORRUPT.
 * room: bounds the memory, NULL: nothing does. *info_json (may be NULL) is the
 * caller's to free. NULL on failure. */
struct model *model_file_read(const char *path, const struct model_room *room, char **info_json,
                              struct err *err);

/* Whether the open file is whole: its header, and all checksums. */
bool model_file_check(int fd, const struct model_room *room, struct err *err);

#endif
