/* Networks and the headers of model files as JSON text, out and in. Recipes are
 * in json/recipe.c. */
#include "json/model.h"
#include "base/writer.h"
#include "json/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FORMAT "mlpd"
#define FORMAT_VERSION "1"
#define FORMAT_VERSION_ORIGINS "2" /* some column has an origin, which readers of 1 would pass over */

void json_write_network(struct writer *writer, const struct network *network, enum loss loss)
{
    writer_open(writer, '{');
    writer_put_uint(writer, "inputs", network->n_inputs);
    writer_key(writer, "layers");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < network->n_layers; i++) {
        writer_open(writer, '{');
        writer_put_uint(writer, "units", network->layers[i].units);
        writer_put_string(writer, "activation", activation_name(network->layers[i].activation));
        if (network->layers[i].norms)
            writer_put_uint(writer, "layer_norm", network->layers[i].norms);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    writer_put_string(writer, "loss", loss_name(loss));
    writer_put_uint(writer, "parameters", network_n_params(network));
    writer_close(writer, '}');
}

char *json_from_network(const struct network *network, enum loss loss, struct err *err)
{
    struct writer writer;

    writer_init(&writer);
    json_write_network(&writer, network, loss);
    return json_take(&writer, err);
}

static bool read_layer(const cJSON *item, struct layer *layer, struct err *err)
{
    const char *activation;

    if (!json_uint(item, "units", NETWORK_UNITS_MAX, &layer->units, err) ||
        !json_text(item, "activation", &activation, err))
        return false;
    if (cJSON_HasObjectItem(item, "layer_norm") &&
        !json_uint(item, "layer_norm", NETWORK_NORMS_MAX, &layer->norms, err))
        return false;
    int found = activation_find(activation);
    if (found < 0 || layer->units == 0)
        return json_damaged(err, "a layer has no units or an activation that does not exist");
    layer->activation = (enum activation)found;
    return true;
}

static bool read_network(const cJSON *root, struct network_shape *shape, struct err *err)
{
    const cJSON *layers = NULL, *item;
    const char *loss;
    uint32_t i = 0;

    if (!json_uint(root, "inputs", RECIPE_INPUTS_MAX, &shape->n_inputs, err) ||
        !json_array(root, "layers", &layers, &shape->n_layers, err) || !json_text(root, "loss", &loss, err))
        return false;
    if (shape->n_inputs == 0 || shape->n_layers == 0 || shape->n_layers > NETWORK_LAYERS_MAX)
        return json_damaged(err, "the network has no inputs, no layers or more than %d", NETWORK_LAYERS_MAX);
    cJSON_ArrayForEach(item, layers)
    {
        if (!read_layer(item, &shape->layers[i++], err))
            return false;
    }
    int found = loss_find(loss);
    if (found < 0 || found == LOSS_AUTO)
        return json_damaged(err, "there is no loss of that name");
    shape->loss = (enum loss)found;
    return true;
}

bool json_to_network(const char *text, struct network_shape *shape, struct err *err)
{
    struct network_shape read = {0};
    cJSON *root = json_parse(text, strlen(text), err);
    bool ok = root && read_network(root, &read, err);

    cJSON_Delete(root);
    if (ok)
        *shape = read;
    return ok;
}

void model_header_done(struct model_header *header)
{
    recipe_free(header->recipe);
    free(header->info);
    *header = (struct model_header){0};
}

/* CRC32 over the three texts, the 0 at their ends included. */
static uint32_t texts_checksum(const char *recipe, const char *network, const char *info)
{
    uLong crc = crc32(0, NULL, 0);

    crc = crc32_z(crc, (const Bytef *)recipe, strlen(recipe) + 1);
    crc = crc32_z(crc, (const Bytef *)network, strlen(network) + 1);
    return (uint32_t)crc32_z(crc, (const Bytef *)info, strlen(info) + 1);
}

static void put_checksum(struct writer *writer, const char *name, uint32_t checksum)
{
    char text[12];

    snprintf(text, sizeof text, "%08x", (unsigned)checksum);
    writer_put_string(writer, name, text);
}

/* What a layer has for each unit, in network_get's order. */
static const char *const vector_names[] = {"bias", "norm.weight", "norm.bias"};

