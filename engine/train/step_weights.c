/* A step's weights: the gradient of a block of them over the chunk's rows, and
 * its update, by one worker. */
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <string.h>

struct change step_change(const struct trainer_config *config, struct trainer_state *state,
                          const struct position *p)
{
    uint64_t step =
        (uint64_t)atomic_load_explicit(&state->epoch, memory_order_relaxed) * config->n_steps + p->step;
    double rate = schedule_rate(&config->options, step, config->n_steps, state->reductions);
    return (struct change){.config = config,
                           .state = state,
                           .update = optimizer_update(&config->options, step + 1, rate),
                           .rate = rate};
}

/* Where the panel's part of one of the layer's vectors lies. */
static size_t vector_at(const struct network *network, const struct weight_block *b, enum vector vector)
{
    return (size_t)(vector_of(network, b->layer, vector) - network->params) + b->panel;
}

static size_t weights_at(const struct network *network, const struct weight_block *b)
{
    return network->weights_at[b->layer] + (size_t)b->panel * padded_in(network, b->layer) +
           (size_t)b->row * b->width;
}

/* n floats of a layer's parameters at offset `at`: of its weights, or of its
 * vectors (biases, gains, offsets). */
struct params_span {
    uint32_t layer;
    bool vectors;
    size_t at, n;
};

/* Where the optimizer's array has the parameters at offset `at`; NULL: it has
 * no such array. */
static float *moments_at(const struct trainer_state *state, int which, size_t at)
{
    return state->moments[which] == NULL ? NULL : state->moments[which] + at;
}

/* Apply the optimizer to a span. g: (span.n), its gradient. False: a parameter
 * is no longer finite. */
static bool update_span(const struct change *change, struct params_span span, float *g)
{
    const struct trainer_config *config = change->config;
    const struct trainer_state *state = change->state;
    const struct train_options *o = &config->options;
    float *p = state->network->params + span.at;
    if (config->prepares) {
        /* Where norms are clipped, the penalties are in the gradient already:
         * they count in its norm. */
        bool penalised = span.vectors || config->clips_norm;
        struct penalty penalty = {
            .l1 = penalised ? 0 : o->l1,
            .l2 = penalised ? 0 : o->l2,
            .clip_scale = change->scales == NULL ? 1 : change->scales[2 * span.layer + span.vectors],
            .clip_value = o->clipvalue > 0 ? o->clipvalue : INFINITY,
            .keep = span.vectors ? 1 : (float)(1 - change->rate * (double)o->weight_decay)};
        config->kernels->prepare(p, g, span.n, &penalty);
    }
    return config->kernels->update[o->optimizer](p, moments_at(state, 0, span.at),
                                                 moments_at(state, 1, span.at), g, span.n, &change->update);
}

static bool update_weights(const struct change *change, const struct weight_block *b, float *g)
{
    const bool *dead = change->config->dead;
    size_t at = weights_at(change->state->network, b);
    bool finite = true;
    if (b->layer > 0 || dead == NULL) {
        struct params_span span = {.layer = b->layer, .at = at, .n = (size_t)16 * b->width};
        return update_span(change, span, g);
    }
    /* Inputs that are zero in every row are left out: their gradient and state
     * are zero, so the update would change nothing. */
    for (uint32_t k = 0, end; k < 16; k = end + 1) {
        for (end = k; end < 16 && !dead[b->row + end]; end++) {}
        struct params_span span = {.at = at + (size_t)k * b->width, .n = (size_t)(end - k) * b->width};
        if (end > k && !update_span(change, span, g + (size_t)k * b->width))
            finite = false;
    }
    return finite;
}

static bool update_vector(const struct change *change, const struct weight_block *b, enum vector vector,
                          float *g)
{
    struct params_span span = {.layer = b->layer,
                               .vectors = true,
                               .at = vector_at(change->state->network, b, vector),
                               .n = b->width};
    return update_span(change, span, g);
}

/* Where the gradient of the floats at offset `at` goes: scratch, or what
 * earlier chunks added up. */
static float *gradient_of(const struct trainer_state *state, struct worker_scratch *scratch, size_t at)
{
    return state->gradients == NULL ? scratch->gradient : state->gradients + at;
}

/* Weights that a worker's cache still holds in the next step, with their
 * optimizer state. What is more is far away when its turn comes, and asked for
 * while its gradient is computed. */
#define L2_BYTES (512u << 10)

static void weights_gradient(struct trainer *t, const struct position *p, const struct weight_block *b,
                             float *g)
{
    const struct trainer_config *config = &t->config;
    struct trainer_state *state = &t->state;
    const struct trainer_workspace *work = &t->work;
    uint32_t l = b->layer;
    const float *dy = work->deltas.at[l + 1] + b->panel;
    if (l == 0 && config->sparse) {
        config->kernels->gradient_sparse(work->xt + (size_t)b->row * work->activations.n_rows,
                                         work->activations.n_rows, config->byte_values, dy,
                                         work->deltas.ld[l + 1], (p->n_rows + 63) & ~63u, b->width,
                                         p->chunk > 0, g);
        return;
    }
    if (p->chunk == 0)
        memset(g, 0, (size_t)16 * b->width * sizeof *g);
    size_t at = weights_at(state->network, b);
    const float *soon[3] = {state->network->params + at, moments_at(state, 0, at), moments_at(state, 1, at)};
    bool far = state->network->n_floats * sizeof(float) > (size_t)t->run.n_workers * L2_BYTES &&
               p->chunk + 1 == p->n_chunks && !config->clips_norm;
    config->kernels->gradient(work->activations.at[l] + b->row, work->activations.ld[l], dy,
                              work->deltas.ld[l + 1], (p->n_rows + 15) & ~15u, b->width, far ? soon : NULL,
                              g);
}

