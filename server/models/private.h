/* Private to the models: what models.c (versions made and changed) and
 * models/read.c (versions found and read) share. */
#ifndef MLPD_MODELS_PRIVATE_H
#define MLPD_MODELS_PRIVATE_H

#include "models/cache.h"
#include "models/damage.h"
#include "models/live.h"
#include "models/models.h"

struct models {
    struct store *store;
    struct models_cache *cache;
    struct models_live *live;
    struct models_damage *damage;
};

#endif
