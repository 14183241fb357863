/* Losses. */
#ifndef MLP_LOSS_H
#define MLP_LOSS_H

/* Losses, a row each; the functions stand in engine/network/loss.c. */
enum loss {
    LOSS_AUTO,
    LOSS_CATEGORICAL_CROSSENTROPY, /* classes, softmax */
    LOSS_BINARY_CROSSENTROPY,      /* two classes, one sigmoid output; or a sigmoid output each class */
    LOSS_MSE,
    LOSS_MAE,
    LOSS_HUBER,   /* quadratic to 1 (in standard deviations of the target), linear beyond */
    LOSS_POISSON, /* y - t ln y: counts; the target is not standardised */
    N_LOSSES
};

/* Its name as on the wire, and back; NULL or -1 for what does not exist. */
const char *loss_name(enum loss loss);
int loss_find(const char *name);

#endif
