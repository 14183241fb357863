/* Initializers: a row each. Pure functions of the seed. */
#include "base/rng.h"
#include "network/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum distribution { NORMAL, UNIFORM, ORTHOGONAL };

/* Variances by the number of inputs and outputs. */
static double he(double n_in, double n_out)
{
    (void)n_out;
    return 2 / n_in;
}

static double glorot(double n_in, double n_out)
{
    return 2 / (n_in + n_out);
}

static double lecun(double n_in, double n_out)
{
    (void)n_out;
    return 1 / n_in;
}

static const struct {
    const char *name;
    enum distribution distribution;
    double (*variance)(double n_in, double n_out); /* NULL: the given standard deviation's square */
} initializers[N_INITIALIZERS] = {
    [INITIALIZER_HE_NORMAL] = {"he_normal", NORMAL, he},
    [INITIALIZER_HE_UNIFORM] = {"he_uniform", UNIFORM, he},
    [INITIALIZER_GLOROT_NORMAL] = {"glorot_normal", NORMAL, glorot},
    [INITIALIZER_GLOROT_UNIFORM] = {"glorot_uniform", UNIFORM, glorot},
    [INITIALIZER_LECUN_NORMAL] = {"lecun_normal", NORMAL, lecun},
    [INITIALIZER_LECUN_UNIFORM] = {"lecun_uniform", UNIFORM, lecun},
    [INITIALIZER_NORMAL] = {"normal", NORMAL, NULL},
    [INITIALIZER_ORTHOGONAL] = {"orthogonal", ORTHOGONAL, NULL},
};

const char *initializer_name(enum initializer initializer)
{
    return (size_t)initializer < N_INITIALIZERS ? initializers[initializer].name : NULL;
}

int initializer_find(const char *name)
{
    for (int i = 0; i < N_INITIALIZERS; i++)
        if (strcmp(initializers[i].name, name) == 0)
            return i;
    return -1;
}

/* n independent numbers of mean 0 and variance 1 for a layer. */
static void draw(double *x, uint64_t n, enum distribution distribution, uint64_t seed, uint32_t layer)
{
    for (uint64_t i = 0; i < n; i += 2) {
        double pair[2];
        if (distribution == UNIFORM) {
            uint32_t words[4];
            rng_words(seed, rng_stream(RNG_INIT, layer), i, words);
            for (int j = 0; j < 2; j++)
                pair[j] = (((double)words[j] + 0.5) * 0x1p-31 - 1) * sqrt(3);
        } else {
            rng_normals(seed, rng_stream(RNG_INIT, layer), i, pair);
        }
        x[i] = pair[0];
        if (i + 1 < n)
            x[i + 1] = pair[1];
    }
}

/* Make m vectors of n >= m numbers orthonormal, in place: vector i's number k
 * is x[i * step_i + k * step_k] (modified Gram-Schmidt). */
static void orthonormalise(double *x, uint32_t m, uint32_t n, size_t step_i, size_t step_k)
{
    for (uint32_t i = 0; i < m; i++) {
        double *v = x + i * step_i, norm = 0;
        for (uint32_t j = 0; j < i; j++) {
            const double *u = x + j * step_i;
            double dot = 0;
            for (uint32_t k = 0; k < n; k++)
                dot += v[k * step_k] * u[k * step_k];
            for (uint32_t k = 0; k < n; k++)
                v[k * step_k] -= dot * u[k * step_k];
        }
        for (uint32_t k = 0; k < n; k++)
            norm += v[k * step_k] * v[k * step_k];
        norm = sqrt(norm);
        for (uint32_t k = 0; k < n; k++)
            v[k * step_k] /= norm;
    }
}

static void init_layer(struct network *network, uint32_t layer, enum initializer initializer, float stddev,
                       uint64_t seed, double *x)
{
    uint32_t n_in = network_n_in(network, layer), n_out = network->layers[layer].units;
    double scale = 1;
    draw(x, (uint64_t)n_in * n_out, initializers[initializer].distribution, seed, layer);
    if (initializers[initializer].distribution == ORTHOGONAL && n_in >= n_out)
        orthonormalise(x, n_out, n_in, 1, n_out);
    else if (initializers[initializer].distribution == ORTHOGONAL)
        orthonormalise(x, n_in, n_out, n_out, 1);
    else
        scale = initializers[initializer].variance == NULL
                    ? (double)stddev
                    : sqrt(initializers[initializer].variance(n_in, n_out));
    for (uint32_t k = 0; k < n_in; k++)
        for (uint32_t o = 0; o < n_out; o++)
            network->params[weight_at(network, layer, k, o)] = (float)(scale * x[(size_t)k * n_out + o]);
    for (uint32_t o = 0; network->layers[layer].norms > 0 && o < n_out; o++)
        vector_of(network, layer, VECTOR_GAINS)[o] = 1;
}

bool network_init(struct network *network, enum initializer initializer, float stddev, uint64_t seed,
                  struct err *err)
{
    memset(network->params, 0, network->n_floats * sizeof(float));
    for (uint32_t i = 0; i < network->n_layers; i++) {
        double *x = malloc((size_t)network_n_in(network, i) * network->layers[i].units * sizeof *x);
        if (x == NULL)
            return err_memory(err, "the first weights");
        init_layer(network, i, initializer, stddev, seed, x);
        free(x);
    }
    return true;
}
