/* Writes the first inputs of the targets whose files nobody writes by hand:
 * seeds FOLDER makes FOLDER/fuzz_table and so on, by the project's own writers.
 * Run again where a format has changed; older files stay, and stay readable. */
#include "fuzz.h"
#include "models/evaluations.h"
#include "models/file.h"
#include "json/memory.h"
#include "json/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#if MLPD_ZSTD
#include <zstd.h>
#endif
#if MLPD_PNG
#include <png.h>
#endif

static const char *folder;

/* The target's file `name`: what chooses, then the bytes. */
static void seed_put(const char *target, const char *name, const char *choice, size_t n_choice,
                     const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    require(file && fwrite(choice, 1, n_choice, file) == n_choice && fwrite(bytes, 1, n, file) == n &&
                fclose(file) == 0,
            path);
}

static void tables_put(void)
{
    static const struct {
        const char *name, *csv;
    } tables[] = {{"mixed", fuzz_mixed}, {"numbers", fuzz_numbers}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        size_t n;
        table_unref(fuzz_table(tables[i].csv));
        uint8_t *bytes = fuzz_bytes(fuzz_path(1), &n);
        seed_put("fuzz_table", tables[i].name, "\1\0", 2, bytes, n);
        free(bytes);
    }
}

static void model_put(const char *name, const char *csv, uint32_t norms)
{
    struct err err;
    struct recipe *recipe = fuzz_recipe(csv);
    bool classes = recipe->task == TASK_CLASSIFICATION;
    const struct layer layers[] = {{.units = 3, .activation = ACTIVATION_RELU, .norms = norms},
                                   {.units = classes ? recipe->n_classes : 1,
                                    .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR}};
    struct network *network = network_new(recipe->n_inputs, layers, 2, &err);
    struct model *model =
        model_new(recipe, network, classes ? LOSS_CATEGORICAL_CROSSENTROPY : LOSS_MSE, &err);
    require(model && model_file_write(fuzz_path(2), model, "{}", &err), "a model is written");
    size_t n;
    uint8_t *bytes = fuzz_bytes(fuzz_path(2), &n);
    char parts[64], *texts[2] = {json_from_recipe(model->recipe, &err),
                                 json_from_network(model->network, model->loss, &err)};
    size_t n_texts[2] = {strlen(texts[0]) + 1, strlen(texts[1]) + 1};
    seed_put("fuzz_model", name, "\0\0", 2, bytes, n);
    snprintf(parts, sizeof parts, "%s_parts", name);
    char *both = malloc(n_texts[0] + n_texts[1] + 4);
    memcpy(both, texts[0], n_texts[0]);
    memcpy(both + n_texts[0], texts[1], n_texts[1]);
    memcpy(both + n_texts[0] + n_texts[1], "\x40\xc0\x11\x07", 4);
    seed_put("fuzz_model", parts, "\2\0", 2, both, n_texts[0] + n_texts[1] + 4);
    free(both);
    free(texts[0]);
    free(texts[1]);
    free(bytes);
    model_unref(model);
}

static void evaluation_put(void)
{
    struct err err;
    uint64_t confusion[4] = {3, 1, 0, 2};
    struct importance importance = {.column = 1, .drop = 0.25};
    struct guess guesses[6];
    for (uint32_t i = 0; i < 6; i++)
        guesses[i] = (struct guess){.row = i,
                                    .label = (float)(i > 3),
                                    .guess = (float)(i > 2),
                                    .probability = 0.75f,
                                    .loss = (float)i / 8};
    struct evaluation e = {.n_rows = 6,
                           .n_classes = 2,
                           .confusion = confusion,
                           .guesses = guesses,
                           .n_importance = 1,
                           .importance = &importance};
    int fd = fuzz_file(0, "", 0);
    require(evaluations_write(fd, &e, &err), "an evaluation is written");
    close(fd);
    size_t n;
    uint8_t *bytes = fuzz_bytes(fuzz_path(0), &n);
    seed_put("fuzz_evaluation", "two_classes", "\3\x40\0", 3, bytes, n);
    free(bytes);
}

static void compressed_put(void)
{
    uint8_t out[4096];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)fuzz_mixed,
                       .avail_in = (uInt)strlen(fuzz_mixed),
                       .next_out = out,
                       .avail_out = sizeof out};
    require(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
                deflate(&stream, Z_FINISH) == Z_STREAM_END,
            "gzip");
    deflateEnd(&stream);
    seed_put("fuzz_inflate", "gzip", "\2\0\7\0", 4, out, sizeof out - stream.avail_out);
#if MLPD_ZSTD
    seed_put("fuzz_inflate", "zstd", "\3\0\7\0", 4, out,
             ZSTD_compress(out, sizeof out, fuzz_mixed, strlen(fuzz_mixed), 3));
#endif
}

#if MLPD_PNG
static void pictures_put(void)
{
    uint8_t pixels[28 * 28 * 2] = {0}, out[4096];
    static const char *const names[] = {"grey", "grey_alpha"};
    for (int i = 0; i < 2; i++) {
        png_alloc_size_t n = sizeof out;
        png_image image = {.version = PNG_IMAGE_VERSION,
                           .width = i ? 20 : 28,
                           .height = 28,
                           .format = i ? PNG_FORMAT_GA : PNG_FORMAT_GRAY};
        for (int j = 200; j < 300; j++)
            pixels[j] = (uint8_t)(j * 5);
        require(png_image_write_to_memory(&image, out, &n, 0, pixels, 0, NULL) != 0, "a picture is written");
        seed_put("fuzz_png", names[i], "\1\0", 2, out, n);
    }
}
#endif

int main(int argc, char **argv)
{
    require(argc == 2, "usage: seeds FOLDER");
    folder = argv[1];
    json_memory_open();
    tables_put();
    model_put("classes", fuzz_mixed, 1);
    model_put("numbers", fuzz_numbers, 0);
    evaluation_put();
    compressed_put();
#if MLPD_PNG
    pictures_put();
#endif
    return 0;
}