static void put_tensor(struct writer *writer, uint32_t layer, const char *what, const uint64_t *shape,
                       int n_dimensions, uint64_t *at)
{
    char name[40];
    uint64_t bytes = sizeof(float);

    snprintf(name, sizeof name, "layers.%u.%s", layer, what);
    writer_key(writer, name);
    writer_open(writer, '{');
    writer_put_string(writer, "dtype", "F32");
    writer_key(writer, "shape");
    writer_open(writer, '[');
    for (int i = 0; i < n_dimensions; i++) {
        writer_uint(writer, shape[i]);
        bytes *= shape[i];
    }
    writer_close(writer, ']');
    writer_key(writer, "data_offsets");
    writer_open(writer, '[');
    writer_uint(writer, *at);
    writer_uint(writer, *at += bytes);
    writer_close(writer, ']');
    writer_close(writer, '}');
}

static const char *version_of(const struct recipe *recipe)
{
    for (uint32_t i = 0; i < recipe->n_columns; i++)
        if (recipe->columns[i].origin != 0)
            return FORMAT_VERSION_ORIGINS;
    return FORMAT_VERSION;
}

static void write_header(struct writer *writer, const struct model *model, const char *const texts[3],
                         uint32_t checksum)
{
    const struct network *network = model->network;
    uint64_t at = 0;

    writer_open(writer, '{');
    writer_key(writer, "__metadata__");
    writer_open(writer, '{');
    writer_put_string(writer, "format", FORMAT);
    writer_put_string(writer, "format_version", version_of(model->recipe));
    writer_put_string(writer, "recipe", texts[0]);
    writer_put_string(writer, "network", texts[1]);
    writer_put_string(writer, "info", texts[2]);
    put_checksum(writer, "checksum", checksum);
    put_checksum(writer, "text_checksum", texts_checksum(texts[0], texts[1], texts[2]));
    writer_close(writer, '}');
    for (uint32_t i = 0; i < network->n_layers; i++) {
        uint64_t shape[2] = {network_n_in(network, i), network->layers[i].units};
        put_tensor(writer, i, "weight", shape, 2, &at);
        for (uint32_t v = 0; v < layer_n_vectors(&network->layers[i]); v++)
            put_tensor(writer, i, vector_names[v], shape + 1, 1, &at);
    }
    writer_close(writer, '}');
}

char *json_from_model_header(const struct model *model, const char *info, uint32_t checksum, struct err *err)
{
    char *recipe = json_from_recipe(model->recipe, err),
         *network = json_from_network(model->network, model->loss, err), *text = NULL;
    struct writer writer;

    writer_init(&writer);
    if (recipe && network) {
        write_header(&writer, model, (const char *const[3]){recipe, network, info ? info : "{}"}, checksum);
        text = json_take(&writer, err);
    }
    free(recipe);
    free(network);
    return text;
}

static bool read_checksum(const cJSON *metadata, const char *name, uint32_t *checksum, struct err *err)
{
    const char *text;
    char *end;

    if (!json_text(metadata, name, &text, err))
        return false;
    unsigned long value = strtoul(text, &end, 16);
    if (strlen(text) != 8 || strspn(text, "0123456789abcdefABCDEF") != 8 || *end)
        return json_damaged(err, "'%s' is not a checksum", name);
    *checksum = (uint32_t)value;
    return true;
}

static bool read_metadata(const cJSON *root, struct model_header *header, struct err *err)
{
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(root, "__metadata__");
    const char *format, *version, *recipe, *network, *info;
    uint32_t checksum;

    if (!json_text(metadata, "format", &format, err) ||
        !json_text(metadata, "format_version", &version, err) ||
        !json_text(metadata, "recipe", &recipe, err) || !json_text(metadata, "network", &network, err) ||
        !json_text(metadata, "info", &info, err) ||
        !read_checksum(metadata, "checksum", &header->checksum, err) ||
        !read_checksum(metadata, "text_checksum", &checksum, err))
        return false;
    if (strcmp(format, FORMAT) != 0 ||
        (strcmp(version, FORMAT_VERSION) != 0 && strcmp(version, FORMAT_VERSION_ORIGINS) != 0))
        return json_damaged(err,
                            "its format is not " FORMAT " " FORMAT_VERSION " or " FORMAT_VERSION_ORIGINS);
    if (texts_checksum(recipe, network, info) != checksum)
        return json_damaged(err, "the checksum of recipe, network and info is wrong");
    header->info = strdup(info);
    if (!header->info)
        return err_memory(err, "a model file's header");
    header->recipe = json_to_recipe(recipe, err);
    return header->recipe && json_to_network(network, &header->shape, err);
}

/* Where a tensor's bytes lie. */
struct span {
    uint64_t begin, end;
};

