/* Model files, written and read a layer at a time. */
#include "models/file.h"

#include "base/files.h"
#include "json/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they lie in memory");

#define HEADER_ALIGN 8
#define CHUNK ((size_t)1 << 20)
#define PADDING 15u /* floats that the engine may add to either side of a layer's weights */
#define NODE_BYTES                                                                                           \
    192u /* of the JSON library's tree, and of what is made of it, at most, for a value of the header */

/* One layer's weights and biases (and, where it is normalised, gains and
 * offsets) as the file holds them: in one block. */
struct plain_layer {
    float *weights, *biases;
    size_t n_weights, n_biases;
};

static bool plain_init(struct plain_layer *plain, const struct network *network, uint32_t layer,
                       struct err *err)
{
    size_t n_in = network_n_in(network, layer), n_out = network->layers[layer].units;

    *plain = (struct plain_layer){.n_weights = n_in * n_out,
                                  .n_biases = layer_n_vectors(&network->layers[layer]) *
                                              n_out}; /* network_new has multiplied them before */
    plain->weights = malloc((plain->n_weights + plain->n_biases) * sizeof *plain->weights);
    if (!plain->weights)
        return err_memory(err, "a layer's weights");
    plain->biases = plain->weights + plain->n_weights;
    return true;
}

static void plain_done(struct plain_layer *plain)
{
    free(plain->weights);
}

static size_t plain_bytes(const struct plain_layer *plain)
{
    return (plain->n_weights + plain->n_biases) * sizeof *plain->weights;
}

/* Hand each layer's bytes, in the file's order, to `take`. */
static bool layers_each(const struct network *network,
                        bool (*take)(void *self, const void *bytes, size_t n, struct err *err), void *self,
                        struct err *err)
{
    for (uint32_t i = 0; i < network->n_layers; i++) {
        struct plain_layer plain;
        if (!plain_init(&plain, network, i, err))
            return false;
        network_get(network, i, plain.weights, plain.biases);
        bool ok = take(self, plain.weights, plain_bytes(&plain), err);
        plain_done(&plain);
        if (!ok)
            return false;
    }
    return true;
}

static bool take_checksum(void *self, const void *bytes, size_t n, struct err *err)
{
    uLong *crc = self;

    (void)err;
    *crc = crc32_z(*crc, bytes, n);
    return true;
}

static bool take_write(void *self, const void *bytes, size_t n, struct err *err)
{
    return files_write(*(int *)self, bytes, n, err);
}

/* The length and the header, padded with blanks so that the data is aligned. */
static bool header_write(int fd, const char *text, struct err *err)
{
    static const char blanks[HEADER_ALIGN] = "        ";
    uint64_t length = strlen(text), padded = (length + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
    unsigned char prefix[8];

    if (padded > MODEL_FILE_HEADER_MAX)
        return err_set(err, ERR_LIMIT, "the model's recipe takes %llu bytes; a model file holds at most %llu",
                       (unsigned long long)padded, (unsigned long long)MODEL_FILE_HEADER_MAX);
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)(padded >> 8 * i);
    return files_write(fd, prefix, sizeof prefix, err) && files_write(fd, text, length, err) &&
           files_write(fd, blanks, padded - length, err);
}

static bool content_write(int fd, const struct model *model, const char *info_json, struct err *err)
{
    uLong crc = crc32(0, NULL, 0);

    if (!layers_each(model->network, take_checksum, &crc, err))
        return false;
    char *header = json_from_model_header(model, info_json, (uint32_t)crc, err);
    bool ok = header && header_write(fd, header, err) && layers_each(model->network, take_write, &fd, err) &&
              files_sync(fd, err);
    free(header);
    return ok;
}

bool model_file_write(const char *path, const struct model *model, const char *info_json, struct err *err)
{
    size_t size = strlen(path) + sizeof ".XXXXXX";
    char *temp = malloc(size);
    bool ok = false;
    int fd = -1;

    if (!temp)
        return err_memory(err, "a path");
    snprintf(temp, size, "%s.XXXXXX", path);
    fd = mkstemp(temp);
    if (fd < 0) {
        err_errno(err, "cannot create a file beside %s", path);
        goto out;
    }
    ok = content_write(fd, model, info_json, err);
    if (close(fd) != 0 && ok)
        ok = err_errno(err, "cannot write %s", path);
    ok = ok && files_publish(temp, path, err);
    if (!ok)
        unlink(temp);
out:
    free(temp);
    return ok;
}

static bool room_hold(const struct model_room *room, uint64_t bytes, struct err *err)
{
    return !room || !room->hold || room->hold(room->self, bytes, err);
}

/* What a header takes while it is read: a value of its JSON, or of the JSON
 * within its texts, stands behind one of these marks. */
static uint64_t header_bytes(const char *text, uint64_t length)
{
    uint64_t n_values = 0;
    for (uint64_t i = 0; i < length; i++)
        n_values += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return 4 * length + n_values * NODE_BYTES;
}

/* The header's text is `length` bytes long; header->data_bytes follow it. */
static bool header_parse(int fd, uint64_t length, const struct model_room *room, struct model_header *header,
                         struct err *err)
{
    if (!room_hold(room, length, err))
        return false;
    char *text = malloc(length + 1);
    if (!text)
        return err_memory(err, "a model file's header");
    bool ok = files_read_at(fd, text, length, sizeof(uint64_t), err) &&
              room_hold(room, header_bytes(text, length), err) &&
              json_to_model_header(text, length, header->data_bytes, header, err);
    free(text);
    return ok;
}

