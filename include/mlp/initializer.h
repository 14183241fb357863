/* Initializers of weights. */
#ifndef MLP_INITIALIZER_H
#define MLP_INITIALIZER_H

/* An initializer is a distribution and the variance it wants: scale / n_in,
 * scale / n_out or their mean. */
enum initializer {
    INITIALIZER_HE_NORMAL,
    INITIALIZER_HE_UNIFORM,
    INITIALIZER_GLOROT_NORMAL,
    INITIALIZER_GLOROT_UNIFORM,
    INITIALIZER_LECUN_NORMAL,
    INITIALIZER_LECUN_UNIFORM,
    INITIALIZER_NORMAL, /* of a given standard deviation */
    INITIALIZER_ORTHOGONAL,
    N_INITIALIZERS
};

/* Its name as on the wire, and back; NULL or -1 for what does not exist. */
const char *initializer_name(enum initializer initializer);
int initializer_find(const char *name);

#endif
