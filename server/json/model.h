/* Models' parts as JSON text, out and in: what GET /models/{m} shows and what a
 * model file's header holds.
 *
 * Texts that are not UTF-8 (a table may hold any bytes) are kept: each odd byte
 * b becomes U+EF00 + b, and so do the bytes of such characters themselves.
 * Threads: any; no state. */
#ifndef MLPD_JSON_MODEL_H
#define MLPD_JSON_MODEL_H

#include "mlp/model.h"

#include <stddef.h>
#include <stdint.h>

struct writer;

/* "standardise" and so on; -1 for what does not exist. */
int encoding_find(const char *name);

/* Write the recipe as an object; floats read back to the same bits. */
void json_write_recipe(struct writer *writer, const struct recipe *recipe);
/* {"inputs","layers":[{"units","activation"}],"loss","parameters"}. */
void json_write_network(struct writer *writer, const struct network *network, enum loss loss);
/* The same as text that the caller frees. NULL: out of memory. */
char *json_from_recipe(const struct recipe *recipe, struct err *err);
char *json_from_network(const struct network *network, enum loss loss, struct err *err);

/* A network without its parameters. */
struct network_shape {
    uint32_t n_inputs, n_layers;
    struct layer layers[NETWORK_LAYERS_MAX];
    enum loss loss;
};
/* Read and check them: any text at all is safe. False, NULL: ERR_CORRUPT or
 * ERR_MEMORY. */
struct recipe *json_to_recipe(const char *text, struct err *err);
bool json_to_network(const char *text, struct network_shape *shape, struct err *err);

/* The header of a model file. Layer i's tensors lie at weights_at[i] and
 * biases_at[i], counted from the data's beginning. */
struct model_header {
    struct recipe *recipe;
    struct network_shape shape;
    char *info;        /* the caller's JSON text */
    uint32_t checksum; /* CRC32 of the data */
    uint64_t data_bytes;
    uint64_t weights_at[NETWORK_LAYERS_MAX], biases_at[NETWORK_LAYERS_MAX];
};
/* Frees what it owns; takes a zeroed one. */
void model_header_done(struct model_header *header);

/* The header's text; layers in order, each weights then biases, without gaps.
 * The caller frees it. NULL: out of memory. */
char *json_from_model_header(const struct model *model, const char *info, uint32_t checksum, struct err *err);
/* Read and check it against data_bytes: every tensor there, F32, of the shape
 * that recipe and network ask for, no gap, no overlap. On failure nothing is
 * owned. */
bool json_to_model_header(const char *text, size_t length, uint64_t data_bytes, struct model_header *header,
                          struct err *err);

#endif
