/* libFuzzer target: any bytes as a PNG picture, with the checksums of its
 * chunks mended (the first byte is odd), and as the grey pixels of a picture. A
 * picture's ink is the same whichever of ink and ground is light. */
#include "fuzz.h"
#include "mend.h"
#include "predict/picture.h"

#include <stdlib.h>
#include <string.h>

enum { GREY_SIDE = 40 };

struct trial {
    const char *bytes;
    size_t n;
};

static bool read_it(void *self, struct err *err)
{
    const struct trial *trial = self;
    uint8_t picture[DIGIT_PIXELS];
    bool evened;
    return picture_read(trial->bytes, trial->n, picture, &evened, err);
}

/* The same drawing, dark on light and light on dark. */
static void grey_check(const uint8_t *bytes, size_t n)
{
    struct err err = {0};
    uint8_t dark[GREY_SIDE * GREY_SIDE], light[GREY_SIDE * GREY_SIDE], scratch[GREY_SIDE * GREY_SIDE],
        pictures[2][DIGIT_PIXELS];
    uint32_t side = 1 + (n > 0 ? bytes[0] % GREY_SIDE : 0);
    memset(dark, 255, sizeof dark); /* an edge of ground, so that which is which is no question */
    for (uint32_t i = 0; i < n && i < side * side; i++)
        if (i % side > 0 && i % side + 1 < side && i / side > 0 && i / side + 1 < side)
            dark[i] = bytes[i];
    for (size_t i = 0; i < sizeof dark; i++)
        light[i] = (uint8_t)(255 - dark[i]);
    require(digit_from_grey(dark, side, side, side, pictures[0], &err) &&
                digit_from_grey(light, side, side, side, pictures[1], &err),
            "grey pixels are a picture");
    require(memcmp(pictures[0], pictures[1], DIGIT_PIXELS) == 0, "ink is ink whatever the ground");
    memcpy(light, dark, sizeof light);
    require(!digit_even_paper(light, side, side, scratch) && memcmp(light, dark, sizeof light) == 0,
            "even paper stays as it is");
    for (uint32_t i = 0; i < n && i < side * side; i++)
        light[i] = bytes[i];
    digit_even_paper(light, side, side, scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input), *exact = malloc(input.n ? input.n : 1);
    memcpy(exact, input.at, input.n);
    if (choice & 1)
        mend_png(exact, input.n);
    /* a picture of the largest size takes a second: there are enough smaller
     * ones */
    if (input.n < 24 || mend_png_pixels(exact) < 1u << 20 || choice == 255)
        fuzz_run(fault, read_it, &(struct trial){(const char *)exact, input.n});
    grey_check(input.at, input.n);
    free(exact);
    return 0;
}