static bool read_offsets(const cJSON *tensor, uint64_t bytes, struct span *span, struct err *err)
{
    const cJSON *array = NULL;
    uint32_t n;

    if (!json_array(tensor, "data_offsets", &array, &n, err))
        return false;
    if (n != 2 || !json_whole(array->child, &span->begin) || !json_whole(array->child->next, &span->end) ||
        span->begin > span->end || span->end - span->begin != bytes)
        return json_damaged(err, "a tensor's data_offsets do not fit its shape");
    return true;
}

static bool read_tensor(const cJSON *root, uint32_t layer, const char *what, const uint64_t *shape,
                        int n_dimensions, struct span *span, struct err *err)
{
    char name[40];
    const cJSON *array = NULL, *item;
    const char *type;
    uint32_t n;
    uint64_t bytes = sizeof(float), dimension;

    snprintf(name, sizeof name, "layers.%u.%s", layer, what);
    const cJSON *tensor = cJSON_GetObjectItemCaseSensitive(root, name);
    if (!cJSON_IsObject(tensor))
        return json_damaged(err, "the tensor %s is missing", name);
    if (!json_text(tensor, "dtype", &type, err) || !json_array(tensor, "shape", &array, &n, err))
        return false;
    if (strcmp(type, "F32") != 0 || n != (uint32_t)n_dimensions)
        return json_damaged(err, "the tensor %s is not an F32 of %d dimensions", name, n_dimensions);
    int i = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (!json_whole(item, &dimension) || dimension != shape[i])
            return json_damaged(err, "the tensor %s does not have the shape that the network needs", name);
        bytes *= shape[i++]; /* at most 2^20 * 2^16 * 4 */
    }
    return read_offsets(tensor, bytes, span, err);
}

static int span_compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* The spans must tile the data: no gap, no overlap, nothing beyond. */
static bool spans_check(struct span *spans, uint32_t n, uint64_t data_bytes, struct err *err)
{
    uint64_t at = 0;

    qsort(spans, n, sizeof *spans, span_compare);
    for (uint32_t i = 0; i < n; i++) {
        if (spans[i].begin != at)
            return json_damaged(err, "its tensors overlap or leave gaps");
        at = spans[i].end;
    }
    if (at != data_bytes)
        return json_damaged(err, "it holds %llu bytes of data and its tensors take %llu",
                            (unsigned long long)data_bytes, (unsigned long long)at);
    return true;
}

static bool read_tensors(const cJSON *root, struct model_header *header, struct err *err)
{
    struct span spans[4 * NETWORK_LAYERS_MAX];
    const struct network_shape *network = &header->shape;
    uint32_t n = 0;

    for (uint32_t i = 0; i < network->n_layers; i++) {
        uint64_t shape[2] = {i ? network->layers[i - 1].units : network->n_inputs, network->layers[i].units};
        if (!read_tensor(root, i, "weight", shape, 2, &spans[n++], err))
            return false;
        header->weights_at[i] = spans[n - 1].begin;
        struct span *vectors = &spans[n];
        for (uint32_t v = 0; v < layer_n_vectors(&network->layers[i]); v++, n++) {
            if (!read_tensor(root, i, vector_names[v], shape + 1, 1, &spans[n], err))
                return false;
            if (v > 0 && spans[n].begin != spans[n - 1].end)
                return json_damaged(err, "layer %u's gains and offsets do not follow its biases", i);
        }
        header->biases_at[i] = vectors->begin;
    }
    if (cJSON_GetArraySize(root) != (int)n + 1)
        return json_damaged(err, "it holds tensors that the network does not have");
    return spans_check(spans, n, header->data_bytes, err);
}

/* Recipe and network must fit each other; which outputs a task may have is
 * model_new's to say. */
static bool parts_fit(const struct model_header *header, struct err *err)
{
    return header->shape.n_inputs == header->recipe->n_inputs ||
           json_damaged(err, "recipe and network do not fit each other");
}

bool json_to_model_header(const char *text, size_t length, uint64_t data_bytes, struct model_header *header,
                          struct err *err)
{
    struct model_header read = {.data_bytes = data_bytes};
    cJSON *root = json_parse(text, length, err);
    bool ok =
        root && read_metadata(root, &read, err) && parts_fit(&read, err) && read_tensors(root, &read, err);

    cJSON_Delete(root);
    if (ok)
        *header = read;
    else
        model_header_done(&read);
    return ok;
}
