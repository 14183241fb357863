/* A picture file as a digit's picture. */
#include "predict/picture.h"

#include <stdlib.h>
#include <string.h>

#define SIZES_AT 16               /* width and height, each a word with the highest byte first */
#define READER_BYTES (256u << 10) /* the library's own */

static const char signature[] = "\x89PNG\r\n\x1a\n";

bool picture_known(const char *bytes, size_t n)
{
    return n >= sizeof signature - 1 && !memcmp(bytes, signature, sizeof signature - 1);
}

/* How other pictures begin, and where. */
static const struct beginning {
    const char *kind, *bytes;
    size_t n, at;
} beginnings[] = {
    {"JPEG", "\xFF\xD8\xFF", 3, 0},  {"GIF", "GIF87a", 6, 0},    {"GIF", "GIF89a", 6, 0},
    {"TIFF", "II*\0", 4, 0},         {"TIFF", "MM\0*", 4, 0},    {"WebP", "WEBPVP8", 7, 8},
    {"HEIC", "ftypheic", 8, 4},      {"HEIC", "ftypmif1", 8, 4}, {"AVIF", "ftypavif", 8, 4},
    {"JPEG 2000", "jP  \r\n", 6, 4},
};

const char *picture_other(const char *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const struct beginning *beginning = &beginnings[i];
        if (n >= beginning->at + beginning->n &&
            !memcmp(bytes + beginning->at, beginning->bytes, beginning->n))
            return beginning->kind;
    }
    /* BMP: two letters, the size and zeros. */
    return n >= 14 && !memcmp(bytes, "BM", 2) && !memcmp(bytes + 6, "\0\0\0", 4) ? "BMP" : NULL;
}

static uint64_t word(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
}

uint64_t picture_bytes(const char *bytes, size_t n)
{
    uint64_t width = n >= SIZES_AT + 8 ? word(bytes + SIZES_AT) : 0,
             height = n >= SIZES_AT + 8 ? word(bytes + SIZES_AT + 4) : 0;
    bool wide =
        width > DIGIT_GREY_SIDE_MAX || height > DIGIT_GREY_SIDE_MAX; /* refused before its pixels are read */
    return READER_BYTES + (wide ? 0 : 2 * width * height);
}

#if MLPD_PNG
#include <png.h>

/* Put the pixels (grey, alpha) on a ground that their ink stands out from:
 * grey, in place. */
static void ground_put(uint8_t *pixels, size_t n)
{
    uint64_t ink = 0, opaque = 0;
    for (size_t i = 0; i < n; i++) {
        ink += (uint64_t)pixels[2 * i] * pixels[2 * i + 1];
        opaque += pixels[2 * i + 1];
    }
    unsigned ground = ink > 127 * opaque ? 0 : 255;
    for (size_t i = 0; i < n; i++) {
        unsigned alpha = pixels[2 * i + 1];
        pixels[i] = (uint8_t)((pixels[2 * i] * alpha + ground * (255 - alpha) + 127) / 255);
    }
}

/* Of a picture that has MNIST's size: what most of its edge shows is the
 * ground. */
static void polarity_set(uint8_t picture[DIGIT_PIXELS])
{
    unsigned sum = 0;
    for (int i = 0; i < DIGIT_SIDE; i++)
        sum += picture[i] + (unsigned)picture[DIGIT_PIXELS - 1 - i] + picture[i * DIGIT_SIDE] +
               picture[(i + 1) * DIGIT_SIDE - 1];
    for (int i = 0; sum > 4 * DIGIT_SIDE * 127 && i < DIGIT_PIXELS; i++)
        picture[i] = (uint8_t)(255 - picture[i]);
}

static bool size_check(const png_image *image, struct err *err)
{
    if (image->width <= DIGIT_GREY_SIDE_MAX && image->height <= DIGIT_GREY_SIDE_MAX)
        return true;
    return err_set(err, ERR_LIMIT, "the picture has %u x %u pixels: a side may have %d", image->width,
                   image->height, DIGIT_GREY_SIDE_MAX);
}

static bool pixels_read(png_image *image, uint8_t *pixels, uint8_t picture[DIGIT_PIXELS], bool *evened,
                        struct err *err)
{
    size_t n = (size_t)image->width * image->height;
    if (!png_image_finish_read(image, NULL, pixels, 0, NULL))
        return err_set(err, ERR_INPUT, "the PNG picture is damaged: %s", image->message);
    ground_put(pixels, n);
    if (image->width != DIGIT_SIDE || image->height != DIGIT_SIDE) {
        *evened = digit_even_paper(pixels, image->width, image->height, pixels + n);
        return digit_from_grey(pixels, image->width, image->height, image->width, picture, err);
    }
    memcpy(picture, pixels, DIGIT_PIXELS);
    polarity_set(picture);
    return true;
}

bool picture_read(const char *bytes, size_t n, uint8_t picture[DIGIT_PIXELS], bool *evened, struct err *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t *pixels = NULL;
    *evened = false;
    bool ok = png_image_begin_read_from_memory(&image, bytes, n) ||
              err_set(err, ERR_INPUT, "the PNG picture is damaged: %s", image.message);
    ok = ok && size_check(&image, err);
    if (ok) {
        image.format = PNG_FORMAT_GA;
        pixels = malloc(PNG_IMAGE_SIZE(image));
        ok = (pixels || err_memory(err, "the picture")) && pixels_read(&image, pixels, picture, evened, err);
    }
    png_image_free(&image);
    free(pixels);
    return ok;
}
#else
bool picture_read(const char *bytes, size_t n, uint8_t picture[DIGIT_PIXELS], bool *evened, struct err *err)
{
    *evened = false;
    (void)bytes;
    (void)n;
    (void)picture;
    return err_set(err, ERR_UNSUPPORTED, "this mlpd was built without PNG: expected strokes, JSON or CSV");
}
#endif