/* Gradient of the panel's part of the layer's vectors, each the sum of what the
 * rows say, and as gradient_block goes on. */
static bool vectors_gradient(struct trainer *t, struct worker_scratch *scratch, const struct position *p,
                             const struct change *change, uint32_t block)
{
    const struct trainer_config *config = &t->config;
    struct trainer_workspace *work = &t->work;
    const struct weight_block *b = &config->blocks[block];
    const struct activations *rows[] = {&work->deltas, &work->normals, &work->passed}; /* by enum vector */
    bool last = p->chunk + 1 == p->n_chunks, finite = true;
    double squares = 0;
    for (uint32_t i = 0; i < layer_n_vectors(&t->state.network->layers[b->layer]); i++) {
        float *g = gradient_of(&t->state, scratch, vector_at(t->state.network, b, i));
        if (p->chunk == 0)
            memset(g, 0, b->width * sizeof *g);
        config->kernels->gradient_bias(rows[i]->at[b->layer + 1] + b->panel, rows[i]->ld[b->layer + 1],
                                       p->n_rows, b->width, g);
        if (last && config->clips_norm)
            squares += config->kernels->square_sum(g, b->width);
        else if (last && !update_vector(change, b, i, g))
            finite = false;
    }
    if (last && config->clips_norm)
        work->bias_squares[block] = squares;
    return finite;
}

bool step_gradient(struct trainer *t, struct worker_scratch *scratch, const struct position *p,
                   const struct change *change, uint32_t i)
{
    const struct trainer_config *config = &t->config;
    const struct weight_block *b = &config->blocks[i];
    const struct network *network = t->state.network;
    bool vectors_finite = b->row > 0 || vectors_gradient(t, scratch, p, change, i);
    float *g = gradient_of(&t->state, scratch, weights_at(network, b));
    weights_gradient(t, p, b, g);
    if (p->chunk + 1 < p->n_chunks)
        return vectors_finite;
    if (!config->clips_norm)
        return update_weights(change, b, g) && vectors_finite;
    size_t n = (size_t)16 * b->width;
    struct penalty penalty = {.l1 = config->options.l1,
                              .l2 = config->options.l2,
                              .clip_scale = 1,
                              .clip_value = INFINITY,
                              .keep = 1};
    config->kernels->prepare(network->params + weights_at(network, b), g, n, &penalty);
    t->work.block_squares[i] = config->kernels->square_sum(g, n);
    return vectors_finite;
}

void step_clip_scales(const struct trainer_config *config, const struct trainer_workspace *work,
                      float scales[2 * NETWORK_LAYERS_MAX])
{
    double squares[2 * NETWORK_LAYERS_MAX] = {0}, all = 0;
    const struct train_options *o = &config->options;
    for (uint32_t i = 0; i < config->n_blocks; i++) {
        squares[2 * config->blocks[i].layer] += work->block_squares[i];
        squares[2 * config->blocks[i].layer + 1] += config->blocks[i].row == 0 ? work->bias_squares[i] : 0;
    }
    for (uint32_t i = 0; i < 2 * o->n_layers; i++) {
        double norm = sqrt(squares[i]);
        scales[i] = o->clipnorm > 0 && norm > (double)o->clipnorm ? (float)((double)o->clipnorm / norm) : 1;
        all += squares[i] * (double)scales[i] * (double)scales[i];
    }
    double norm = sqrt(all);
    bool exceeds = o->global_clipnorm > 0 && norm > (double)o->global_clipnorm;
    for (uint32_t i = 0; exceeds && i < 2 * o->n_layers; i++)
        scales[i] *= (float)((double)o->global_clipnorm / norm);
}

bool step_update(const struct change *change, uint32_t i)
{
    const struct trainer_state *state = change->state;
    const struct network *network = state->network;
    const struct weight_block *b = &change->config->blocks[i];
    uint32_t n_vectors = b->row == 0 ? layer_n_vectors(&network->layers[b->layer]) : 0;
    bool finite = update_weights(change, b, state->gradients + weights_at(network, b));
    for (uint32_t v = 0; v < n_vectors; v++)
        if (!update_vector(change, b, v, state->gradients + vector_at(network, b, v)))
            finite = false;
    return finite;
}

void step_norms(const struct change *change, uint32_t panel)
{
    const struct trainer_config *config = change->config;
    const struct network *network = change->state->network;
    const struct weight_block *b = &config->panels[panel];
    config->kernels->limit_norms(network->params + weights_at(network, b), padded_in(network, b->layer),
                                 b->width, config->options.max_norm);
}