/* Read the prefix and the header; *data_at is where the data begins. */
static bool header_read(int fd, const struct model_room *room, struct model_header *header, uint64_t *data_at,
                        struct err *err)
{
    unsigned char prefix[8];
    uint64_t length = 0, size;

    if (!files_size(fd, &size, err))
        return false;
    if (size < sizeof prefix)
        return err_set(err, ERR_CORRUPT, "the model file is damaged: it holds %llu bytes",
                       (unsigned long long)size);
    if (!files_read_at(fd, prefix, sizeof prefix, 0, err))
        return false;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | prefix[i];
    if (length > MODEL_FILE_HEADER_MAX || length > size - sizeof prefix)
        return err_set(err, ERR_CORRUPT, "the model file is damaged: its header would take %llu bytes",
                       (unsigned long long)length);
    *data_at = sizeof prefix + length;
    header->data_bytes = size - *data_at;
    return header_parse(fd, length, room, header, err);
}

static bool checksum_check(int fd, const struct model_header *header, const struct model_room *room,
                           uint64_t data_at, struct err *err)
{
    uLong crc = crc32(0, NULL, 0);
    unsigned char *chunk = malloc(CHUNK);
    bool ok = chunk || err_memory(err, "a piece of a model file");

    for (uint64_t at = 0; ok && at < header->data_bytes;) {
        size_t n = header->data_bytes - at < CHUNK ? (size_t)(header->data_bytes - at) : CHUNK;
        ok = files_read_at(fd, chunk, n, data_at + at, err);
        if (ok)
            crc = crc32_z(crc, chunk, n);
        at += n;
        if (ok && room && room->tick && !room->tick(room->self, n))
            ok = err_set(err, ERR_STOPPED, "reading a model was stopped");
    }
    free(chunk);
    if (ok && (uint32_t)crc != header->checksum)
        return err_set(err, ERR_CORRUPT, "the model file is damaged: the checksum of its weights is wrong");
    return ok;
}

/* Whether none is infinite or NaN: all bits of the exponent set. */
static bool floats_finite(const float *values, size_t n)
{
    uint32_t odd = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        odd |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !odd;
}

static bool layer_read(int fd, const struct model_header *header, uint64_t data_at, struct network *network,
                       uint32_t layer, struct err *err)
{
    struct plain_layer plain;

    if (!plain_init(&plain, network, layer, err))
        return false;
    bool ok = files_read_at(fd, plain.weights, plain.n_weights * sizeof *plain.weights,
                            data_at + header->weights_at[layer], err) &&
              files_read_at(fd, plain.biases, plain.n_biases * sizeof *plain.biases,
                            data_at + header->biases_at[layer], err);
    if (ok && !floats_finite(plain.weights, plain.n_weights + plain.n_biases))
        ok = err_set(err, ERR_CORRUPT,
                     "the model file is damaged: layer %u holds a weight that is not finite", layer + 1);
    if (ok)
        network_set(network, layer, plain.weights, plain.biases);
    plain_done(&plain);
    return ok;
}

/* The network; its size has been checked against the file's, so that nothing
 * large is allocated in vain. */
static struct network *network_read(int fd, const struct model_header *header, uint64_t data_at,
                                    struct err *err)
{
    struct network *network =
        network_new(header->shape.n_inputs, header->shape.layers, header->shape.n_layers, err);

    for (uint32_t i = 0; network && i < header->shape.n_layers; i++)
        if (!layer_read(fd, header, data_at, network, i, err)) {
            network_free(network);
            return NULL;
        }
    return network;
}

/* While the weights are read: the model, and its largest layer as the file
 * holds it. */
static bool weights_hold(const struct model_header *header, const struct model_room *room, struct err *err)
{
    const struct network_shape *shape = &header->shape;
    uint64_t largest = 0, all = 0, n_in = shape->n_inputs;
    for (uint32_t i = 0; i < shape->n_layers; n_in = shape->layers[i++].units) {
        uint64_t n = (n_in + PADDING + layer_n_vectors(&shape->layers[i])) *
                     (shape->layers[i].units + PADDING) * sizeof(float);
        largest = n > largest ? n : largest;
        all += n;
    }
    return room_hold(room, recipe_bytes(header->recipe) + all + largest + CHUNK, err);
}

static struct model *content_read(int fd, struct model_header *header, const struct model_room *room,
                                  uint64_t data_at, struct err *err)
{
    bool ok = weights_hold(header, room, err) && checksum_check(fd, header, room, data_at, err);
    struct network *network = ok ? network_read(fd, header, data_at, err) : NULL;
    struct model *model = network ? model_new(header->recipe, network, header->shape.loss, err) : NULL;

    if (model)
        header->recipe = NULL; /* the model's now */
    else
        network_free(network);
    return model;
}

struct model *model_file_read(const char *path, const struct model_room *room, char **info_json,
                              struct err *err)
{
    struct model_header header = {0};
    uint64_t data_at = 0;
    struct model *model = NULL;
    int fd = files_open(path, err);

    if (fd < 0)
        return NULL;
    if (header_read(fd, room, &header, &data_at, err))
        model = content_read(fd, &header, room, data_at, err);
    if (model && info_json) {
        *info_json = header.info;
        header.info = NULL;
    }
    model_header_done(&header);
    close(fd);
    return model;
}

bool model_file_check(int fd, const struct model_room *room, struct err *err)
{
    struct model_header header = {0};
    uint64_t data_at = 0;
    bool ok = header_read(fd, room, &header, &data_at, err) &&
              room_hold(room, recipe_bytes(header.recipe) + CHUNK, err) &&
              checksum_check(fd, &header, room, data_at, err);

    model_header_done(&header);
    return ok;
}
