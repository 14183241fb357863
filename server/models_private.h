/* Private to the models: what models.c (versions made and changed) and
 * models_read.c (versions found and read) share. */
#ifndef MLPD_MODELS_PRIVATE_H
#define MLPD_MODELS_PRIVATE_H

#include "models.h"
#include "models_cache.h"
#include "models_damage.h"
#include "models_live.h"

struct models {
    struct store *store;
    struct models_cache *cache;
    struct models_live *live;
    struct models_damage *damage;
};

#endif
